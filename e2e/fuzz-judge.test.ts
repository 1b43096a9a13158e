import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ReadDocument, readDocuments } from './fuzz/document-reader.ts';
import { compare } from './fuzz/judge/compare.ts';
import { isKept } from './fuzz/judge/documents.ts';
import { History, type PastValue } from './fuzz/judge/history.ts';
import { promisesOf } from './fuzz/judge/promises.ts';
import type { FlowSpec } from './fuzz/scenario/scenario.ts';
import { canonicalText } from './fuzz/table-reader.ts';
import type { Kind } from './pairs/type-case.ts';

/** The random tester finds nothing that its judge does not: what the judge accepts, and what it must not. */

async function documentsOf(...texts: readonly string[]): Promise<readonly ReadDocument[]> {
  const query = async (sql: string) =>
    sql.includes('listCollections') ? [['{}']] : texts.map((each) => [each]);
  return (await readDocuments({ query, close: async () => {} }, 'any')) ?? [];
}

test('a value of a document is recognised in every form that a column may give it, and no other value is', async () => {
  const cases: readonly (readonly [literal: string, kind: Kind | 'any', same: string, other: string])[] = [
    ['{"$numberLong":"9007199254740993"}', 'int', '9007199254740993', '9007199254740992'],
    ['{"$numberDouble":"5.0"}', 'decimal', '5.00', '50'],
    ['{"$numberDouble":"-2.5e300"}', 'float64', '-2.5e+300', '-2.5e299'],
    ['{"$numberDecimal":"12.50"}', 'text', '12.5', '12.05'],
    ['{"$numberDecimal":"12.50"}', 'json', '{"$numberDecimal": "12.50"}', '12.50'],
    ['"5"', 'text', '5', '5 '],
    ['"5"', 'json', '"5"', '5'],
    ['{"$date":{"$numberLong":"86400001"}}', 'timestamp', '1970-01-02 00:00:00.001', '1970-01-02 00:00:00'],
    ['{"$date":{"$numberLong":"86400001"}}', 'text', '1970-01-02T00:00:00.001Z', '1970-01-02T00:00:00.002Z'],
    ['{"$binary":{"base64":"AP8=","subType":"00"}}', 'bytes', '00ff', '00fe'],
    ['{"$binary":{"base64":"AP8=","subType":"00"}}', 'text', 'AP8=', '00ff'],
    ['{"a":[1,2.50,{"b":null}]}', 'json', '{"a": [1, 2.5, {"b": null}]}', '{"a": [1, 2.5, {}]}'],
    ['true', 'boolean', '1', '0'],
    ['false', 'int', '0', '1'],
  ];
  for (const [literal, kind, same, other] of cases) {
    const [document] = await documentsOf(`{"v":${literal}}`);
    const value = document?.get('v') ?? assert.fail(literal);
    assert.equal(isKept(value, same, kind), true, `${literal} as ${same}`);
    assert.equal(isKept(value, other, kind), false, `${literal} as ${other}`);
  }
});

interface Ends {
  readonly deletes?: 'Hard' | 'Soft';
  readonly restarts?: number;
  /** Documents of the source, one state after the other. */
  readonly states: readonly (readonly string[])[];
  readonly arrived: readonly Readonly<Record<string, string | null>>[];
}

async function problemsOf({ deletes, restarts = 0, states, arrived }: Ends): Promise<readonly string[]> {
  const history = new History();
  for (const state of states) {
    const documents = await documentsOf(...state);
    history.record(documents.map((each) => ({ row: each.get('r')?.plain ?? '', values: pastOf(each) })));
  }
  const spec: FlowSpec = {
    mode: 'Stream',
    writeMode: 'Upsert',
    schemaChanges: 'Fail',
    onError: 'Stop',
    schedule: {},
    batch: { maxRows: 1 },
    ...(deletes && { deletes }),
  };
  const { problems } = compare({
    history,
    arrived: arrived.map((each) => new Map(Object.entries(each))),
    promises: promisesOf(spec, {}, restarts),
    rules: {
      from: 'mongodb-memory',
      to: 'sqlite',
      ignoresMissing: false,
      damaged: new Map(),
      isWhole: false,
      kinds: new Map<string, Kind>([['r', 'int']]),
      fields: new Set(['r', 'a', 'b']),
    },
    changes: new Set(),
    largestRestartedId: undefined,
    restarts,
    late: new Set(),
  });
  return problems.map(({ kind, row }) => `${kind} ${row}`);
}

function pastOf(document: ReadDocument): ReadonlyMap<string, PastValue> {
  return new Map(
    [...document].map(([name, value]): [string, PastValue] => [
      name,
      value
        ? { kind: 'text', text: canonicalText('text', value.plain), document: value }
        : { kind: 'other', text: null },
    ]),
  );
}

test('a deletion that was not applied is found, and so is a row that was deleted without one', async () => {
  const states = [['{"r":1,"a":"x"}', '{"r":2,"a":"y"}'], ['{"r":2,"a":"y"}']];
  const [one, two] = [
    { r: '1', a: 'x' },
    { r: '2', a: 'y' },
  ];
  const marked = (row: object, at: string | null) => ({ ...row, _deleted_at: at });
  assert.deepEqual(await problemsOf({ states, arrived: [one, two] }), []);
  assert.deepEqual(await problemsOf({ deletes: 'Hard', states, arrived: [one, two] }), ['deleted 1']);
  assert.deepEqual(await problemsOf({ deletes: 'Hard', restarts: 1, states, arrived: [one, two] }), []);
  assert.deepEqual(await problemsOf({ deletes: 'Hard', states, arrived: [] }), ['missing 2']);
  const soft = (...arrived: readonly Readonly<Record<string, string | null>>[]) =>
    problemsOf({ deletes: 'Soft', states, arrived });
  assert.deepEqual(await soft(marked(one, '2026-01-01'), marked(two, null)), []);
  assert.deepEqual(await soft(marked(one, null), marked(two, null)), ['deleted 1']);
  assert.deepEqual(await soft(marked(one, '2026-01-01'), marked(two, '2026-01-01')), ['missing 2']);
});

test('a field that a document has lost must be empty at the destination', async () => {
  const states = [['{"r":1,"a":"x","b":"y"}'], ['{"r":1,"a":"x"}']];
  assert.deepEqual(await problemsOf({ states, arrived: [{ r: '1', a: 'x', b: null }] }), []);
  assert.deepEqual(await problemsOf({ states, arrived: [{ r: '1', a: 'x', b: 'y' }] }), ['stale 1']);
});
