import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { ColumnType, Value } from '../values.ts';
import { jsonOf, rowWriter } from './canonical-json.ts';
import { converterOf } from './convert.ts';
import { jsonAccess } from './json.ts';
import { parseJson } from './json-parser.ts';
import { Misfit } from './misfit.ts';
import { parseType } from './type-text.ts';

function typed(type: string): ColumnType {
  const parsed = parseType(type);
  assert.ok(parsed, type);
  return parsed;
}

test('each type has one form', () => {
  const cases: [type: string, value: Value, json: string][] = [
    ['boolean', true, 'true'],
    ['int64', 9007199254740993n, '9007199254740993'],
    ['decimal', '-12.3400', '-12.3400'],
    ['float64', 1e21, '1e+21'],
    ['float64', -0, '-0'],
    ['text', 'a"\u2028\ud800', String.raw`"a\"${'\u2028'}\ud800"`],
    ['bytes', Buffer.from('deadbeef', 'hex'), '"3q2+7w=="'],
    ['uuid', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', '"a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"'],
    ['date', '2026-11-24', '"2026-11-24"'],
    ['time', '08:00:00.5', '"08:00:00.5"'],
    ['timestamp', '2026-11-24 08:00:00.123456', '"2026-11-24T08:00:00.123456"'],
    ['timestamp with time zone', '2026-11-24 08:00:00Z', '"2026-11-24T08:00:00Z"'],
    ['json', '{"a": 1.0}', '{"a": 1.0}'],
    ['json', '{"a":\n 1.0}', '{"a":1.0}'],
    ['int64[]', [1n, null, [2n]], '[1,null,[2]]'],
    ['text', null, 'null'],
  ];
  for (const [type, value, json] of cases) assert.equal(jsonOf(typed(type))(value), json, type);
  assert.equal(jsonOf(typed('int64'), { numbersAsText: true })(5n), '"5"');
  assert.equal(jsonOf(typed('decimal[]'), { numbersAsText: true })(['1.50']), '["1.50"]');
});

test('what JSON cannot keep is a misfit', () => {
  const cases: [type: string, value: Value][] = [
    ['float64', Number.NaN],
    ['float64', Number.POSITIVE_INFINITY],
    ['decimal', 'NaN'],
    ['timestamp', 'infinity'],
    ['date', '0044-03-15 BC'],
    ['timestamp', '12026-01-01 00:00:00'],
    ['json', '{"a":'],
    ['float64[]', [1, Number.NaN]],
  ];
  for (const [type, value] of cases)
    assert.ok(jsonOf(typed(type))(value) instanceof Misfit, `${type} ${String(value)}`);
});

test('a row is an object on one line; NULL is left out, or written on request', () => {
  const columns = [
    { name: 'id', type: typed('int64') },
    { name: 'a"b', type: typed('text') },
  ];
  assert.equal(rowWriter(columns)([1n, null]), '{"id":1}');
  assert.equal(rowWriter(columns, { writesNull: true })([1n, null]), '{"id":1,"a\\"b":null}');
  assert.deepEqual(rowWriter([{ name: 'x', type: typed('float64') }])([Number.NaN]), {
    column: 'x',
    reason: 'is NaN or infinite, which JSON does not have',
  });
});

const stamps = fc
  .tuple(
    fc.date({
      min: new Date('0001-01-02T00:00:00Z'),
      max: new Date('9999-12-30T00:00:00Z'),
      noInvalidDate: true,
    }),
    fc.nat(999_999),
  )
  .map(
    ([date, micros]) =>
      `${date.toISOString().slice(0, 19).replace('T', ' ')}.${String(micros).padStart(6, '0')}`,
  );
const values: fc.Arbitrary<readonly [type: string, value: Value]> = fc.oneof(
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map((value) => ['int64', value] as const),
  fc.tuple(fc.bigInt(), fc.nat(9_999)).map(([whole, part]) => ['decimal', `${whole}.${part}`] as const),
  fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => ['float64', value] as const),
  fc.float({ noNaN: true, noDefaultInfinity: true }).map((value) => ['float32', value] as const),
  fc.string({ unit: 'binary' }).map((value) => ['text', value] as const),
  fc.uint8Array().map((bytes) => ['bytes', Buffer.from(bytes)] as const),
  fc.uuid().map((value) => ['uuid', value] as const),
  stamps.map((value) => ['timestamp', value] as const),
  stamps.map((value) => ['timestamp with time zone', `${value}Z`] as const),
  stamps.map((value) => ['time', value.slice(11)] as const),
  fc.array(fc.boolean()).map((value) => ['boolean[]', value] as const),
  fc.json().map((value) => ['json', value] as const),
);

test('every value is read back as it was written', () => {
  fc.assert(
    fc.property(values, fc.boolean(), ([type, value], numbersAsText) => {
      const json = jsonOf(typed(type), { numbersAsText })(value);
      assert.ok(typeof json === 'string');
      const again = converterOf(typed(type), jsonAccess)(parseJson(json));
      // A text that is JSON's null is SQL's NULL when it is read.
      if (type === 'json')
        assert.deepEqual(again === null ? null : JSON.parse(String(again)), JSON.parse(String(value)));
      else assert.deepEqual(again, value);
    }),
    { numRuns: 2_000 },
  );
});

test('a value of another type than its column, which SQLite allows, is a misfit', () => {
  const values: readonly [ColumnType, Value][] = [
    [{ kind: 'boolean' }, 'maybe'],
    [{ kind: 'int', bits: 64 }, 'abc'],
    [{ kind: 'int', bits: 64 }, 1.5],
    [{ kind: 'float', bits: 64 }, 'abc'],
    [{ kind: 'decimal' }, 'much'],
    [{ kind: 'bytes' }, 'text'],
    [{ kind: 'date' }, 'yesterday'],
    [{ kind: 'text' }, Buffer.of(0, 255)],
    [{ kind: 'json' }, '{no json'],
  ];
  for (const [type, value] of values)
    assert.ok(jsonOf(type)(value) instanceof Misfit, `${type.kind} ${value}`);
});

test('a zero date of MySQL is no date of ISO 8601', () => {
  const stamp = { kind: 'timestamp', precision: 6, hasZone: false } as const;
  for (const text of ['0000-00-00', '2026-00-00', '2026-11-00']) {
    assert.ok(jsonOf({ kind: 'date' })(text) instanceof Misfit, text);
    assert.ok(jsonOf(stamp)(`${text} 00:00:00`) instanceof Misfit, text);
  }
  assert.equal(jsonOf({ kind: 'date' })('0001-01-01'), '"0001-01-01"');
  assert.equal(jsonOf(stamp)('2010-10-10 00:00:00.5'), '"2010-10-10T00:00:00.5"');
});
