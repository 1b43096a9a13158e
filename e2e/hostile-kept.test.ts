import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { test } from 'node:test';
import { queryObjects } from 'node:v8';
import { Session as MysqlSession } from '../connectors/mysql/session.ts';
import { readerName } from '../connectors/postgres/connection/open.ts';
import { Session as PostgresSession } from '../connectors/postgres/session.ts';
import type { SystemAccess } from '../core/connector.ts';
import { Secret } from '../core/secret.ts';
import { packet, resultSet, rogueMysql } from './hostile/rogue-mysql.ts';
import { message, roguePostgres } from './hostile/rogue-postgres.ts';
import type { RogueServer } from './hostile/rogue-server.ts';

const never = new AbortController().signal;
const large = 200_000;

function accessOf({ port }: RogueServer): SystemAccess {
  return {
    dataSource: 'team/rogue',
    config: { host: '127.0.0.1', port, database: 'd', user: 'u', tls: { mode: 'Disable' } },
    secret: (path) => (path === 'password' ? new Secret('p') : undefined),
  };
}

const isRefused = { code: 'ProtocolBroken', message: /a message of \d+ bytes during the login/ };

test('MySQL: a large greeting, which the driver would keep as long as the connection lives, is refused', async () => {
  const greeting = Buffer.concat([Buffer.from([10]), Buffer.alloc(large, '8'), Buffer.alloc(64)]);
  const server = await rogueMysql({ greeting: packet(0, greeting) });
  try {
    await assert.rejects(MysqlSession.open(accessOf(server), 'reader', never), isRefused);
  } finally {
    await server.stop();
  }
});

test('PostgreSQL: a large message before the login is complete is refused', async () => {
  const server = await roguePostgres({ login: message('S', `name\0${'x'.repeat(large)}\0`) });
  try {
    await assert.rejects(PostgresSession.open(accessOf(server), readerName, never), isRefused);
  } finally {
    await server.stop();
  }
});

const requireOfDriver = createRequire(createRequire(import.meta.url).resolve('mysql2'));
const { _Entry: CompiledRow } = requireOfDriver('./lib/parsers/parser_cache.js') as {
  readonly _Entry: abstract new () => object;
};

test('MySQL: what the driver keeps for results of other columns is bounded', async () => {
  const [textType, blobType] = [0xfd, 0xfc];
  let results = 0;
  /** Each has other columns. */
  const wide = () => {
    results += 1;
    return resultSet(
      Array.from({ length: 2_000 }, (_, at) => (at < results ? blobType : textType)),
      [],
    );
  };
  const server = await rogueMysql({
    statement: (sql) => (sql.includes('wide') ? wide() : 'proper'),
    mostBytes: 64 << 20,
  });
  try {
    const session = await MysqlSession.open(accessOf(server), 'reader', never);
    for (let time = 0; time < 50; time++) await session.query('SELECT wide');
    await session.close();
    assert.equal(results, 50);
    const kept = queryObjects(CompiledRow, { format: 'count' });
    assert.ok(kept < 25, `${kept} lists of 2,000 columns`);
  } finally {
    await server.stop();
  }
});
