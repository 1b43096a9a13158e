import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { SingleMode, syncManifest } from './kit/single-mode.ts';
import { type SystemName, systemNames, type TestDatabase, TestSystems } from './kit/systems.ts';
import { tempFolder } from './kit/temp.ts';
import {
  casesOf,
  createKeyTable,
  type KeyCase,
  oddColumns,
  oddKey,
  oddTable,
  oddTime,
} from './pairs/keys.ts';
import { readRows } from './pairs/read-table.ts';
import type { ReadColumn } from './pairs/type-case.ts';

/**
 * Keys of every supported type, read two rows at a time, by Snapshot and by Id, and written twice; and a table whose names need quotes
 * everywhere. From each system into each other one, and into its own kind.
 */
let folder: string;
let systems: TestSystems;

before(async () => {
  folder = await tempFolder('keys');
  systems = new TestSystems(folder);
});

after(() => systems?.stop());

for (const from of systemNames) {
  test(`keys and names of ${from}, into each system`, async () => {
    const source = await systems.createDatabase(from);
    const cases = casesOf(from);
    for (const each of cases) await createKeyTable(source, each);
    await createOddTable(source);
    for (const to of destinationsOf(from)) await checkPair(source, to, cases);
  });
}

/** MySQL and MariaDB handle each other's keys as they handle their own. */
function destinationsOf(from: SystemName): readonly SystemName[] {
  if (from === 'mysql') return systemNames.filter((to) => to !== 'mariadb');
  return from === 'mariadb' ? ['mariadb', 'postgres'] : systemNames;
}

async function checkPair(source: TestDatabase, to: SystemName, cases: readonly KeyCase[]): Promise<void> {
  const destination = await systems.createDatabase(to);
  const single = new SingleMode(join(folder, `${source.system}-${to}`));
  await single.write(
    [
      source.manifest('source'),
      destination.manifest('destination'),
      ...cases.flatMap((each) => keyManifests(source, destination, each)),
      ...oddManifests(source, destination),
    ].join(''),
  );
  await single.runWell();
  // Every row conflicts with its own copy.
  await single.runWell();
  const pair = `${source.system} to ${to}`;
  for (const { name, kinds, isOrdered, rows } of cases) {
    const columns: ReadColumn[] = [
      ...kinds.map((kind, index) => ({ name: `k${index + 1}`, kind })),
      { name: 'body', kind: 'text' },
    ];
    const wanted = await linesOf(source, name, columns);
    assert.equal(wanted.length, rows.length);
    for (const copy of isOrdered ? [name, `${name}_ids`] : [name])
      assert.deepEqual(await linesOf(destination, copy, columns), wanted, `${copy}, ${pair}`);
  }
  const columns: ReadColumn[] = [oddKey, ...oddColumns, oddTime].map((name) => ({
    name,
    kind: name === oddTime ? 'timestamp' : 'text',
  }));
  const wanted = await linesOf(source, oddTable, columns);
  for (const copy of oddCopies)
    assert.deepEqual(await linesOf(destination, copy, columns), wanted, `${copy}, ${pair}`);
}

function keyManifests(source: TestDatabase, destination: TestDatabase, each: KeyCase): readonly string[] {
  const sync = (table: string, more: object, read: object = {}) =>
    syncManifest(table.replaceAll('_', '-'), {
      source: { dataSource: 'source', table: source.tableName(each.name), ...read },
      destination: { dataSource: 'destination', table: destination.tableName(table) },
      batch: { maxRows: 2 },
      ...more,
    });
  const snapshot = sync(each.name, { mode: 'Snapshot' });
  return each.isOrdered
    ? [snapshot, sync(`${each.name}_ids`, { mode: 'Id' }, { idField: 'k1' })]
    : [snapshot];
}

const oddCopies = [
  oddTable,
  `${oddTable.slice(0, 50)} replaced`,
  `${oddTable.slice(0, 50)} by time`,
] as const;

function oddManifests(source: TestDatabase, destination: TestDatabase): readonly string[] {
  const specs = [
    { mode: 'Snapshot', writeMode: 'Upsert' },
    { mode: 'Snapshot', writeMode: 'Replace' },
    { mode: 'Timestamp' },
  ];
  return specs.map((spec, index) =>
    syncManifest(`odd-${index}`, {
      source: {
        dataSource: 'source',
        table: source.tableName(oddTable),
        ...(spec.mode === 'Timestamp' ? { timestampField: oddTime } : {}),
      },
      destination: { dataSource: 'destination', table: destination.tableName(oddCopies[index] ?? '') },
      batch: { maxRows: 3 },
      ...spec,
    }),
  );
}

async function createOddTable(source: TestDatabase): Promise<void> {
  const time = {
    postgres: 'timestamp(6)',
    mysql: 'datetime(6)',
    mariadb: 'datetime(6)',
    sqlite: 'TIMESTAMP',
  }[source.system];
  const quote = (name: string) => source.quote(name);
  const columns = [
    `${quote(oddKey)} bigint NOT NULL PRIMARY KEY`,
    ...oddColumns.map((name) => `${quote(name)} varchar(100)`),
    `${quote(oddTime)} ${time} NOT NULL`,
  ];
  const rows = Array.from({ length: 7 }, (_, row) => {
    const values = oddColumns.map((_name, index) => `'value ${row} of ${index}'`);
    return `(${[row, ...values, "'2026-01-01 10:00:00.000001'"].join(', ')})`;
  });
  await source.execute(
    `CREATE TABLE ${quote(oddTable)} (${columns.join(', ')})`,
    `INSERT INTO ${quote(oddTable)} VALUES ${rows.join(', ')}`,
  );
}

async function linesOf(
  database: TestDatabase,
  table: string,
  columns: readonly ReadColumn[],
): Promise<readonly string[]> {
  const rows = await readRows(database, table, columns);
  return rows.map((row) => JSON.stringify([...row.values()])).sort();
}
