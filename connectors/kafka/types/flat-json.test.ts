import assert from 'node:assert/strict';
import { test } from 'node:test';
import { columnOf } from '../../../core/records/columns.ts';
import { converterOf } from '../../../core/records/convert.ts';
import { parseJson } from '../../../core/records/json-parser.ts';
import { Misfit } from '../../../core/records/misfit.ts';
import { FlatJson } from './flat-json.ts';
import { isObject, recordAccess } from './record-node.ts';

const types = {
  a: 'int64',
  b: 'int16',
  c: 'decimal',
  d: 'decimal(6,2)',
  e: 'float64',
  f: 'text',
  g: 'text(3)',
  h: 'boolean',
  i: 'timestamp(3) with time zone',
  j: 'json',
};
const columns = Object.entries(types).map(([name, type]) => ({ name, path: name, type, nullable: true }));
const read = columns.map((column) => ({ column: columnOf(column) }));

/** By the parser; undefined: the message is a misfit. */
function byParser(text: string): unknown[] | undefined {
  let node: ReturnType<typeof parseJson>;
  try {
    node = parseJson(text);
  } catch {
    return undefined;
  }
  if (!isObject(node)) return undefined;
  const object = node;
  const row = read.map(({ column }) => {
    const field = object.get(column.name);
    return field === undefined ? null : converterOf(column.type, recordAccess)(field);
  });
  return row.some((value) => value instanceof Misfit) ? undefined : row;
}

const values = [
  ...[
    '0',
    '1',
    '-1',
    '-0',
    '00',
    '007',
    '1.5',
    '1.50',
    '-0.0',
    '0.10',
    '12345.67',
    '1234.567',
    '1e3',
    '1E-2',
    '.5',
    '5.',
  ],
  ...[
    '99999999999999',
    '999999999999999',
    '9999999999999999',
    '123456789012345678901234567890',
    '32767',
    '32768',
    '-32769',
  ],
  ...[
    '""',
    '"x"',
    '"ab\\n"',
    '"a\u0001"',
    '"äöü"',
    '"abcd"',
    '"12"',
    '"true"',
    'true',
    'false',
    'null',
    'nul',
    'tru',
  ],
  ...[
    '"2026-11-24T08:00:00.123Z"',
    '"2026-11-24T08:00:00+02:00"',
    '{}',
    '[1,{"a":2}]',
    '',
    '"',
    '"x',
    ' 1',
    '1 ',
    '-',
    '+1',
    'NaN',
  ],
];

test('a row is that of the parser, or there is none', () => {
  let [found, all] = [0, 0];
  const check = (text: string) => {
    const flat = FlatJson.of(columns, read)?.row(text);
    all += 1;
    if (flat === undefined) return;
    found += 1;
    assert.deepEqual(flat, byParser(text), text);
  };
  for (const name of Object.keys(types))
    for (const value of values)
      for (const text of [
        `{"${name}":${value}}`,
        `{"${name}":${value},"j":null}`,
        `{"a":1,"${name}":${value}}`,
        `{"${name}": ${value}}`,
      ])
        check(text);
  for (const text of [
    '',
    '{',
    '}',
    '{}',
    '[]',
    '{"a":1',
    '{"a":1,}',
    '{"a":1}}',
    '{"a":1} ',
    '{"b":1,"a":2}',
    '{"a":1,"a":2}',
    '{"z":1}',
    '{,"a":1}',
  ])
    check(text);
  assert.ok(found > all / 10, `${found} of ${all}`);
});

test('columns within objects, and of the whole message, are left to the parser', () => {
  for (const path of ['x.y', 'x[0]', ''])
    assert.equal(FlatJson.of([{ name: 'a', path, type: 'text', nullable: true }], read), undefined);
});
