import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { Preview } from '../agent/engine/preview.ts';
import { projectFolder } from './kit/processes.ts';
import { SingleMode, syncManifest } from './kit/single-mode.ts';
import { type AnyDatabase, type DataSystem, systemNames, TestSystems } from './kit/systems.ts';
import { tempFolder } from './kit/temp.ts';
import {
  createEverything,
  createMisfits,
  keptTypes,
  keyOf,
  type Misfit,
  prepareTypes,
} from './pairs/everything.ts';
import { readTable } from './pairs/read-table.ts';
import { isMisfitAnnounced, type TypeCase } from './pairs/type-case.ts';

import { planKey, typesPage } from './pairs/types-page.ts';

/**
 * Every ordered pair of PostgreSQL, MySQL, MariaDB and SQLite: a table with a column of every type of the source. Each value arrives
 * unchanged except for differences that the plan announces, and every value that a type of the destination cannot keep is handled by
 * onError.
 */
const pairs: readonly (readonly [from: DataSystem, to: DataSystem])[] = systemNames.flatMap((from) =>
  systemNames.map((to) => [from, to] as const),
);
let folder: string;
let systems: TestSystems;

before(async () => {
  folder = await tempFolder('pairs');
  systems = new TestSystems(folder);
});

after(() => systems?.stop());

/** The plan of each pair, before its tables were created. */
const plans = new Map<string, Preview>();

for (const [from, to] of pairs) describe(`${from} to ${to}`, () => pairTests(from, to));

test('docs/types.md matches the plans', async () => {
  const file = join(projectFolder, 'docs/types.md');
  const written = await readFile(file, 'utf8').catch(() => '');
  // A pair is missing if a server is missing; its own tests report that.
  const page = typesPage(plans, written);
  if (process.env.IDRA_WRITE_DOCS) await writeFile(file, page);
  else assert.equal(written, page, 'run with IDRA_WRITE_DOCS=1 to regenerate it');
});

function pairTests(from: DataSystem, to: DataSystem): void {
  let source: AnyDatabase;
  let destination: AnyDatabase;
  let misfits: readonly Misfit[];
  let single: SingleMode;
  let plan: ReadonlyMap<string, Preview>;

  before(async () => {
    source = await systems.createAny(from);
    destination = await systems.createAny(to);
    await prepareTypes(source);
    if (from === 'postgres' && to === 'postgres') await prepareTypes(destination);
    await createEverything(source, 'everything', to);
    misfits = await createMisfits(source, 'misfits', to);
    single = new SingleMode(join(folder, `${from}-${to}`));
    await single.write(manifests(source, destination, misfits));
    plan = await single.plan();
    const everything = plan.get('everything');
    if (everything) plans.set(planKey(from, to), everything);
  });

  test('every type arrives unchanged, except for what the plan announces', async () => {
    assert.deepEqual(errorsOf(plan.get('everything')), []);
    await single.runWell({ only: 'everything' });
    await assertArrived('everything');
  });

  test('also as values, where the rows were sent as bytes that both ends support', async () => {
    const { rowFormat } = plan.get('everything') ?? {};
    // A document that travels whole has no columns.
    if (rowFormat === 'values' || rowFormat === 'bson') return;
    const hook = `--import=${projectFolder}/e2e/pairs/without-raw-formats.ts`;
    const env = { NODE_OPTIONS: hook };
    assert.equal((await single.plan(env)).get('as-values')?.rowFormat, 'values');
    await single.runWell({ only: 'as-values', env });
    await assertArrived('as-values');
  });

  if (from === 'postgres' && to === 'postgres') {
    test('also as COPY BINARY, where the types are the same in every database', async () => {
      assert.deepEqual(errorsOf(plan.get('as-bytes')), []);
      assert.equal(plan.get('as-bytes')?.rowFormat, 'pgcopy-binary');
      await single.runWell({ only: 'as-bytes' });
      await assertArrived('as-bytes', portableTypes());
    });
  }

  async function assertArrived(
    name: 'everything' | 'as-values' | 'as-bytes',
    types = keptTypes(from, to),
  ): Promise<void> {
    const preview = plan.get(name);
    const [wanted, found] = await Promise.all([
      readTable(source, 'everything', keyOf(from), types),
      readTable(destination, name.replace('-', '_'), keyOf(from), types),
    ]);
    assert.ok(wanted.size > 3);
    assert.deepEqual([...found.keys()], [...wanted.keys()]);
    const differences: string[] = [];
    for (const [id, row] of wanted) {
      for (const type of types) {
        const value = row.get(type.name) ?? null;
        const arrived = found.get(id)?.get(type.name) ?? null;
        if (arrived === value) continue;
        const where = `${type.name} (${type.ddl}) row ${id}: ${short(value)} became ${short(arrived)}`;
        if (value === null || announcedValue(type, to, value) !== arrived) differences.push(where);
        else if (!isNoted(preview, 'TypeNote', type))
          differences.push(`${where}, and the plan does not note it`);
      }
    }
    assert.deepEqual(differences, []);
  }

  test('values that do not fit are announced; Stop names their column, Skip counts them', async () => {
    const columns = stopColumns(source, destination, misfits);
    const silent = keptTypes(from, to)
      .filter((type) => isMisfitAnnounced(type, to) && !isNoted(plan.get('misfits'), 'TypeMisfits', type))
      .map(({ name }) => name);
    assert.deepEqual(silent, [], 'columns whose misfits the plan does not announce');
    const { status, code } = await single.runOnce();
    assert.equal(code, columns.length === 0 ? 0 : 1);
    // The created tables are accepted as they are, and every row conflicts with its own copy.
    for (const name of ['everything', 'as-values'] as const) {
      assert.equal(status.get(name)?.lastError, undefined);
      await assertArrived(name);
    }
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
}

/** Types of PostgreSQL whose binary form contains no object ids of one database. */
function portableTypes(): readonly TypeCase[] {
  const bound = ['c_moods', 'c_hstore', 'c_pair'];
  return keptTypes('postgres', 'postgres').filter(({ name }) => !bound.includes(name));
}

/** One Sync of everything, one of the misfits that skips, and one for each column with misfits, which stops. */
function manifests(source: AnyDatabase, destination: AnyDatabase, misfits: readonly Misfit[]): string {
  const sync = (name: string, read: object, table: string, more: object) =>
    syncManifest(name, {
      source: { dataSource: 'source', ...read },
      destination: { dataSource: 'destination', ...destination.object(table) },
      mode: 'Snapshot',
      ...more,
    });
  const stops = stopColumns(source, destination, misfits).map((column) =>
    sync(stopName(column), misfitsOf(source, column), `stop_${column}`, {}),
  );
  return [
    source.manifest('source'),
    destination.manifest('destination'),
    ...['everything', 'as-values'].map((name) =>
      sync(name, source.object('everything'), name.replace('-', '_'), { batch: { maxRows: 4 } }),
    ),
    ...(source.system === 'postgres' && destination.system === 'postgres'
      ? [
          sync(
            'as-bytes',
            { query: `SELECT id, ${portableTypes().map(({ name }) => name)} FROM everything`, key: ['id'] },
            'as_bytes',
            { batch: { maxRows: 4 } },
          ),
        ]
      : []),
    ...(misfits.length === 0
      ? []
      : [sync('misfits', source.object('misfits'), 'misfits', { onError: 'Skip' })]),
    ...stops,
  ].join('');
}

/** Columns whose misfits stop a Sync: few where each Sync costs seconds, at the server that stands in for SQL Server. */
function stopColumns(
  source: AnyDatabase,
  destination: AnyDatabase,
  misfits: readonly Misfit[],
): readonly string[] {
  const columns = [...new Set(misfits.map(({ column }) => column))];
  return source.system === 'sqlserver' || destination.system === 'sqlserver' ? columns.slice(0, 2) : columns;
}

/** The misfits of one column. */
function misfitsOf(source: AnyDatabase, column: string): object {
  if (source.system === 'mongodb')
    return { ...source.object('misfits'), filter: JSON.stringify({ [column]: { $exists: true } }) };
  const name = source.quote(column);
  return {
    query: `SELECT id, ${name} FROM ${source.quote('misfits')} WHERE ${name} IS NOT NULL`,
    key: ['id'],
  };
}

function stopName(column: string): string {
  return `stop-${column.replaceAll('_', '-')}`;
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
