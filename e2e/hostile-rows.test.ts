import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { connector as mysqlConnector } from '../connectors/mysql/connector.ts';
import { accessOf } from '../connectors/mysql/test-harness.ts';
import { connector as postgresConnector } from '../connectors/postgres/connector.ts';
import { type TestDatabase, testDatabase } from '../connectors/postgres/test-harness.ts';
import { openFlow } from '../connectors/sql/test-flow.ts';
import { postgresProtocol, tamperingProxy } from './hostile/tampering-proxy.ts';
import { type MysqlDatabase, type MysqlServer, mysql } from './kit/servers.ts';

let source: TestDatabase;
let server: MysqlServer;
let target: MysqlDatabase;
const run = (sql: string) => server.query(sql, target.database);

before(async () => {
  source = await testDatabase();
  await source.run(`CREATE TABLE honest (id int PRIMARY KEY, t text NOT NULL, b bytea NOT NULL);
    INSERT INTO honest SELECT i, 'honest ' || i, '\\x00' FROM generate_series(1, 5) i`);
  server = await mysql({ settings: { 'local-infile': '0' } });
  target = await server.createDatabase();
  await run('CREATE TABLE honest (id INT PRIMARY KEY, t LONGTEXT NOT NULL, b LONGBLOB NOT NULL)');
  await run('CREATE TABLE victim (id INT)');
  await run('INSERT INTO victim VALUES (1)');
});
after(async () => {
  await source?.stop();
  await server?.stop();
});

const writes = 'DELETE FROM victim; INSERT INTO victim VALUES (2); -- ';
/** By the id of the row: the text that is sent instead. */
const attacks: Readonly<Record<string, string>> = {
  1: `1\t\\'); ${writes}\t00\n`,
  2: `2\tx\\\t,''); ${writes}\n`,
  3: `3\tx\t00'); ${writes}\n`,
  4: `4\tx\t00\n9\tx\t'); ${writes}\n`,
  5: `5\tx\t00\t'); ${writes}`,
};

for (const [id, line] of Object.entries(attacks)) {
  test(`a row that a source has invented is not executed by the destination (${id})`, async () => {
    const { host, port } = source.access.config as { host: string; port: number };
    const change = (text: string) => (text.startsWith(`${id}\thonest`) ? line : undefined);
    const proxy = await tamperingProxy({ host, port }, postgresProtocol, change);
    const flow = await openFlow(
      {
        connector: { ...mysqlConnector, openSource: postgresConnector.openSource },
        source: { ...source.access, config: { ...source.access.config, port: proxy.port } },
        destination: accessOf(target),
      },
      { from: 'public.honest', to: 'honest', uid: id },
    );
    try {
      assert.equal(flow.rowFormat.format, 'tsv');
      await flow.claim();
      // A text may be anything; everything else is refused.
      if (id === '1') await flow.pass();
      else await assert.rejects(flow.pass(), { code: /^(ValueNotKept|ProtocolBroken)$/ });
    } finally {
      await flow.close();
      await proxy.stop();
    }
    assert.deepEqual(
      (await run('SELECT id FROM victim')).map((row) => row.id),
      [1],
    );
  });
}
