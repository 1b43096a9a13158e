import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { AgentCluster } from './kit/agents.ts';
import { mysql, postgres } from './kit/servers.ts';
import { SingleMode, syncManifest } from './kit/single-mode.ts';
import { mysqlDatabase, postgresDatabase, type TestDatabase, TestSystems } from './kit/systems.ts';
import { tempFolder } from './kit/temp.ts';

/** A server under another name is accepted; another database, at any address, is not: as a source and as a destination. */
let folder: string;
let files: TestSystems;
before(async () => {
  folder = await tempFolder('other-system');
  files = new TestSystems(folder);
});

const noLongerFits = ['Failed', 'OffsetNoLongerFits'];
const create = 'CREATE TABLE t (id int PRIMARY KEY, v varchar(20))';
const insert = (id: number) => `INSERT INTO t VALUES (${id}, 'row ${id}')`;

/** `in`: from the server into a file; `out`: from a file to the server. */
async function twoSyncs(name: string, server: TestDatabase) {
  const [source, destination] = [await files.createDatabase('sqlite'), await files.createDatabase('sqlite')];
  for (const each of [server, source]) await each.execute(create, insert(1), insert(2));
  const single = new SingleMode(join(folder, name));
  const sync = (from: string, to: string, table: string, target: string) => ({
    source: { dataSource: from, table, idField: 'id' },
    destination: { dataSource: to, table: target },
    mode: 'Id',
  });
  /** With the server as named in this manifest. */
  const write = (manifest: string, named = server) =>
    single.write(
      [
        manifest,
        source.manifest('source'),
        destination.manifest('destination'),
        syncManifest('in', sync('server', 'destination', named.tableName('t'), 't')),
        syncManifest('out', sync('source', 'server', 't', named.tableName('arrived'))),
      ].join(''),
    );
  const insertBoth = async (id: number) => {
    for (const each of [server, source]) await each.execute(insert(id));
  };
  const written = async () => {
    const { status } = await single.runWell();
    return [status.get('in')?.rows.written, status.get('out')?.rows.written];
  };
  const failures = async () => {
    const { status } = await single.runOnce();
    return ['in', 'out'].map((each) => [status.get(each)?.state, status.get(each)?.reason]);
  };
  return { single, write, insertBoth, written, failures };
}

async function renamed(syncs: Awaited<ReturnType<typeof twoSyncs>>, manifest: string): Promise<void> {
  await syncs.write(manifest);
  assert.deepEqual(await syncs.written(), [2, 2]);
  assert.match(manifest, /host: 127\.0\.0\.1/);
  await syncs.write(manifest.replace('host: 127.0.0.1', 'host: localhost'));
  await syncs.insertBoth(3);
  for (const [, { findings }] of await syncs.single.plan())
    assert.equal(
      findings.find(({ code }) => code === 'OffsetNoLongerFits'),
      undefined,
    );
  assert.deepEqual(await syncs.written(), [3, 3]);
}

describe('PostgreSQL', () => {
  let server: Awaited<ReturnType<typeof postgres>>;
  before(async () => {
    server = await postgres();
  });
  after(() => server?.stop());

  test('in a cluster: the same, while agents run them', async () => {
    const [from, to, elsewhere] = [
      await server.createDatabase(),
      await server.createDatabase(),
      await server.createDatabase(),
    ];
    const [source, destination, other] = [from, to, elsewhere].map(postgresDatabase) as [
      TestDatabase,
      TestDatabase,
      TestDatabase,
    ];
    await source.execute(create, insert(1), insert(2));
    const cluster = await AgentCluster.start();
    try {
      await cluster.agent('a');
      const spec = {
        source: { dataSource: 'shop', table: 'public.t', idField: 'id' },
        destination: { dataSource: 'warehouse', table: 'public.t' },
        mode: 'Id',
        schedule: { continuous: true },
      };
      await cluster.put(
        source.manifest('shop') + destination.manifest('warehouse') + syncManifest('t', spec),
      );
      const caughtUp = async (rows: number) =>
        await cluster.untilStatus(
          't',
          `caught up with ${rows} rows`,
          (status) => status.reason === 'CaughtUp' && status.rows.written === rows,
        );
      const refused = async () =>
        await cluster.untilStatus('t', 'refused', (status) => status.reason === 'OffsetNoLongerFits');
      await caughtUp(2);
      await cluster.put(source.manifest('shop').replace('127.0.0.1', 'localhost'));
      await source.execute(insert(3));
      await caughtUp(3);
      await cluster.put(other.manifest('warehouse'));
      await refused();
      assert.deepEqual(await other.rows("SELECT to_regclass('public.t')"), [[null]]);
      await cluster.put(destination.manifest('warehouse'));
      await caughtUp(3);
      // Replaced under the same name, while it runs.
      await server.query(`DROP DATABASE "${from.database}" WITH (FORCE)`);
      await server.query(`CREATE DATABASE "${from.database}" OWNER "${from.user}"`);
      await source.execute(create, insert(8));
      // It may have noticed the missing database, and would retry only after a minute.
      await cluster.request('t', { type: 'run-now', id: '1' });
      await refused();
      assert.deepEqual(await destination.rows('SELECT count(*) FROM t'), [['3']]);
    } finally {
      await cluster.stop();
    }
  });

  test('under another name the Sync continues; with another database or a recreated one it does not', async () => {
    const [one, two] = [await server.createDatabase(), await server.createDatabase()];
    const [database, other] = [postgresDatabase(one), postgresDatabase(two)];
    const syncs = await twoSyncs('postgres', database);
    await renamed(syncs, database.manifest('server'));
    await other.execute(create, insert(1), insert(9));
    await syncs.write(other.manifest('server'), other);
    assert.deepEqual(await syncs.failures(), [noLongerFits, noLongerFits]);
    await syncs.write(database.manifest('server'));
    assert.deepEqual(await syncs.written(), [3, 3]);
    await server.query(`DROP DATABASE "${one.database}" WITH (FORCE)`);
    await server.query(`CREATE DATABASE "${one.database}" OWNER "${one.user}"`);
    await database.execute(create, insert(1), insert(9));
    assert.deepEqual(await syncs.failures(), [noLongerFits, noLongerFits]);
  });
});

describe('MySQL', () => {
  let server: Awaited<ReturnType<typeof mysql>>;
  before(async () => {
    server = await mysql();
  });
  after(() => server?.stop());

  test('under another name the Sync continues; with another database it does not', async () => {
    const [one, two] = [await server.createDatabase(), await server.createDatabase()];
    await server.query(`GRANT PROCESS ON *.* TO '${one.user}'@'%'`);
    const [database, other] = [mysqlDatabase('mysql', one), mysqlDatabase('mysql', two)];
    const syncs = await twoSyncs('mysql', database);
    await renamed(syncs, database.manifest('server'));
    await other.execute(create, insert(1), insert(9));
    await syncs.write(other.manifest('server'), other);
    assert.deepEqual(await syncs.failures(), [noLongerFits, noLongerFits]);
  });
});
