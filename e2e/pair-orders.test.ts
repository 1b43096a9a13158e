import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { SingleMode, syncManifest } from './kit/single-mode.ts';
import { type SystemName, systemNames, type TestDatabase, TestSystems } from './kit/systems.ts';
import { tempFolder } from './kit/temp.ts';
import { changesOfIds, createOrderTables, orderCases } from './pairs/orders.ts';

/**
 * Orders that no key guarantees, read two rows at a time: rows with equal values at a batch's edge, NULL in a key, views, ids that
 * restart. Every row arrives, or status reports why not.
 */
let folder: string;
let systems: TestSystems;

before(async () => {
  folder = await tempFolder('orders');
  systems = new TestSystems(folder);
});

after(() => systems?.stop());

for (const from of systemNames) {
  test(`orders of ${from}: each row arrives, or status reports why not`, async () => {
    const source = await systems.createDatabase(from);
    const destination = await systems.createDatabase(from === 'sqlite' ? 'postgres' : 'sqlite');
    await createOrderTables(source);
    const single = await write(`${from}-orders`, source, destination);
    const { status } = await single.runOnce();
    for (const { name, expected } of orderCases) {
      const result = status.get(name);
      if (typeof expected === 'string') assert.equal(result?.reason, expected, `${name}: ${result?.message}`);
      else assert.equal(await count(destination, name), expected, `${name}: ${result?.message}`);
    }
    for (const [statements, expected] of changesOfIds(from)) {
      await source.execute(...statements);
      const { status: now } = await single.runOnce({ only: 'again' });
      if (typeof expected === 'string') assert.equal(now.get('again')?.reason, expected);
      else {
        assert.equal(now.get('again')?.lastError, undefined, now.get('again')?.message);
        assert.equal(await count(destination, 'again'), expected);
      }
    }
  });
}

async function write(name: string, source: TestDatabase, destination: TestDatabase): Promise<SingleMode> {
  const single = new SingleMode(join(folder, name));
  const syncs = orderCases.map((each) =>
    syncManifest(each.name, {
      source: { dataSource: 'source', ...each.source(source) },
      destination: { dataSource: 'destination', table: destination.tableName(tableOf(each.name)) },
      batch: { maxRows: 2 },
      ...each.spec,
    }),
  );
  await single.write([source.manifest('source'), destination.manifest('destination'), ...syncs].join(''));
  return single;
}

const tableOf = (name: string) => name.replaceAll('-', '_');

async function count(database: TestDatabase, name: string): Promise<number> {
  const [[counted] = []] = await database.rows(`SELECT count(*) FROM ${tableOf(name)}`);
  return Number(counted);
}

/** A key that treats values as equal that differ at the source, in an existing table. */
const coarse: Record<SystemName, string> = {
  postgres: 'citext',
  mysql: 'varchar(50) COLLATE utf8mb4_0900_ai_ci',
  mariadb: 'varchar(50) COLLATE utf8mb4_general_ci',
  sqlite: 'TEXT COLLATE NOCASE',
};

for (const to of systemNames) {
  test(`a key of ${to} that is coarser than the source's is refused, and one that is created is exact`, async () => {
    const source = await systems.createDatabase(to === 'postgres' ? 'sqlite' : 'postgres');
    const destination = await systems.createDatabase(to);
    await source.execute(
      'CREATE TABLE words (k varchar(50) NOT NULL PRIMARY KEY, v bigint)',
      "INSERT INTO words VALUES ('a', 1), ('A', 2), ('b ', 3), ('b', 4), ('ä', 5), ('ae', 6)",
    );
    if (to === 'postgres') await destination.execute('CREATE EXTENSION IF NOT EXISTS citext');
    await destination.execute(`CREATE TABLE coarse (k ${coarse[to]} NOT NULL PRIMARY KEY, v bigint)`);
    const single = new SingleMode(join(folder, `${to}-coarse`));
    const syncs = [
      ['coarse', { writeMode: 'Upsert' }],
      ['coarse', { writeMode: 'Append', schedule: { once: true } }],
      ['coarse', { writeMode: 'Replace' }],
      ['made', { writeMode: 'Upsert' }],
    ].map(([table, spec], index) =>
      syncManifest(`${table}-${index}`, {
        source: { dataSource: 'source', table: source.tableName('words') },
        destination: { dataSource: 'destination', table: destination.tableName(String(table)) },
        mode: 'Snapshot',
        ...(spec as object),
      }),
    );
    await single.write([source.manifest('source'), destination.manifest('destination'), ...syncs].join(''));
    const { status } = await single.runOnce();
    for (const name of ['coarse-0', 'coarse-1', 'coarse-2'])
      assert.equal(status.get(name)?.reason, 'KeyCoarser', `${name}: ${status.get(name)?.message}`);
    assert.equal(await count(destination, 'made'), 6, status.get('made-3')?.message);
  });
}

/** Types whose values SQLite stores as texts: two spellings of one value, and a different value; and a mode to read them by. */
const spelled: readonly [type: string, mode: string, one: string, same: string, other: string][] = [
  [
    'UUID',
    'Id',
    '0a000000-0000-4000-8000-0000000000f0',
    '0A000000-0000-4000-8000-0000000000F0',
    '00000000-0000-4000-8000-000000000001',
  ],
  ['DECIMAL_TEXT(12,4)', 'Snapshot', '1.00', '1.0', '1.01'],
  ['TIMESTAMP(6)', 'Snapshot', '2026-11-24 08:00:00', '2026-11-24T08:00:00', '2026-11-24 08:00:01'],
  ['TIME(6)', 'Id', '08:00:00', '08:00:00.0', '08:00:01'],
];

for (const to of systemNames.filter((name) => name !== 'sqlite')) {
  test(`keys of SQLite that are equal at ${to} are refused, whenever they arrive`, async () => {
    const source = await systems.createDatabase('sqlite');
    const destination = await systems.createDatabase(to);
    const single = new SingleMode(join(folder, `${to}-spelled`));
    const syncs: string[] = [];
    for (const [index, [type, mode, one, , other]] of spelled.entries()) {
      const table = `spelled_${index}`;
      await source.execute(
        `CREATE TABLE ${table} (id INTEGER NOT NULL UNIQUE, k ${type} NOT NULL PRIMARY KEY)`,
        `INSERT INTO ${table} VALUES (1, '${one}'), (2, '${other}')`,
      );
      syncs.push(
        syncManifest(`spelled-${index}`, {
          source: { dataSource: 'source', table, ...(mode === 'Id' && { idField: 'id' }) },
          destination: { dataSource: 'destination', table: destination.tableName(table), key: ['k'] },
          mode,
          writeMode: 'Upsert',
          batch: { maxRows: 1 },
        }),
      );
    }
    await single.write([source.manifest('source'), destination.manifest('destination'), ...syncs].join(''));
    const before = await single.runOnce();
    for (const [name, result] of before.status)
      assert.equal(result.lastError, undefined, `${name}: ${result.message}`);
    for (const [index, [, , , same]] of spelled.entries())
      await source.execute(`INSERT INTO spelled_${index} VALUES (3, '${same}')`);
    const { status } = await single.runOnce();
    for (const [name, result] of status)
      assert.equal(result.reason, 'KeyCoarser', `${name}: ${result.message}`);
  });
}
