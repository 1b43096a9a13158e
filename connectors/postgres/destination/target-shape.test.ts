import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Batch } from '../../../core/batch.ts';
import { type Flow, type FlowOptions, openFlow, type TestDatabase, testDatabase } from '../test-harness.ts';

const signal = new AbortController().signal;
const firstPass = { mode: 'Snapshot', pass: 1, key: null, isComplete: false } as const;
let database: TestDatabase;
before(async () => {
  database = await testDatabase();
});
after(() => database.stop());

let tables = 0;

interface Opened {
  readonly flow: Flow;
  readonly to: string;
  readonly batches: readonly Batch[];
}

/** A sync into an existing table, claimed, with three batches that were read before anything changed. */
async function open(options: Partial<FlowOptions> = {}, isAtomic = false): Promise<Opened> {
  const from = `target_${tables++}`;
  const to = `${from}_to`;
  await database.run(`CREATE TABLE ${from} (id int PRIMARY KEY, price bigint, body text); INSERT INTO ${from} SELECT i, 1999, 'b' FROM generate_series(1, 9) i;
    CREATE TABLE ${to} (LIKE ${from} INCLUDING ALL)`);
  const flow = await openFlow(database, { from, to, maxRows: 3, ...options });
  await flow.claim();
  await flow.destination.beginPass({ pass: 1, isResumed: false, isAtomic }, signal);
  const batches: Batch[] = [];
  for await (const batch of flow.source.read({ ...flow.request, after: firstPass }, signal))
    batches.push(batch);
  return { flow, to, batches };
}

async function outcome(work: Promise<unknown>): Promise<string> {
  return await work.then(
    () => 'written',
    (thrown: { code?: string }) => String(thrown.code),
  );
}

function commitRow(to: string): Promise<(string | null)[][]> {
  return database.run(`SELECT "offset", rows, target FROM _idra_commits WHERE "table" = '${to}'`);
}

const change = (to: string) => `ALTER TABLE ${to} ALTER COLUMN id TYPE bigint`;

describe('a destination that changes between two batches accepts no row of the next one', () => {
  const ways: readonly (readonly [string, Partial<FlowOptions>])[] = [
    ['Upsert', {}],
    ['Upsert, merged', { writeMode: 'Upsert', onError: 'Skip' }],
    ['Append', { writeMode: 'Append', key: [] }],
    ['values', { rowFormat: 'values' }],
  ];
  for (const [way, options] of ways) {
    test(`the type of the key, ${way}`, async () => {
      const { flow, to, batches } = await open(options);
      const [first, second] = batches;
      await flow.write(first);
      if (way === 'Upsert, merged') await flow.write(first);
      const before = await commitRow(to);
      await database.run(change(to));
      assert.equal(await outcome(flow.write(second)), 'SchemaChanged');
      assert.deepEqual(await commitRow(to), before);
      assert.deepEqual(await database.run(`SELECT count(*) FROM ${to}`), [['3']]);
      await flow.close();
    });
  }

  test('the type of the key, before the swap of Replace and before the claim', async () => {
    const { flow, to, batches } = await open({ writeMode: 'Replace' });
    for (const batch of batches) await flow.write(batch);
    await database.run(change(to));
    assert.equal(await outcome(flow.end()), 'SchemaChanged');
    assert.equal(await outcome(flow.claim()), 'SchemaChanged');
    await flow.close();
  });

  test('the shadow of Replace', async () => {
    const { flow, batches } = await open({ writeMode: 'Replace' });
    const [first, second] = batches;
    assert.ok(first && second);
    await flow.destination.write(first, signal);
    const [[shadow] = []] = await database.run(
      "SELECT relname FROM pg_class WHERE relname ~ '^_idra_shadow' AND relkind = 'r' ORDER BY oid DESC LIMIT 1",
    );
    await database.run(`ALTER TABLE ${shadow} ALTER COLUMN price TYPE double precision`);
    assert.equal(await outcome(flow.destination.write(second, signal)), 'SchemaChanged');
    await flow.close();
    await database.run(`DROP TABLE ${shadow}`);
  });

  test('a pass that is one transaction keeps changes out until its end', async () => {
    const { flow, to, batches } = await open({ writeMode: 'Append', key: [] }, true);
    const other = await database.client();
    const changing = other.query(`ALTER TABLE ${to} ADD COLUMN more int`);
    for (const batch of batches) await flow.destination.write(batch, signal);
    await flow.destination.endPass({ ...firstPass, isComplete: true }, signal);
    await changing;
    assert.deepEqual(await database.run(`SELECT count(*) FROM ${to}`), [['9']]);
    await flow.close();
  });
});

describe('the commit row', () => {
  const oidOf = async (table: string) => (await database.run(`SELECT '${table}'::regclass::oid`))[0]?.[0];

  test('names the table by its oid, and the one that takes its place', async () => {
    const { flow, to, batches } = await open({ writeMode: 'Replace' });
    assert.equal((await commitRow(to))[0]?.[2], await oidOf(to));
    const before = await oidOf(to);
    for (const batch of batches) await flow.destination.write(batch, signal);
    await flow.destination.endPass({ ...firstPass, isComplete: true }, signal);
    assert.notEqual(await oidOf(to), before);
    assert.equal((await commitRow(to))[0]?.[2], await oidOf(to));
    const [row] = await flow.destination.commitRows(flow.plan.uid, signal);
    assert.equal(row?.target, await oidOf(to));
    // The next pass and the next claim with the same plan find the table that the swap installed.
    await flow.pass({ ...firstPass, pass: 2 });
    await flow.claim();
    await flow.pass({ ...firstPass, pass: 3 });
    assert.deepEqual(await database.run(`SELECT count(*) FROM ${to}`), [['9']]);
    await flow.close();
  });

  test('of an older version has no target until it is claimed', async () => {
    await database.run(
      'CREATE SCHEMA older; CREATE TABLE older.t (id int PRIMARY KEY); CREATE TABLE older_from (id int PRIMARY KEY)',
    );
    const options = { from: 'older_from', to: 'older.t' };
    const first = await openFlow(database, options);
    await first.claim();
    await first.close();
    await database.run('ALTER TABLE older._idra_commits DROP COLUMN target');
    const flow = await openFlow(database, options);
    const [before] = await flow.destination.commitRows(flow.plan.uid, signal);
    assert.deepEqual([before?.token, before?.target], [1n, undefined]);
    assert.equal((await flow.claim()).target, await oidOf('older.t'));
    await flow.close();
  });
});
