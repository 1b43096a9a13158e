import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { columnOf } from './columns.ts';
import { Inference, mostFields } from './inference.ts';
import { jsonAccess, writeJson } from './json.ts';
import { type JsonValue, parseJson } from './json-parser.ts';
import { RowMaker } from './rows.ts';

function inferred(...records: string[]): Record<string, string> {
  const inference = new Inference(jsonAccess);
  for (const record of records) inference.add(parseJson(record));
  return Object.fromEntries(inference.columns().map(({ name, type }) => [name, type]));
}

test('the narrowest type that keeps every value', () => {
  const cases: [values: string[], type: string][] = [
    [['1', '-5'], 'int64'],
    [['1', '9223372036854775808'], 'decimal'],
    [['1', '2.50'], 'decimal'],
    [['true', 'null'], 'boolean'],
    [['"a"', 'null', '"2026-11-24"'], 'text'],
    [['"a"', '1'], 'json'],
    [['true', '1'], 'json'],
    [['1', '{}'], 'json'],
    [['[1]', '[2]'], 'json'],
    [['{"x":1}'], 'json'],
    [['null'], 'json'],
  ];
  for (const [values, type] of cases)
    assert.deepEqual(inferred(...values.map((value) => `{"v":${value}}`)), { v: type }, values.join());
});

test('columns are in the order of the fields, with paths that name them, and nullable', () => {
  const inference = new Inference(jsonAccess);
  inference.add(parseJson('{"b":1,"a.b":2,"":3}'));
  inference.add(parseJson('{"c":1}'));
  assert.deepEqual(
    inference.columns().map(({ name, path, nullable }) => [name, path, nullable]),
    [
      ['b', 'b', true],
      ['a.b', String.raw`a\.b`, true],
      ['c', 'c', true],
    ],
  );
});

test('names that are values are not taken for columns without end', () => {
  const inference = new Inference(jsonAccess);
  for (let id = 0; id <= mostFields; id++) inference.add(new Map([[`customer ${id}`, 1]]));
  assert.ok(inference.hasTooManyFields);
  assert.equal(inference.columns().length, mostFields);
});

const scalars = fc.oneof(
  fc.constantFrom('null', 'true', 'false', '"text"', '{"x":[1]}', '[]', '0.1', '1e3', '-0'),
  fc.bigInt({ min: -(2n ** 70n), max: 2n ** 70n }).map(String),
  fc.tuple(fc.bigInt(), fc.nat()).map(([whole, fraction]) => `${whole}.${fraction}`),
  fc.string().map((text) => JSON.stringify(text)),
);
const records = fc.array(
  fc.dictionary(fc.constantFrom('a', 'b', 'c.d', '__proto__'), scalars, { noNullPrototype: true }),
  { minLength: 1, maxLength: 12 },
);

test('every record of the sample fits the columns that are inferred from it', () => {
  fc.assert(
    fc.property(records, (given) => {
      const parsed = given.map(
        (record) => new Map(Object.entries(record).map(([name, text]) => [name, parseJson(text)])),
      );
      const inference = new Inference<JsonValue>(jsonAccess);
      for (const record of parsed) inference.add(record);
      const columns = inference.columns();
      const request = {
        columns: columns.map((each) => ({ column: columnOf(each) })),
        findsNewFields: true as const,
      };
      const maker = new RowMaker({ access: jsonAccess, columns }, request);
      for (const record of parsed) {
        const row = maker.row(record, undefined, 'here');
        assert.ok(
          row,
          `${writeJson(record)} does not fit ${JSON.stringify(columns)}: ${JSON.stringify(maker.take())}`,
        );
      }
      assert.deepEqual(maker.take(), {});
    }),
  );
});
