import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { runCommand, runOrFail, startProcess } from '../kit/processes.ts';
import { giveRights, kubectl, manyNamespace as namespace, namespace as own, psql } from './release.ts';

/** The load of many Syncs on the API server, and how long their namespace takes to be deleted. */
export function manySyncsTests(): void {
  test('ten busy Syncs write at most 12 statuses a minute each', isQuietWhenBusy);
  test('a namespace with 50 Syncs, DataSources and Secrets is gone in 30 s', async () => {
    await makeSyncs(50);
    await goesInTime('with its database');
  });
  test('also with a database that does not answer', goesWithoutDatabase);
}

const mostMs = 30_000;
const writesAMinute = 12;

async function isQuietWhenBusy(): Promise<void> {
  const count = 10;
  await makeSyncs(count);
  const busy = startWriting(count);
  try {
    const writes = await countWrites(60_000);
    console.log(`ten busy Syncs: ${writes} status writes in a minute`);
    assert.ok(writes >= count, 'they report their progress');
    assert.ok(writes <= count * writesAMinute, `${writes} status writes`);
  } finally {
    await busy.stop();
  }
  await goesInTime('with ten busy Syncs');
}

async function goesWithoutDatabase(t: TestContext): Promise<void> {
  const { IDRA_TEST_POD_CUT: cut, IDRA_TEST_POD_HEAL: heal } = process.env;
  if (!cut || !heal) {
    t.skip(
      'set IDRA_TEST_POD_CUT and IDRA_TEST_POD_HEAL to commands that take NAMESPACE POD and cut its network',
    );
    return;
  }
  await makeSyncs(50);
  const onDatabase = (command: string) => runOrFail('sh', ['-c', `${command} "$0" "$1"`, own, 'database']);
  await onDatabase(cut);
  try {
    await goesInTime('without its database');
  } finally {
    await onDatabase(heal);
  }
}

/** In a new namespace, each with its own Secret and DataSource; waits until all have moved their rows. */
async function makeSyncs(count: number): Promise<void> {
  await runCommand('kubectl', ['create', 'namespace', namespace]);
  await giveRights(namespace);
  const numbers = Array.from({ length: count }, (_, index) => index);
  await psql(
    'source',
    numbers
      .map((n) => `CREATE TABLE IF NOT EXISTS many_${n} (id bigserial PRIMARY KEY, body text DEFAULT 'x');`)
      .concat(numbers.map((n) => `INSERT INTO many_${n} SELECT FROM generate_series(1, 10);`))
      .join('\n'),
  );
  await psql('destination', numbers.map((n) => `DROP TABLE IF EXISTS many_${n};`).join('\n'));
  await kubectl(['apply', '-n', namespace, '-f', '-'], ['destination', ...numbers].map(partsOf).join(''));
  await requireReady();
}

/** An error shows the Syncs, so that it can be seen which are not ready and why. */
async function requireReady(): Promise<void> {
  try {
    await kubectl(['wait', '-n', namespace, 'syncs', '--all', '--for=condition=Ready', '--timeout=300s']);
  } catch (cause) {
    const syncs = await kubectl(['get', 'syncs', '-n', namespace, '-o', 'wide']);
    throw new Error(`Syncs are not ready:\n${syncs}`, { cause });
  }
}

function partsOf(name: string | number): string {
  const isSource = typeof name === 'number';
  const dataSource = `
apiVersion: v1
kind: Secret
metadata: { name: login-${name} }
stringData: { password: chart-test }
---
apiVersion: idra.dev/v1alpha1
kind: DataSource
metadata: { name: db-${name} }
spec:
  postgres:
    host: database.${own}.svc
    database: ${isSource ? 'source' : name}
    user: postgres
    passwordSecretRef: { name: login-${name}, key: password }
---`;
  if (!isSource) return dataSource;
  return `${dataSource}
apiVersion: idra.dev/v1alpha1
kind: Sync
metadata: { name: many-${name} }
spec:
  source: { dataSource: db-${name}, table: public.many_${name}, idField: id }
  destination: { dataSource: db-destination, table: public.many_${name} }
  mode: Id
  schedule: { every: 1s }
---`;
}

async function goesInTime(what: string): Promise<void> {
  const began = performance.now();
  await runCommand('kubectl', ['delete', 'namespace', namespace, '--timeout=300s']);
  const took = performance.now() - began;
  console.log(`the namespace ${what} was gone after ${(took / 1_000).toFixed(1)} s`);
  assert.ok(took < mostMs, `it took ${took} ms`);
}

/** Inserts rows for each Sync continuously. */
function startWriting(count: number): { stop(): Promise<void> } {
  let isDone = false;
  const insert = Array.from({ length: count }, (_, n) => `INSERT INTO many_${n} DEFAULT VALUES;`).join('\n');
  const running = (async () => {
    while (!isDone) await psql('source', insert);
  })();
  return {
    async stop() {
      isDone = true;
      await running;
    },
  };
}

/** Changes of Syncs in this time, as shown by a watch. */
async function countWrites(ms: number): Promise<number> {
  const watch = await startProcess('kubectl', [
    'get',
    'syncs',
    '-n',
    namespace,
    '--watch-only',
    '-o',
    'name',
  ]);
  await new Promise((resolve) => setTimeout(resolve, ms));
  await watch.stop();
  return watch.stdout.length;
}
