import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { killedAt } from '../kit/kill-hook.ts';
import { SingleMode } from '../kit/single-mode.ts';
import { type AnyDatabase, type DataSystem, TestSystems } from '../kit/systems.ts';
import { tempFolder } from '../kit/temp.ts';
import { keyOf } from './everything.ts';
import {
  batchRows,
  changeOrders,
  createOrders,
  firstRows,
  type Lines,
  modeCasesOf,
  modeManifests,
  syncName,
} from './modes.ts';
import { readRows, readTable } from './read-table.ts';

let folder: string;
let systems: TestSystems;

export function testModesOf(pairs: readonly (readonly [from: DataSystem, to: DataSystem])[]): void {
  before(async () => {
    folder = await tempFolder('modes');
    systems = new TestSystems(folder);
  });
  after(() => systems?.stop());
  for (const [from, to] of pairs) describe(`${from} to ${to}`, () => modeTests(from, to));
}

/** Into each of the others, from each of them, and into its own kind. */
export function withEach(system: DataSystem, others: readonly DataSystem[]): [DataSystem, DataSystem][] {
  return [
    [system, system],
    ...others.flatMap((each): [DataSystem, DataSystem][] => [
      [system, each],
      [each, system],
    ]),
  ];
}

function modeTests(from: DataSystem, to: DataSystem): void {
  let source: AnyDatabase;
  let destination: AnyDatabase;
  let single: SingleMode;
  let first: Lines;
  /** Rows that each case wrote in the first test. */
  const written = new Map<string, number>();

  before(async () => {
    source = await systems.createAny(from);
    destination = await systems.createAny(to);
    await createOrders(source);
    single = new SingleMode(join(folder, `${from}-${to}`), [from, to]);
    await single.write(modeManifests(source, destination));
  });

  test('killed at any moment, the next start continues from what was committed', async () => {
    first = await linesById(source, 'orders');
    const killed = await single.runKilled(killedAt({ at: 'commit:after', count: 30 }));
    assert.deepEqual(killed, { code: null, signal: 'SIGKILL' });
    const { status } = await single.runWell();
    for (const { name, spec } of modeCasesOf(source, destination)) {
      assert.deepEqual(await linesOf(destination, name), [...first.values()].sort(), name);
      const shown = status.get(syncName(name));
      // A Snapshot that was complete when the others were killed has begun its next pass.
      const passes = Number(/^pass (\d+) complete$/.exec(shown?.offsetText ?? '')?.[1] ?? 1);
      const rows = shown?.rows.written ?? 0;
      const isCounted = shown?.guarantee === 'ExactlyOnce' || !spec.mode.startsWith('LastDestination');
      const fewest = isCounted ? firstRows * passes : firstRows - batchRows;
      assert.ok(fewest <= rows && rows <= firstRows * passes, `rows written by ${name}: ${rows}`);
      written.set(name, rows);
    }
  });

  test('new rows arrive as each mode defines, and then nothing is written again', async () => {
    await changeOrders(source);
    const now = await linesById(source, 'orders');
    await single.runWell();
    const before = await single.runWell();
    const { status } = await single.runWell({ only: 'timestamp-append' });
    const readIn = (run: Pick<typeof before, 'status'>) => run.status.get('timestamp-append')?.rows.read;
    assert.equal(readIn({ status }), readIn(before));
    const rows = await rowsWritten(destination);
    for (const { name, expected, writtenThen } of modeCasesOf(source, destination)) {
      assert.deepEqual(await linesOf(destination, name), [...expected(first, now)].sort(), name);
      const total = (written.get(name) ?? 0) + writtenThen;
      assert.equal(rows.get(destination.tableName(name)), String(total), `rows written by ${name}`);
    }
  });
}

const columns = [
  { name: 'label', kind: 'text' },
  { name: 'amount', kind: 'decimal' },
  { name: 'updated_at', kind: 'timestamp' },
] as const;

async function linesById(database: AnyDatabase, table: string): Promise<Lines> {
  const rows = await readTable(database, table, keyOf(database.system), columns);
  return new Map([...rows].map(([id, row]) => [id, JSON.stringify([id, ...row.values()])]));
}

/** Every row, including those that share an id. */
async function linesOf(database: AnyDatabase, table: string): Promise<readonly string[]> {
  const rows = await readRows(database, table, [{ name: 'id', kind: 'int' }, ...columns]);
  return rows.map((row) => JSON.stringify([...row.values()])).sort();
}

async function rowsWritten(destination: AnyDatabase): Promise<ReadonlyMap<string, string>> {
  const commits = await readRows(destination, '_idra_commits', [
    { name: 'table', kind: 'text' },
    { name: 'rows', kind: 'int' },
  ]);
  return new Map(commits.map((row) => [String(row.get('table')), String(row.get('rows'))]));
}
