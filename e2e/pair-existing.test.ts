import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { SingleMode, syncManifest } from './kit/single-mode.ts';
import { type SystemName, systemNames, type TestDatabase, TestSystems } from './kit/systems.ts';
import { tempFolder } from './kit/temp.ts';

/**
 * Tables with identity and generated columns at both ends; existing columns at the destination that the Sync does not write stay
 * unchanged; columns that are added later; rows that a NOT NULL or check constraint of the destination refuses.
 */
let folder: string;
let systems: TestSystems;

before(async () => {
  folder = await tempFolder('existing');
  systems = new TestSystems(folder);
});

after(() => systems?.stop());

const identity: Readonly<Record<SystemName, string>> = {
  postgres: 'id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY',
  mysql: 'id bigint AUTO_INCREMENT PRIMARY KEY',
  mariadb: 'id bigint AUTO_INCREMENT PRIMARY KEY',
  sqlite: 'id INTEGER PRIMARY KEY AUTOINCREMENT',
};

for (const from of systemNames) {
  test(`from ${from} onto existing tables`, async () => {
    const source = await systems.createDatabase(from);
    await source.execute(
      `CREATE TABLE items (${identity[from]}, price decimal(10,2) NOT NULL, twice decimal(10,2) GENERATED ALWAYS AS (price * 2) STORED, note varchar(50))`,
      "INSERT INTO items (price, note) VALUES (1.50, 'a'), (2.25, NULL), (3.00, 'c')",
    );
    for (const to of systemNames) {
      const destination = await systems.createDatabase(to);
      await onto(source, destination, new SingleMode(join(folder, `${from}-${to}`)));
    }
  });
}

async function onto(source: TestDatabase, destination: TestDatabase, single: SingleMode): Promise<void> {
  const pair = `${source.system} to ${destination.system}`;
  // SQLite keeps a decimal with more than 15 digits, or an unknown number of them, only as text.
  const decimal = destination.system === 'sqlite' ? 'DECIMAL_TEXT(10,2)' : 'decimal(10,2)';
  await destination.execute(
    `CREATE TABLE items (${identity[destination.system]}, price ${decimal} NOT NULL, twice decimal(10,2) GENERATED ALWAYS AS (price * 2) STORED, mine varchar(20) DEFAULT 'default', note varchar(50) NOT NULL)`,
    "INSERT INTO items (price, note, mine) VALUES (9.99, 'old', 'kept')",
  );
  const sync = (name: string, table: string, more: object) =>
    syncManifest(name, {
      source: { dataSource: 'source', table: source.tableName('items') },
      destination: { dataSource: 'destination', table: destination.tableName(table) },
      mode: 'Snapshot',
      ...more,
    });
  const ends = source.manifest('source') + destination.manifest('destination');
  await single.write(ends + sync('items', 'items', { onError: 'Skip' }) + sync('copy', 'copy', {}));
  const { status } = await single.runWell();
  // The row without a note is refused by NOT NULL; the first row conflicts with the old one.
  assert.equal(status.get('items')?.rows.rejected, 1, pair);
  assert.deepEqual(
    await rowsOf(destination, 'SELECT id, price, twice, mine, note FROM items ORDER BY id'),
    [
      ['1', '1.5', '3', 'kept', 'a'],
      ['3', '3', '6', 'default', 'c'],
    ],
    pair,
  );
  // In a created table, generated columns have become plain ones.
  assert.deepEqual(
    await rowsOf(destination, 'SELECT id, price, twice, note FROM copy ORDER BY id'),
    [
      ['1', '1.5', '3', 'a'],
      ['2', '2.25', '4.5', null],
      ['3', '3', '6', 'c'],
    ],
    pair,
  );
  await laterColumn(
    source,
    destination,
    single,
    ends + sync('copy', 'copy', { schemaChanges: 'AddColumns' }),
    pair,
  );
}

async function laterColumn(
  source: TestDatabase,
  destination: TestDatabase,
  single: SingleMode,
  manifests: string,
  pair: string,
): Promise<void> {
  await source.execute(
    'ALTER TABLE items ADD COLUMN later varchar(30)',
    "UPDATE items SET later = 'new' WHERE id = 2",
  );
  try {
    await single.write(manifests);
    await single.runWell();
    assert.deepEqual(
      await rowsOf(destination, 'SELECT id, later FROM copy ORDER BY id'),
      [
        ['1', null],
        ['2', 'new'],
        ['3', null],
      ],
      pair,
    );
  } finally {
    await source.execute('ALTER TABLE items DROP COLUMN later');
  }
}

/** Decimals without trailing zeros. */
async function rowsOf(database: TestDatabase, sql: string): Promise<readonly (string | null)[][]> {
  const rows = await database.rows(sql);
  return rows.map((row) =>
    row.map(
      (value) =>
        value?.replace(/^(\d+)\.(\d*?)0*$/, (_, whole, rest) => (rest ? `${whole}.${rest}` : whole)) ?? null,
    ),
  );
}
