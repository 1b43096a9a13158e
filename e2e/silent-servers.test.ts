import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { type FaultProxy, faultProxy } from './kit/proxy.ts';
import { type RunningSingleMode, SingleMode, syncManifest } from './kit/single-mode.ts';
import { type SystemName, type TestDatabase, TestSystems } from './kit/systems.ts';
import { tempFolder } from './kit/temp.ts';
import { until } from './kit/wait.ts';

/** Enough for a pass to take seconds under the limit of rows per second. */
const rowCount = 4_000;
const rowsPerSecond = 1_000;

interface Pair {
  readonly name: string;
  readonly manifests: string;
  readonly source: TestDatabase;
  readonly destination: TestDatabase;
}

let folder: string;
let systems: TestSystems;
let running: RunningSingleMode | undefined;
const proxies: FaultProxy[] = [];

before(async () => {
  folder = await tempFolder('silent');
  systems = new TestSystems(folder);
});

after(async () => {
  await running?.process.stop();
  await Promise.all(proxies.map((proxy) => proxy.stop()));
  await systems?.stop();
});

/** The server is behind a proxy, and has a second to answer a new connection. */
async function behindProxy(manifest: string): Promise<string> {
  const port = Number(/port: (\d+)/.exec(manifest)?.[1]);
  const proxy = await faultProxy('127.0.0.1', port);
  proxies.push(proxy);
  return manifest.replace(/port: \d+/, `port: ${proxy.port}, parameters: { connect_timeout: "1" }`);
}

async function pairOf(from: SystemName, to: SystemName): Promise<Pair> {
  const [source, destination] = [await systems.createDatabase(from), await systems.createDatabase(to)];
  const name = `${from}-to-${to}`;
  await source.execute(
    'CREATE TABLE t (id int PRIMARY KEY)',
    `INSERT INTO t (id) VALUES ${Array.from({ length: rowCount }, (_, id) => `(${id})`).join(', ')}`,
  );
  const ends = await Promise.all(
    [source, destination].map(async (end, index) => {
      const manifest = end.manifest(`${name}-${index}`);
      return end.system === 'sqlite'
        ? manifest.replace(/\n---\n$/, `\n  maxRowsPerSecond: ${rowsPerSecond}\n---\n`)
        : await behindProxy(manifest);
    }),
  );
  const sync = syncManifest(name, {
    source: { dataSource: `${name}-0`, table: source.tableName('t'), idField: 'id' },
    destination: { dataSource: `${name}-1`, table: destination.tableName('t') },
    mode: 'Id',
    batch: { maxRows: 50 },
    schedule: { every: '1s' },
  });
  return { name, manifests: ends.join('') + sync, source, destination };
}

async function idsOf(database: TestDatabase): Promise<readonly (string | null)[]> {
  const rows = await database.rows(`SELECT id FROM ${database.tableName('t')} ORDER BY id`);
  return rows.map(([id = null]) => id);
}

test('a server that stops answering in the middle of a pass, as source and as destination, is reported in seconds', async () => {
  const pairs = [
    await pairOf('postgres', 'sqlite'),
    await pairOf('sqlite', 'postgres'),
    await pairOf('mysql', 'sqlite'),
    await pairOf('sqlite', 'mysql'),
  ];
  const single = new SingleMode(join(folder, 'run'));
  await single.write(pairs.map(({ manifests }) => manifests).join(''));
  const run = await single.start();
  running = run;
  const statusOf = ({ name }: Pair) => run.latest(name);
  await until(() => pairs.every((pair) => (statusOf(pair)?.rows.written ?? 0) > 0), {
    what: 'each in the middle of a pass',
    timeoutMs: 60_000,
  });
  for (const proxy of proxies) proxy.pause();
  const errors = () => pairs.map((pair) => statusOf(pair)?.lastError?.code);
  await until(() => errors().every((code) => code === 'HostUnreachable' || code === 'ServerSilent'), {
    what: 'each to report that its server is not reached or does not answer',
    timeoutMs: 60_000,
  });
  for (const pair of pairs) {
    assert.equal(statusOf(pair)?.state, 'Waiting', pair.name);
    assert.notEqual(statusOf(pair)?.lagSeconds, 0, pair.name);
    assert.ok((statusOf(pair)?.rows.written ?? 0) < rowCount, `${pair.name} was over too soon`);
  }
  for (const proxy of proxies) proxy.resume();
  await until(() => pairs.every((pair) => statusOf(pair)?.reason === 'CaughtUp'), {
    what: 'each to catch up',
    timeoutMs: 60_000,
  });
  for (const pair of pairs) assert.deepEqual(await idsOf(pair.destination), await idsOf(pair.source));
});
