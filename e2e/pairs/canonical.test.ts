import assert from 'node:assert/strict';
import { test } from 'node:test';
import { canonical } from './canonical.ts';
import type { Kind } from './type-case.ts';

const equal: readonly [Kind, string, string][] = [
  ['boolean', 't', '1'],
  ['decimal', '1.5000', '1.5'],
  ['decimal', '-0.00', '0'],
  ['decimal', '100', '100.0'],
  ['decimal', '-1.5E+3', '-1500'],
  ['decimal', '1E+3', '1000'],
  ['decimal', '1.25E-3', '0.00125'],
  ['decimal', '12.345E+1', '123.45'],
  ['float32', '16777217', '16777216'],
  ['float64', 'inf', 'Infinity'],
  ['time', '08:00:00.500000+05:30', '08:00:00.5+05:30'],
  ['time', '08:00:00+00', '08:00:00+00:00'],
  ['timestamp', '2026-11-24 08:00:00.120000+00', '2026-11-24T08:00:00.12Z'],
  ['timestamp', '0044-03-15 12:00:00+00 BC', '0044-03-15 12:00:00Z BC'],
  ['duration', '-838:59:59', 'PT-838H-59M-59S'],
  ['duration', '-00:00:00.000001', 'PT-0.000001S'],
  ['json', '{"b": 1.10, "a": [ null ]}', '{"a":[null],"b":1.10}'],
  [{ arrayOf: 'text' }, '{a,NULL,"NULL","q\\"\\\\"}', '["a", null, "NULL", "q\\"\\\\"]'],
  [{ arrayOf: 'bytes' }, '{"\\\\x00ff",NULL}', '["00ff",null]'],
  [{ arrayOf: 'int' }, '{{1,2},{3,4}}', '[[1,2],[3,4]]'],
  [
    { arrayOf: 'json' },
    '{"{\\"a\\": 123456789012345678901234567890}"}',
    '[{"a":123456789012345678901234567890}]',
  ],
];

test('the same value of two systems has one canonical text', () => {
  for (const [kind, one, other] of equal) assert.equal(canonical(kind, one), canonical(kind, other));
});

const different: readonly [Kind, string, string][] = [
  ['int', '9223372036854775807', '9223372036854775808'],
  ['decimal', '1.50', '1.51'],
  ['float64', '-0', '0'],
  ['text', 'a ', 'a'],
  ['timestamp', '2026-11-24 08:00:00.1', '2026-11-24 08:00:00.01'],
  ['duration', '00:00:01', '-00:00:01'],
  ['json', '[123456789012345678901234567890]', '[123456789012345678901234567891]'],
  ['json', '{"a": 1}', '{"a": "1"}'],
  [{ arrayOf: 'text' }, '{NULL}', '{"NULL"}'],
];

test('different values have different ones', () => {
  for (const [kind, one, other] of different) assert.notEqual(canonical(kind, one), canonical(kind, other));
});
