import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { SingleMode, syncManifest } from './kit/single-mode.ts';
import { TestSystems } from './kit/systems.ts';
import { removeFolder, tempFolder } from './kit/temp.ts';
import { until } from './kit/wait.ts';

/** Each needs a connection for hours; a process opens one above sixteen each five seconds. */
const longCount = 45;

let folder: string;
let systems: TestSystems;

before(async () => {
  folder = await tempFolder('connections-of-namespaces');
  systems = new TestSystems(folder);
});
after(async () => {
  await systems?.stop();
  await removeFolder(folder);
});

function inNamespace(namespace: string, manifests: string): string {
  return manifests.replaceAll('metadata: { name:', `metadata: { namespace: ${namespace}, name:`);
}

async function longSync(at: number): Promise<string> {
  // One file for each: a pass of a view is one transaction, and SQLite has one at a time.
  const file = await systems.createDatabase('sqlite');
  const spec = {
    source: { dataSource: 'shop', table: 'public.long' },
    destination: { dataSource: `files-${at}`, table: 't' },
    mode: 'Snapshot',
    writeMode: 'Replace',
    batch: { maxBytes: '64Ki' },
  };
  return file.manifest(`files-${at}`) + syncManifest(`long-${at}`, spec);
}

test('many long Syncs of one namespace do not keep another one from its connections', async () => {
  const source = await systems.createDatabase('postgres');
  const sleeping = `FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'PgSleep'`;
  const readingCount = async () => (await source.rows(`SELECT pid ${sleeping}`)).length;
  await source.execute(
    'CREATE TABLE t (id int PRIMARY KEY)',
    'INSERT INTO t VALUES (1)',
    'CREATE VIEW long AS SELECT id FROM t WHERE pg_sleep(3600) IS NOT NULL',
  );
  const long = await Promise.all(Array.from({ length: longCount }, (_, at) => longSync(at)));
  const unlimited = source.manifest('shop').replace(/\n---\n$/, '\n  maxConcurrentSyncs: 0\n---\n');
  const destination = await systems.createDatabase('sqlite');
  const short = syncManifest('short', {
    source: { dataSource: 'shop', table: 'public.t', idField: 'id' },
    destination: { dataSource: 'files', table: 't' },
    mode: 'Id',
    schedule: { every: '1s' },
  });
  const single = new SingleMode(join(folder, 'run'));
  await single.write(
    inNamespace('hog', unlimited + long.join('')) +
      inNamespace('victim', source.manifest('shop') + destination.manifest('files') + short),
  );
  const running = await single.start();
  try {
    await until(async () => (await readingCount()) >= 16, {
      what: 'sixteen long reads',
      timeoutMs: 120_000,
    });
    await until(() => running.latest('short')?.reason === 'CaughtUp', {
      what: `the rows of the other namespace (its state: ${JSON.stringify(running.latest('short'))})`,
      timeoutMs: 400_000,
    });
    const reading = await readingCount();
    assert.ok(reading < longCount - 10, `${reading} of ${longCount} long Syncs had their connection first`);
  } finally {
    await running.process.stop();
    await source.execute(`SELECT pg_terminate_backend(pid) ${sleeping}`);
  }
});
