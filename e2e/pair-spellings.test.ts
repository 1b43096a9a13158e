import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { SingleMode, syncManifest } from './kit/single-mode.ts';
import { type SystemName, systemNames, TestSystems } from './kit/systems.ts';
import { tempFolder } from './kit/temp.ts';

/** Keys that are equal but not identical: the existing row takes the new spelling with all other values. */
let folder: string;
let systems: TestSystems;

before(async () => {
  folder = await tempFolder('spellings');
  systems = new TestSystems(folder);
});

after(() => systems?.stop());

interface Spelling {
  readonly column: string;
  readonly before: string;
  readonly after: string;
}

const anyCase: Spelling = {
  column: 'varchar(20) COLLATE utf8mb4_general_ci',
  before: "'Bob'",
  after: "'BOB'",
};
const spellings: Readonly<Record<SystemName, readonly Spelling[]>> = {
  postgres: [
    { column: 'numeric', before: '1.0', after: '1.00' },
    { column: 'interval', before: "'30 days'", after: "'1 month'" },
  ],
  mysql: [anyCase],
  mariadb: [anyCase],
  sqlite: [{ column: 'TEXT COLLATE NOCASE', before: "'Bob'", after: "'BOB'" }],
};

for (const system of systemNames) {
  for (const [index, { column, before: old, after: young }] of spellings[system].entries()) {
    test(`${system}: a key of ${column} from ${old} to ${young}`, async () => {
      const [source, destination] = [
        await systems.createDatabase(system),
        await systems.createDatabase(system),
      ];
      const tables = ['wide', 'narrow'];
      for (const each of [source, destination]) {
        await each.execute(
          `CREATE TABLE wide (k ${column} NOT NULL PRIMARY KEY, v integer)`,
          `CREATE TABLE narrow (k ${column} NOT NULL PRIMARY KEY)`,
        );
      }
      await source.execute(`INSERT INTO wide VALUES (${old}, 1)`, `INSERT INTO narrow VALUES (${old})`);
      const single = new SingleMode(join(folder, `${system}-${index}`));
      const syncs = tables.map((table) =>
        syncManifest(table, {
          source: { dataSource: 'source', table: source.tableName(table) },
          destination: { dataSource: 'destination', table: destination.tableName(table) },
          mode: 'Snapshot',
        }),
      );
      await single.write(source.manifest('source') + destination.manifest('destination') + syncs.join(''));
      await single.runWell();
      await source.execute(`UPDATE wide SET k = ${young}, v = 2`, `UPDATE narrow SET k = ${young}`);
      await single.runWell();
      for (const table of tables) {
        const sql = `SELECT * FROM ${table}`;
        assert.deepEqual(await destination.rows(sql), await source.rows(sql), table);
      }
    });
  }
}
