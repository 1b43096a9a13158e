import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before as beforeAll, test } from 'node:test';
import { type RunningSingleMode, SingleMode, syncManifest } from './kit/single-mode.ts';
import { type SystemName, type TestDatabase, TestSystems } from './kit/systems.ts';
import { tempFolder } from './kit/temp.ts';
import { until } from './kit/wait.ts';
import { before, changeStatements, changes, createTable, type SchemaChange } from './schema-changes/cases.ts';

/**
 * Tables that change while their Syncs run, in batches of three rows. Either every row arrives as the source has it, or the Sync stops
 * before a row of the new shape and reports the reason.
 */
const pairs: readonly (readonly [SystemName, SystemName])[] = [
  ['postgres', 'postgres'],
  ['mysql', 'mysql'],
  ['sqlite', 'sqlite'],
  ['mariadb', 'postgres'],
  ['sqlite', 'mariadb'],
];

let folder: string;
let systems: TestSystems;

beforeAll(async () => {
  folder = await tempFolder('changes');
  systems = new TestSystems(folder);
});

after(() => systems?.stop());

for (const [from, to] of pairs) {
  test(`${from} to ${to}: a table that changes while it is copied`, async () => {
    const [source, destination] = [await systems.createDatabase(from), await systems.createDatabase(to)];
    const single = new SingleMode(join(folder, `${from}-${to}`));
    const syncs = changes.map(({ name, schemaChanges = 'Fail' }) =>
      syncManifest(name.replaceAll('_', '-'), {
        source: { dataSource: 'source', table: source.tableName(name), idField: 'id' },
        destination: { dataSource: 'destination', table: destination.tableName(name) },
        mode: 'Id',
        schedule: { continuous: true },
        batch: { maxRows: 3 },
        schemaChanges,
      }),
    );
    for (const { name } of changes) {
      const table = source.tableName(name);
      const rows = Array.from({ length: 10 }, (_, index) => `(${index + 1}, ${index}, 'b${index}', 'c')`);
      await source.execute(createTable(table, before), `INSERT INTO ${table} VALUES ${rows.join(', ')}`);
    }
    await single.write(source.manifest('source') + destination.manifest('destination') + syncs.join(''));
    const running = await single.start();
    try {
      for (const change of changes)
        await untilShown(running, change, ({ rows, state }) => rows.written === 10 && state === 'Waiting');
      for (const change of changes) {
        const end = change.end === 'source' ? source : destination;
        const insert = `INSERT INTO ${source.tableName(change.name)} VALUES ${change.rows.join(', ')}`;
        await end.execute(...changeStatements(end, change));
        await source.execute(insert);
      }
      for (const change of changes) await requireOutcome(running, change, source, destination);
    } finally {
      running.process.kill('SIGTERM');
      await running.process.waitForExit();
    }
  });
}

async function requireOutcome(
  running: RunningSingleMode,
  change: SchemaChange,
  source: TestDatabase,
  destination: TestDatabase,
): Promise<void> {
  const { name, expected } = change;
  const ids = `SELECT count(*) FROM ${destination.tableName(name)}`;
  // Every integer of SQLite has 64 bits.
  const isWide = name === 'widened' && [source.system, destination.system].includes('sqlite');
  const columns = isWide ? ['a', 'b', 'c'] : expected;
  if (typeof columns === 'string') {
    await untilShown(running, change, ({ state, reason }) => state === 'Failed' && reason === columns);
    assert.deepEqual(await destination.rows(ids), [['10']], `${name}: a row of the new shape has come`);
    return;
  }
  const total = String(10 + change.rows.length);
  await until(async () => (await destination.rows(ids))[0]?.[0] === total, {
    what: `the rows of ${name}: ${JSON.stringify(running.latest(syncName(name)))}`,
    timeoutMs: 60_000,
  });
  const rowsOf = async (end: TestDatabase) =>
    await end.rows(`SELECT id, ${columns.join(', ')} FROM ${end.tableName(name)} ORDER BY id`);
  // At the destination, a renamed or dropped column stays as it was.
  assert.deepEqual(await rowsOf(destination), await rowsOf(source), name);
}

type Shown = NonNullable<ReturnType<RunningSingleMode['latest']>>;

async function untilShown(
  running: RunningSingleMode,
  { name }: SchemaChange,
  isSo: (status: Shown) => boolean,
): Promise<void> {
  await until(
    () => {
      const status = running.latest(syncName(name));
      if (status && isSo(status)) return true;
      throw new Error(JSON.stringify(status));
    },
    { what: `${name} to be as expected`, timeoutMs: 60_000 },
  );
}

function syncName(change: string): string {
  return change.replaceAll('_', '-');
}
