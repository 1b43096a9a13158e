import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import Database from 'better-sqlite3';
import { definitionOf } from '../connectors/catalog.ts';
import { projectFolder } from './kit/processes.ts';
import { SingleMode } from './kit/single-mode.ts';
import { type TestDatabase, TestSystems } from './kit/systems.ts';
import { tempFolder } from './kit/temp.ts';

/** What users copy first: examples/modes, unchanged except for the database's address. */
const folder = join(projectFolder, 'examples/modes');
const read = (file: string) => readFileSync(join(folder, file), 'utf8');
const files = globSync('*.yaml', { cwd: folder }).filter((file) => file !== 'systems.yaml');

let systems: TestSystems;
let shop: TestDatabase;
let run: SingleMode;

before(async () => {
  const temp = await tempFolder('examples');
  systems = new TestSystems(temp);
  shop = await systems.createDatabase('postgres');
  run = new SingleMode(join(temp, 'run'));
});

after(() => systems?.stop());

test('there is an example of each mode and write mode', () => {
  const texts = files.map(read).join('\n');
  const { modes } = definitionOf('postgres').capabilities.source;
  const { writeModes } = definitionOf('sqlite').capabilities.destination;
  for (const mode of modes) assert.match(texts, new RegExp(`mode: ${mode}$`, 'm'));
  for (const writeMode of writeModes) assert.match(texts, new RegExp(`writeMode: ${writeMode}$`, 'm'));
});

test('every example moves its rows', async () => {
  await shop.execute(read('tables.sql'));
  const archive = read('systems.yaml').split(/^---$/m).at(-1) ?? '';
  await run.write([shop.manifest('shop'), archive, ...files.map(read)].join('\n---\n'));
  await run.runWell();
  assert.deepEqual(counts(), {
    countries: 3,
    countries_exact: 3,
    large_orders: 500,
    orders: 1_000,
    orders_from_latest: 1_000,
    price_history: 100,
    visits: 1_000,
    visits_from_largest: 1_000,
  });
});

function counts(): Record<string, number> {
  const database = new Database(join(run.folder, 'archive.db'), { readonly: true });
  try {
    const names = database
      .prepare(
        `SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE '\\_idra%' ESCAPE '\\' AND name NOT LIKE 'sqlite%' ORDER BY name`,
      )
      .pluck()
      .all() as string[];
    return Object.fromEntries(
      names.map((name) => [name, database.prepare(`SELECT count(*) FROM "${name}"`).pluck().get() as number]),
    );
  } finally {
    database.close();
  }
}
