import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Batch } from '../../../core/batch.ts';
import { type Flow, type FlowOptions, openFlow, type TestDatabase, testDatabase } from '../test-harness.ts';
import { fieldsOf, keyDecoderOf } from '../types/binary-keys.ts';

const signal = new AbortController().signal;
const firstPass = { mode: 'Snapshot', pass: 1, key: null, isComplete: false } as const;
let database: TestDatabase;
before(async () => {
  database = await testDatabase();
});
after(() => database.stop());

let tables = 0;

async function table(columns = 'id int PRIMARY KEY, price bigint, body text'): Promise<string> {
  const name = `shape_${tables++}`;
  await database.run(
    `CREATE TABLE ${name} (${columns}); INSERT INTO ${name} SELECT i FROM generate_series(1, 9) i`,
  );
  return name;
}

async function open(from: string, options: Partial<FlowOptions> = {}): Promise<Flow> {
  const flow = await openFlow(database, { from, to: `${from}_to`, maxRows: 3, ...options });
  await flow.claim();
  return flow;
}

/** What a read returns after its first batch if `change` was made meanwhile: its batches, or its error's code. */
async function changedWhileRead(flow: Flow, change: string): Promise<string> {
  const after = flow.request.mode === 'Snapshot' ? firstPass : null;
  const reading = flow.source.read({ ...flow.request, after }, signal);
  const batches: Batch[] = [];
  try {
    for (;;) {
      const { value, done } = await reading.next();
      if (done) return `${batches.length} batches`;
      batches.push(value);
      if (batches.length === 1) await database.run(change);
    }
  } catch (thrown) {
    return `${batches.length} batches, then ${(thrown as { code?: string }).code}`;
  } finally {
    await flow.close();
  }
}

describe('a source that changes while it is read', () => {
  const changes: readonly (readonly [string, (name: string) => string])[] = [
    ['the type of the key', (t) => `ALTER TABLE ${t} ALTER COLUMN id TYPE bigint`],
    ['a modifier', (t) => `ALTER TABLE ${t} ALTER COLUMN body TYPE varchar(10)`],
    ['a collation', (t) => `ALTER TABLE ${t} ALTER COLUMN body TYPE text COLLATE "en-x-icu"`],
    ['row security', (t) => `ALTER TABLE ${t} ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY`],
    ['NOT NULL', (t) => `UPDATE ${t} SET body = ''; ALTER TABLE ${t} ALTER COLUMN body SET NOT NULL`],
    ['a child', (t) => `CREATE TABLE ${t}_child () INHERITS (${t})`],
    [
      'another table of that name and shape',
      (t) => `ALTER TABLE ${t} RENAME TO ${t}_old; CREATE TABLE ${t} (LIKE ${t}_old INCLUDING ALL)`,
    ],
  ];
  for (const [what, change] of changes) {
    for (const rowFormat of ['best', 'values'] as const) {
      test(`${what}, by ${rowFormat}`, async () => {
        const name = await table();
        assert.equal(
          await changedWhileRead(await open(name, { rowFormat }), change(name)),
          '1 batches, then SchemaChanged',
        );
      });
    }
  }

  test('a column of a query', async () => {
    for (const change of [
      'ALTER COLUMN price TYPE double precision',
      'ADD COLUMN more int',
      'ALTER COLUMN body TYPE text COLLATE "en-x-icu"',
    ]) {
      const name = await table();
      const flow = await open(name, { query: `SELECT * FROM ${name}`, sourceKey: ['id'] });
      assert.equal(
        await changedWhileRead(flow, `ALTER TABLE ${name} ${change}`),
        '1 batches, then SchemaChanged',
      );
    }
  });

  test('labels of an enum', async () => {
    await database.run("CREATE TYPE shade AS ENUM ('light', 'dark')");
    const name = await table('id int PRIMARY KEY, shade shade');
    assert.equal(
      await changedWhileRead(await open(name), "ALTER TYPE shade ADD VALUE 'grey'"),
      '1 batches, then SchemaChanged',
    );
  });

  test('by id and by timestamp', async () => {
    const byId = await table();
    const change = (name: string) => `ALTER TABLE ${name} ADD COLUMN more int`;
    const flow = await open(byId, { mode: 'Id', idField: 'id' });
    assert.equal(await changedWhileRead(flow, change(byId)), '1 batches, then SchemaChanged');
    const byTime = await table("id int PRIMARY KEY, at timestamptz DEFAULT '2026-01-01'");
    const timed = await open(byTime, { mode: 'Timestamp', timestampField: 'at' });
    assert.equal(await changedWhileRead(timed, change(byTime)), '1 batches, then SchemaChanged');
  });

  test('a change that comes in the middle of a statement waits for its rows', async () => {
    const name = await table();
    await database.run(`INSERT INTO ${name} SELECT i, i, repeat('x', 500) FROM generate_series(10, 20000) i`);
    const flow = await open(name, { maxRows: 50_000, maxBytes: 65_536 });
    const reading = flow.source.read({ ...flow.request, after: firstPass }, signal);
    const first = await reading.next();
    const other = await database.client();
    const changing = other.query(`ALTER TABLE ${name} ADD COLUMN more int`);
    let rows = first.done ? 0 : first.value.rowCount;
    for await (const batch of reading) rows += batch.rowCount;
    await changing;
    assert.equal(rows, 20_000);
    await flow.close();
  });
});

test('key values of another length are not read', () => {
  for (const type of ['integer', 'bigint', 'uuid', 'date', 'numeric', 'timestamp with time zone'])
    assert.throws(() => keyDecoderOf(type)?.(Buffer.alloc(7)), { code: 'ProtocolBroken' });
});

test('an incomplete row of COPY BINARY is a protocol error of the server', () => {
  assert.deepEqual(fieldsOf(Buffer.from('0002ffffffff0000000161', 'hex')), [null, Buffer.from('a')]);
  for (const row of [
    '',
    '00',
    'ffff',
    '0001',
    '0001000000',
    '00010000000561',
    '0001fffffffe',
    '00017fffffff61',
  ])
    assert.throws(() => fieldsOf(Buffer.from(row, 'hex')), { code: 'ProtocolBroken' });
});

test('rows that row security hides behind a view or query are reported, also when it begins in the middle of a pass', async () => {
  const name = await table();
  await database.run(`CREATE VIEW ${name}_view AS SELECT * FROM ${name} WHERE id > 2`);
  const kinds: Partial<FlowOptions>[] = [{ from: `${name}_view` }, { query: `SELECT id FROM ${name}` }];
  for (const [index, kind] of kinds.entries()) {
    const to = `${name}_to${index}`;
    const flow = await openFlow(database, {
      from: name,
      to,
      sourceKey: ['id'],
      maxRows: 1,
      uid: to,
      ...kind,
    });
    assert.deepEqual(flow.request.relation.findings ?? [], []);
    const pass = flow.source.read({ ...flow.request, after: null }, signal);
    assert.equal((await pass.next()).done, false);
    await database.run(`ALTER TABLE ${name} ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY`);
    await assert.rejects(
      async () => {
        while (!(await pass.next()).done);
      },
      { code: 'SchemaChanged' },
    );
    const relation = await flow.source.describe(signal);
    assert.deepEqual(
      relation.findings?.map((each) => each.code),
      ['RowSecurity'],
    );
    // Row security that was reported before does not prevent reading: the visible rows are read.
    const shown = flow.source.read({ ...flow.request, relation, after: null }, signal);
    assert.equal((await shown.next()).done, true);
    await flow.close();
    await database.run(`ALTER TABLE ${name} DISABLE ROW LEVEL SECURITY, NO FORCE ROW LEVEL SECURITY`);
  }
});
