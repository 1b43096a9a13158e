import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Value } from '../values.ts';
import { converterOf } from './convert.ts';
import { jsonAccess } from './json.ts';
import { parseJson } from './json-parser.ts';
import { Misfit } from './misfit.ts';
import { parseType } from './type-text.ts';

function convert(type: string, json: string): Value | Misfit {
  const parsed = parseType(type);
  assert.ok(parsed, type);
  return converterOf(parsed, jsonAccess)(parseJson(json));
}

test('a value that fits becomes the canonical value, with all its digits', () => {
  const cases: [type: string, json: string, value: Value][] = [
    ['int64', '9007199254740993', 9007199254740993n],
    ['int32', '5.00', 5],
    ['int8', '"-128"', -128],
    ['uint64', '18446744073709551615', 18446744073709551615n],
    ['decimal', '123456789012345678901234567890.10', '123456789012345678901234567890.10'],
    ['decimal', '1.5e3', '1500'],
    ['decimal', '-2.5E-3', '-0.0025'],
    ['decimal(5,2)', '"012.30"'.replace('0', ''), '12.30'],
    ['decimal(5,2)', '123.4500', '123.45'],
    ['float64', '0.1', 0.1],
    ['float64', '9007199254740992', 2 ** 53],
    ['float32', '0.1', 0.1],
    ['boolean', 'true', true],
    ['boolean', '"false"', false],
    ['text', '42.0', '42.0'],
    ['text', 'false', 'false'],
    ['text(3)', '"𝒳𝒴𝒵"', '𝒳𝒴𝒵'],
    ['bytes', '"3q2+7w=="', Buffer.from('deadbeef', 'hex')],
    ['uuid', '"A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11"', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'],
    ['date', '"2024-02-29"', '2024-02-29'],
    ['time(3)', '"08:30:00.1200"', '08:30:00.120'],
    ['time with time zone', '"08:30:00+05:30"', '08:30:00+05:30'],
    ['timestamp', '"2026-11-24T08:00:00.123456"', '2026-11-24 08:00:00.123456'],
    ['timestamp with time zone', '"2026-11-24T00:30:00.5+02:00"', '2026-11-23 22:30:00.5Z'],
    ['timestamp(0) with time zone', '"2026-11-24 08:00:00.000Z"', '2026-11-24 08:00:00Z'],
    ['interval', '"P1DT2H"', 'P1DT2H'],
    ['interval', '"P-1Y2M-3DT-4H5M-0.5S"', 'P-1Y2M-3DT-4H5M-0.5S'],
    ["enum('new','paid')", '"paid"', 'paid'],
    ['bit(4)', '"0110"', '0110'],
    ['int64[]', '[1, null, 3]', [1n, null, 3n]],
    ['json', '{"a": [1.50, "x"]}', '{"a":[1.50,"x"]}'],
    ['json', '"text"', '"text"'],
    ['json', 'null', null],
    ['int64', 'null', null],
  ];
  for (const [type, json, value] of cases) assert.deepEqual(convert(type, json), value, `${json} as ${type}`);
});

test('a value that would change is a misfit, and the reason has no data', () => {
  const cases: [type: string, json: string][] = [
    ['int32', '2147483648'],
    ['int64', '9223372036854775808'],
    ['uint8', '-1'],
    ['int64', '1.5'],
    ['int64', '1e99'],
    ['int64', '"007"'],
    ['int64', 'true'],
    ['int64', '{}'],
    ['decimal(5,2)', '1234.5'],
    ['decimal(5,2)', '1.234'],
    ['decimal', '"secret"'],
    ['decimal', '1e999999'],
    ['float64', '9007199254740993'],
    ['float64', '0.12345678901234567891'],
    ['float64', '1e400'],
    ['float32', '0.123456789'],
    ['boolean', '1'],
    ['text', '{"a":1}'],
    ['text(3)', '"secret"'],
    ['text', '"secret\\ud800"'],
    ['bytes', '"not base64"'],
    ['bytes(2)', '"3q2+7w=="'],
    ['uuid', '"secret"'],
    ['date', '"2023-02-29"'],
    ['date', '"2023-02-28T00:00:00Z"'],
    ['timestamp', '"2026-11-24T08:00:00Z"'],
    ['timestamp with time zone', '"2026-11-24T08:00:00"'],
    ['timestamp(3)', '"2026-11-24T08:00:00.1234"'],
    ['timestamp', '"2026-11-24T24:00:00"'],
    ['timestamp', '1763971200000'],
    ['timestamp with time zone', '"9999-12-31T23:59:59-01:00"'],
    ["enum('new')", '"secret"'],
    ['bit(4)', '"011"'],
    ['int64[]', '[1, "x"]'],
    ['int64[]', '1'],
  ];
  for (const [type, json] of cases) {
    const value = convert(type, json);
    assert.ok(value instanceof Misfit, `${json} as ${type}`);
    assert.doesNotMatch(value.reason, /secret/);
  }
});
