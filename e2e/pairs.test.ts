import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { Preview } from '../agent/engine/preview.ts';
import { projectFolder } from './kit/processes.ts';
import { SingleMode } from './kit/single-mode.ts';
import { type DataSystem, type MongodbKind, systemNames, TestSystems } from './kit/systems.ts';
import { tempFolder } from './kit/temp.ts';
import { createEverything, createMisfits, keyOf, prepareTypes, typesAt } from './pairs/everything.ts';
import { readTable } from './pairs/read-table.ts';
import { isMisfitAnnounced, type TypeCase } from './pairs/type-case.ts';
import {
  everythingSync,
  everythingSyncs,
  misfitSyncs,
  type NamedSync,
  portableTypes,
  stopColumns,
  stopName,
  type TypePair,
} from './pairs/type-syncs.ts';
import { planKey, typesPage } from './pairs/types-page.ts';

/**
 * Every ordered pair of PostgreSQL, MySQL, MariaDB, SQLite, SQL Server and MongoDB: a table with a column of every type of the source, by
 * Snapshot and by each incremental mode that both systems declare. Each value arrives unchanged except for differences that the plan
 * announces, and every value that a type of the destination cannot keep is handled by onError.
 */
const names: readonly DataSystem[] = [...systemNames, 'sqlserver', 'mongodb'];
/** MariaDB differs from MySQL in a few types, which are the same for SQL Server. */
const pairs = names
  .flatMap((from) => names.map((to) => [from, to] as const))
  .filter((pair) => !(pair.includes('mariadb') && pair.includes('sqlserver')));
let folder: string;
let systems: TestSystems;

before(async () => {
  folder = await tempFolder('pairs');
  systems = new TestSystems(folder);
});

after(() => systems?.stop());

/** The plan of each pair, before its tables were created. */
const plans = new Map<string, Preview>();

for (const [from, to] of pairs) describe(`${from} to ${to}`, () => pairTests(from, to, 'InMemory'));
// Without change streams, but with every type of binary data.
for (const to of ['postgres', 'mongodb'] as const)
  describe(`mongodb with transactions to ${to}`, () => pairTests('mongodb', to, 'WithTransactions'));

test('docs/types.md matches the plans', async () => {
  const file = join(projectFolder, 'docs/types.md');
  const written = await readFile(file, 'utf8').catch(() => '');
  // A pair is missing if a server is missing; its own tests report that.
  const page = typesPage(plans, written);
  if (process.env.IDRA_WRITE_DOCS) await writeFile(file, page);
  else assert.equal(written, page, 'run with IDRA_WRITE_DOCS=1 to regenerate it');
});

/** `kind`: of a MongoDB as the source. */
function pairTests(from: DataSystem, to: DataSystem, kind: MongodbKind): void {
  let pair: TypePair;
  let addRest: () => Promise<void>;
  let single: SingleMode;
  let plan: ReadonlyMap<string, Preview>;

  before(async () => {
    const source = await systems.createAny(from, kind);
    const destination = await systems.createAny(to);
    await prepareTypes(source);
    if (from === 'postgres' && to === 'postgres') await prepareTypes(destination);
    ({ addRest } = await createEverything(source, 'everything', to));
    const types = await typesAt(source, to);
    pair = { source, destination, types, misfits: await createMisfits(source, 'misfits', to) };
    single = new SingleMode(join(folder, `${from}-${to}-${kind}`), [from, to]);
    await single.write(manifests(allSyncs()));
    plan = await single.plan();
    const everything = plan.get('everything');
    if (everything && kind === 'InMemory') plans.set(planKey(from, to), everything);
  });

  test('every type arrives unchanged, except for what the plan announces', async () => {
    const first = everythingSyncs(pair);
    for (const { name } of first) assert.deepEqual(errorsOf(plan.get(name)), [], name);
    await single.write(manifests(first));
    await single.runWell();
    for (const each of first) await assertArrived(each);
  });

  test('also as values, where the rows were sent as bytes that both ends support', async () => {
    const { rowFormat } = plan.get('everything') ?? {};
    await single.write(manifests(allSyncs()));
    // A document that travels whole has no columns.
    if (rowFormat === 'values' || rowFormat === 'bson') return;
    const hook = `--import=${projectFolder}/e2e/pairs/without-raw-formats.ts`;
    const env = { NODE_OPTIONS: hook };
    assert.equal((await single.plan(env)).get('as-values')?.rowFormat, 'values');
    await single.runWell({ only: 'as-values', env });
    await assertArrived(everythingSync(pair, 'as-values'));
  });

  test('values that do not fit are announced; Stop names their column, Skip counts them', async () => {
    const { destination, misfits, types } = pair;
    const columns = stopColumns(pair);
    const silent = types
      .filter((type) => isMisfitAnnounced(type, to) && !isNoted(plan.get('misfits'), 'TypeMisfits', type))
      .map(({ name }) => name);
    assert.deepEqual(silent, [], 'columns whose misfits the plan does not announce');
    await addRest();
    const { status, code } = await single.runOnce();
    // The created tables are accepted as they are. A Snapshot writes every row again, the other modes go on with the rest of the rows.
    for (const each of [...everythingSyncs(pair), everythingSync(pair, 'as-values')]) {
      assert.equal(status.get(each.name)?.lastError, undefined, JSON.stringify(status.get(each.name)));
      await assertArrived(each);
    }
    assert.equal(code, columns.length === 0 ? 0 : 1);
    if (columns.length === 0) return;
    const skipped = await readTable(destination, 'misfits', keyOf(from), []);
    assert.deepEqual(
      misfits.filter(({ id }) => skipped.has(String(id))).map(({ column, value }) => `${column}: ${value}`),
      [],
      'misfits that were written',
    );
    assert.deepEqual([...skipped.keys()], ['0']);
    assert.equal(status.get('misfits')?.rows.rejected, misfits.length);
    assert.equal(status.get('misfits')?.lastError, undefined);
    for (const name of columns) {
      const stopped = status.get(stopName(name));
      assert.equal(stopped?.state, 'Failed', `${name} ${JSON.stringify(stopped)}`);
      assert.match(stopped?.lastError?.message ?? '', new RegExp(`\\b${name}\\b`));
      assert.equal((await readTable(destination, `stop_${name}`, keyOf(from), [])).size, 0);
    }
  });

  function allSyncs(): readonly NamedSync[] {
    return [...everythingSyncs(pair), everythingSync(pair, 'as-values'), ...misfitSyncs(pair)];
  }

  function manifests(syncs: readonly NamedSync[]): string {
    const ends = [pair.source.manifest('source'), pair.destination.manifest('destination')];
    return [...ends, ...syncs.map(({ manifest }) => manifest)].join('');
  }

  async function assertArrived({ name, table }: NamedSync): Promise<void> {
    if (name === 'as-bytes') assert.equal(plan.get(name)?.rowFormat, 'pgcopy-binary');
    const types = name === 'as-bytes' ? portableTypes() : pair.types;
    const [wanted, found] = await Promise.all([
      readTable(pair.source, 'everything', keyOf(from), types),
      readTable(pair.destination, table, keyOf(from), types),
    ]);
    assert.ok(wanted.size > 3);
    assert.deepEqual([...found.keys()], [...wanted.keys()], name);
    const differences: string[] = [];
    for (const [id, row] of wanted) {
      for (const type of types) {
        const value = row.get(type.name) ?? null;
        const arrived = found.get(id)?.get(type.name) ?? null;
        if (arrived === value) continue;
        const where = `${name}: ${type.name} (${type.ddl}) row ${id}: ${short(value)} became ${short(arrived)}`;
        if (value === null || announcedValue(type, to, value) !== arrived) differences.push(where);
        else if (!isNoted(plan.get(name), 'TypeNote', type))
          differences.push(`${where}, and the plan does not note it`);
      }
    }
    assert.deepEqual(differences, []);
  }
}

function errorsOf(preview: Preview | undefined): readonly string[] {
  assert.ok(preview, 'the plan does not have the sync');
  return preview.findings.filter((each) => each.severity === 'error').map((each) => each.message);
}

function isNoted(preview: Preview | undefined, code: string, { name }: Pick<TypeCase, 'name'>): boolean {
  return (
    preview?.findings.some((each) => each.code === code && each.message.includes(`column ${name}:`)) === true
  );
}

function announcedValue(type: TypeCase, to: DataSystem, value: string): string {
  return type.announced?.[to]?.(value) ?? value;
}

function short(value: string | null): string {
  if (value === null) return 'NULL';
  return JSON.stringify(value.length > 120 ? `${value.slice(0, 100)}... (${value.length})` : value);
}
