import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { Preview } from '../../agent/engine/preview.ts';
import type { SyncStatus } from '../../core/status.ts';
import { projectFolder } from '../kit/processes.ts';
import { SingleMode } from '../kit/single-mode.ts';
import { type DataSystem, type MongodbKind, TestSystems } from '../kit/systems.ts';
import { tempFolder } from '../kit/temp.ts';
import { createEverything, createMisfits, keyOf, prepareTypes, typesAt } from './everything.ts';
import { readTable } from './read-table.ts';
import { isMisfitAnnounced, type TypeCase } from './type-case.ts';
import {
  everythingSync,
  everythingSyncs,
  misfitSyncs,
  type NamedSync,
  portableTypes,
  stopColumns,
  stopName,
  type TypePair,
} from './type-syncs.ts';
import { planKey, typesPage } from './types-page.ts';

let folder: string;
let systems: TestSystems;

/** The plan of each pair, before its tables were created. */
const plans = new Map<string, Preview>();

export interface TestedPair {
  readonly from: DataSystem;
  readonly to: DataSystem;
  /** Of a MongoDB as the source. */
  readonly kind: MongodbKind;
}

/** Tests of these pairs, and of the sections of docs/types.md that they are enough for. */
export function testTypesOf(pairs: readonly TestedPair[]): void {
  before(async () => {
    folder = await tempFolder('pairs');
    systems = new TestSystems(folder);
  });
  after(() => systems?.stop());
  for (const pair of pairs) describe(titleOf(pair), () => pairTests(pair));
  test('docs/types.md matches the plans', testPage);
}

function titleOf({ from, to, kind }: TestedPair): string {
  return `${from}${kind === 'WithTransactions' ? ' with transactions' : ''} to ${to}`;
}

async function testPage(): Promise<void> {
  const file = join(projectFolder, 'docs/types.md');
  const written = await readFile(file, 'utf8').catch(() => '');
  // A pair is missing if a server is missing; its own tests report that.
  const page = typesPage(plans, written);
  if (process.env.IDRA_WRITE_DOCS) await writeFile(file, page);
  else assert.equal(written, page, 'run with IDRA_WRITE_DOCS=1 to regenerate it');
}

function pairTests(tested: TestedPair): void {
  const tables = new TypeTables(tested);
  before(() => tables.create());
  test('every type arrives unchanged, except for what the plan announces', () => tables.moveFirst());
  test('also as values, where the rows were sent as bytes that both ends support', () =>
    tables.moveAsValues());
  test('values that do not fit are announced; Stop names their column, Skip counts them', () =>
    tables.moveMisfits());
}

/** The tables of one pair: first with half of the rows of `everything`, in the last test with all of them. */
class TypeTables {
  readonly #tested: TestedPair;
  #pair!: TypePair;
  #addRest!: () => Promise<void>;
  #single!: SingleMode;
  #plan: ReadonlyMap<string, Preview> = new Map();

  constructor(tested: TestedPair) {
    this.#tested = tested;
  }

  async create(): Promise<void> {
    const { from, to, kind } = this.#tested;
    const source = await systems.createAny(from, kind);
    const destination = await systems.createAny(to);
    await prepareTypes(source);
    if (from === 'postgres' && to === 'postgres') await prepareTypes(destination);
    const { addRest } = await createEverything(source, 'everything', to);
    const types = await typesAt(source, to);
    this.#pair = { source, destination, types, misfits: await createMisfits(source, 'misfits', to) };
    this.#addRest = addRest;
    this.#single = new SingleMode(join(folder, `${from}-${to}-${kind}`), [from, to]);
    await this.#single.write(this.#manifests(this.#allSyncs()));
    this.#plan = await this.#single.plan();
    const everything = this.#plan.get('everything');
    if (everything && kind === 'InMemory') plans.set(planKey(from, to), everything);
  }

  async moveFirst(): Promise<void> {
    const first = everythingSyncs(this.#pair);
    for (const { name } of first) assert.deepEqual(errorsOf(this.#plan.get(name)), [], name);
    await this.#single.write(this.#manifests(first));
    await this.#single.runWell();
    for (const each of first) await this.#assertArrived(each);
  }

  async moveAsValues(): Promise<void> {
    await this.#single.write(this.#manifests(this.#allSyncs()));
    const { rowFormat } = this.#plan.get('everything') ?? {};
    // A document that travels whole has no columns.
    if (rowFormat === 'values' || rowFormat === 'bson') return;
    const hook = `--import=${projectFolder}/e2e/pairs/without-raw-formats.ts`;
    const env = { NODE_OPTIONS: hook };
    assert.equal((await this.#single.plan(env)).get('as-values')?.rowFormat, 'values');
    await this.#single.runWell({ only: 'as-values', env });
    await this.#assertArrived(everythingSync(this.#pair, 'as-values'));
  }

  async moveMisfits(): Promise<void> {
    this.#assertAnnounced();
    await this.#addRest();
    const { status, code } = await this.#single.runOnce();
    // The created tables are accepted as they are. A Snapshot writes every row again, the other modes go on with the rest of the rows.
    for (const each of [...everythingSyncs(this.#pair), everythingSync(this.#pair, 'as-values')]) {
      assert.equal(status.get(each.name)?.lastError, undefined, JSON.stringify(status.get(each.name)));
      await this.#assertArrived(each);
    }
    const columns = stopColumns(this.#pair);
    assert.equal(code, columns.length === 0 ? 0 : 1);
    if (columns.length === 0) return;
    await this.#assertSkipped(status.get('misfits'));
    for (const column of columns) await this.#assertStopped(column, status.get(stopName(column)));
  }

  #assertAnnounced(): void {
    const misfits = this.#plan.get('misfits');
    const silent = this.#pair.types
      .filter((type) => isMisfitAnnounced(type, this.#tested.to) && !isNoted(misfits, 'TypeMisfits', type))
      .map(({ name }) => name);
    assert.deepEqual(silent, [], 'columns whose misfits the plan does not announce');
  }

  async #assertSkipped(status: SyncStatus | undefined): Promise<void> {
    const { destination, misfits } = this.#pair;
    const arrived = await readTable(destination, 'misfits', keyOf(this.#tested.from), []);
    assert.deepEqual(
      misfits.filter(({ id }) => arrived.has(String(id))).map(({ column, value }) => `${column}: ${value}`),
      [],
      'misfits that were written',
    );
    assert.deepEqual([...arrived.keys()], ['0']);
    assert.equal(status?.rows.rejected, misfits.length);
    assert.equal(status?.lastError, undefined);
  }

  async #assertStopped(column: string, status: SyncStatus | undefined): Promise<void> {
    assert.equal(status?.state, 'Failed', `${column} ${JSON.stringify(status)}`);
    assert.match(status?.lastError?.message ?? '', new RegExp(`\\b${column}\\b`));
    const arrived = await readTable(this.#pair.destination, `stop_${column}`, keyOf(this.#tested.from), []);
    assert.equal(arrived.size, 0);
  }

  #allSyncs(): readonly NamedSync[] {
    const pair = this.#pair;
    return [...everythingSyncs(pair), everythingSync(pair, 'as-values'), ...misfitSyncs(pair)];
  }

  #manifests(syncs: readonly NamedSync[]): string {
    const { source, destination } = this.#pair;
    const ends = [source.manifest('source'), destination.manifest('destination')];
    return [...ends, ...syncs.map(({ manifest }) => manifest)].join('');
  }

  async #assertArrived({ name, table }: NamedSync): Promise<void> {
    const plan = this.#plan.get(name);
    if (name === 'as-bytes') assert.equal(plan?.rowFormat, 'pgcopy-binary');
    const types = name === 'as-bytes' ? portableTypes() : this.#pair.types;
    const key = keyOf(this.#tested.from);
    const [wanted, found] = await Promise.all([
      readTable(this.#pair.source, 'everything', key, types),
      readTable(this.#pair.destination, table, key, types),
    ]);
    assert.ok(wanted.size > 3);
    assert.deepEqual([...found.keys()], [...wanted.keys()], name);
    const differences = [...wanted].flatMap(([id, row]) =>
      types.flatMap((type) => {
        const values = [row.get(type.name) ?? null, found.get(id)?.get(type.name) ?? null] as const;
        const why = this.#difference(plan, type, values);
        return why === undefined ? [] : [`${name}: ${type.name} (${type.ddl}) row ${id}: ${why}`];
      }),
    );
    assert.deepEqual(differences, []);
  }

  /** Undefined if the value is the same, or is what the plan announces. */
  #difference(
    plan: Preview | undefined,
    type: TypeCase,
    [value, arrived]: readonly [value: string | null, arrived: string | null],
  ): string | undefined {
    if (arrived === value) return undefined;
    const became = `${short(value)} became ${short(arrived)}`;
    if (value === null || announcedValue(type, this.#tested.to, value) !== arrived) return became;
    return isNoted(plan, 'TypeNote', type) ? undefined : `${became}, and the plan does not note it`;
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
