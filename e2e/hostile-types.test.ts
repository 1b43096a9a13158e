import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { connector as mysqlConnector } from '../connectors/mysql/connector.ts';
import { onEachServer } from '../connectors/mysql/test-harness.ts';
import { connector as postgresConnector } from '../connectors/postgres/connector.ts';
import {
  openFlow as openPostgres,
  type TestDatabase as Postgres,
  testDatabase,
} from '../connectors/postgres/test-harness.ts';
import { type FlowEnds, type FlowOptions, openFlow } from '../connectors/sql/test-flow.ts';
import type { SystemAccess } from '../core/connector.ts';
import { type Change, mysqlProtocol, postgresProtocol, tamperingProxy } from './hostile/tampering-proxy.ts';

const signal = new AbortController().signal;
/** Without dots, because the rogue server uses it as the name of a built-in type. */
const runs = 'CREATE TABLE pwned (a int)';

function behind(access: SystemAccess, port: number): SystemAccess {
  return { ...access, config: { ...access.config, host: '127.0.0.1', port } };
}

/** One complete Sync; what was opened is closed even if it is refused. */
async function syncOnce(ends: FlowEnds, options: FlowOptions): Promise<void> {
  const flow = await openFlow(ends, options);
  try {
    await flow.claim();
    await flow.pass();
  } finally {
    await flow.close();
  }
}

function portOf({ config }: SystemAccess): { host: string; port: number } {
  return { host: String(config.host), port: Number(config.port) };
}

describe('PostgreSQL', () => {
  let database: Postgres;
  before(async () => {
    database = await testDatabase();
    await database.run(
      `CREATE TABLE "plain" (id int PRIMARY KEY, v pg_lsn); INSERT INTO "plain" VALUES (1, '0/1')`,
    );
  });
  after(() => database?.stop());

  const isPwned = async () =>
    (await database.run(`SELECT 1 FROM pg_class WHERE relname = 'pwned'`)).length > 0;
  const tampered = async (change: Change, work: (source: SystemAccess) => Promise<unknown>) => {
    const proxy = await tamperingProxy(portOf(database.access), postgresProtocol, change);
    try {
      await work(behind(database.access, proxy.port));
    } finally {
      await proxy.stop();
    }
  };

  for (const [what, type] of [
    ['DDL', `pg_lsn); ${runs}; --`],
    ['a default', 'pg_lsn DEFAULT pg_catalog."version"()'],
    ['a quoted break-out', `"pg_lsn"); ${runs}; --"`],
  ] as const) {
    test(`a type whose name is ${what} reaches no statement of the destination`, async () => {
      const change = (text: string) => (text === 'pg_lsn' ? type : undefined);
      await tampered(change, async (source) => {
        const ends = { connector: postgresConnector, source, destination: database.access };
        await assert.rejects(syncOnce(ends, { from: 'public.plain', to: `public."to ${what}"` }), {
          code: 'TypeUnreadable',
          message: /column v of public\.plain/,
        });
        await assert.rejects(postgresConnector.discover(source, signal), { code: 'TypeUnreadable' });
      });
      assert.equal(await isPwned(), false);
    });
  }

  test('an invalid object id is in no statement', async () => {
    const [[oid = ''] = []] = await database.run(`SELECT 'plain'::regclass::oid`);
    await tampered(
      (text) => (text === oid ? `${oid}; ${runs}` : undefined),
      async (source) => {
        const ends = { connector: postgresConnector, source, destination: database.access };
        await assert.rejects(syncOnce(ends, { from: 'public.plain', to: 'public.of_oid' }));
      },
    );
    assert.equal(await isPwned(), false);
  });

  test('names that look like SQL are names', async () => {
    const odd = (kind: string) => `${kind}"'; ${runs}; --`;
    const quoted = (kind: string) => `"${odd(kind).replaceAll('"', '""')}"`;
    await database.run(`CREATE COLLATION ${quoted('collation')} FROM "C";
      CREATE TYPE ${quoted('mood')} AS ENUM ('${odd('label').replaceAll("'", "''")}'); CREATE DOMAIN ${quoted('domain')} AS ${quoted('mood')};
      CREATE TABLE ${quoted('table')} (${quoted('id')} int, ${quoted('text')} text COLLATE ${quoted('collation')},
        ${quoted('enum')} ${quoted('mood')}, ${quoted('domain')} ${quoted('domain')}, ${quoted('enums')} ${quoted('mood')}[],
        CONSTRAINT ${quoted('key')} PRIMARY KEY (${quoted('id')}));
      CREATE TABLE ${quoted('target')} (LIKE ${quoted('table')} INCLUDING ALL);
      CREATE INDEX ${quoted('index')} ON ${quoted('target')} (${quoted('text')});
      INSERT INTO ${quoted('table')} SELECT 1, 'x', enum_first(NULL::${quoted('mood')}), enum_first(NULL::${quoted('mood')}), enum_range(NULL::${quoted('mood')})`);
    for (const [to, writeMode] of [
      ['target', 'Upsert'],
      ['target', 'Replace'],
      ['made', 'Upsert'],
    ] as const) {
      const flow = await openPostgres(database, { from: quoted('table'), to: quoted(to), writeMode });
      await flow.claim();
      await flow.pass();
      await flow.close();
      const both = await database.run(
        `SELECT (SELECT t::text FROM ${quoted('table')} t) = (SELECT t::text FROM ${quoted(to)} t)`,
      );
      assert.deepEqual(both, [['t']]);
    }
    assert.equal(await isPwned(), false);
  });
});

onEachServer((database) => {
  before(async () => {
    await database.run(`CREATE TABLE plain (id INT PRIMARY KEY, v SMALLINT UNSIGNED, w VARCHAR(20) COLLATE latin1_swedish_ci);
        INSERT INTO plain VALUES (1, 2, 'x')`);
  });

  const isPwned = async () =>
    (
      await database.run(
        `SELECT 1 FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = 'pwned'`,
      )
    ).length > 0;
  const tampered = async (change: Change, work: (access: SystemAccess) => Promise<unknown>) => {
    const proxy = await tamperingProxy(portOf(database.access), mysqlProtocol, change);
    try {
      await work(behind(database.access, proxy.port));
    } finally {
      await proxy.stop();
    }
  };

  for (const [what, type] of [
    ['DDL', `smallint) ENGINE = InnoDB; ${runs}; -- `],
    ['an ENUM', `enum('a') NULL) ENGINE = InnoDB; ${runs}; -- ')`],
    ['a comment', `smallint /*! NULL); ${runs}; -- */`],
  ] as const) {
    test(`a type whose name is ${what} reaches no statement of the destination`, async () => {
      const change = (text: string) => (/^smallint.* unsigned$/.test(text) ? type : undefined);
      await tampered(change, async (source) => {
        const ends = { connector: mysqlConnector, source, destination: database.access };
        await assert.rejects(syncOnce(ends, { from: 'plain', to: `to_${what.replace(' ', '_')}` }), {
          code: 'TypeUnreadable',
          message: /column v of /,
        });
      });
      assert.equal(await isPwned(), false);
    });
  }

  test('a collation whose name is SQL is not used', async () => {
    const change = (text: string) =>
      text === 'latin1_swedish_ci' ? `latin1_swedish_ci) ENGINE = InnoDB; ${runs}; -- ` : undefined;
    await tampered(change, async (source) => {
      await syncOnce(
        { connector: mysqlConnector, source, destination: database.access },
        { from: 'plain', to: 'of_collation' },
      );
    });
    assert.equal(await isPwned(), false);
  });

  test("the destination's own collation is one of those that are known here", async () => {
    let isTold = false;
    const change = (text: string) => {
      if (isTold || !/^utf8mb4_(0900|nopad)_bin$/.test(text)) return undefined;
      isTold = true;
      return `utf8mb4_bin; ${runs}; -- `;
    };
    await tampered(change, async (destination) => {
      await syncOnce(
        { connector: mysqlConnector, source: database.access, destination },
        { from: 'plain', to: 'of_default' },
      );
    });
    assert.equal(await isPwned(), false);
  });

  test('names and labels that look like SQL are names and labels', async () => {
    const odd = (kind: string) => `${kind}\`'; ${runs}; -- x`;
    const quoted = (kind: string) => `\`${odd(kind).replaceAll('`', '``')}\``;
    const label = String.raw`'l\\''); ${runs}; -- x'`;
    await database.run(`CREATE TABLE ${quoted('table')} (${quoted('id')} INT, ${quoted('enum')} ENUM('\\\\', ${label}), ${quoted('set')} SET(${label}),
          CONSTRAINT PRIMARY KEY (${quoted('id')}), UNIQUE ${quoted('index')} (${quoted('enum')}));
        CREATE TABLE ${quoted('target')} LIKE ${quoted('table')}; INSERT INTO ${quoted('table')} VALUES (1, ${label}, ${label}), (2, '\\\\', '')`);
    for (const [to, writeMode] of [
      ['target', 'Upsert'],
      ['target', 'Replace'],
      ['made', 'Upsert'],
    ] as const) {
      const flow = await database.flow({ from: `"${odd('table')}"`, to: `"${odd(to)}"`, writeMode });
      await flow.claim();
      await flow.pass();
      await flow.close();
      const rows = (table: string) => database.run(`SELECT * FROM ${quoted(table)} ORDER BY ${quoted('id')}`);
      assert.deepEqual(await rows(to), await rows('table'));
    }
    assert.equal(await isPwned(), false);
  });
});
