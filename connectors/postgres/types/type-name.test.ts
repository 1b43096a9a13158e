import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isBuiltIn, parseTypeName, readTypeName, writeTypeName } from './type-name.ts';

const written: readonly string[] = [
  'integer',
  'bigint[]',
  'double precision[][]',
  'numeric(38,10)',
  'numeric(5,-2)',
  'character varying(40)[]',
  'character(5)',
  'bpchar',
  '"char"',
  '"bit"',
  'bit varying(12)',
  'timestamp(3) without time zone',
  'timestamp with time zone[]',
  'time(0) with time zone',
  'interval(3)',
  'interval year to month',
  'interval day to second(3)',
  'pg_lsn',
  'int4multirange',
  'sales.mood',
  '"Sales ""2026"""."Mood; drop table x"[]',
  'public.geometry(PointZ,4326)',
];
for (const text of written) {
  test(`${text} is read and written unchanged`, () => {
    const parsed = parseTypeName(text);
    assert.equal(parsed && writeTypeName(parsed), text);
  });
}

test('modifiers of another form are left out', () => {
  const parsed = parseTypeName('public.odd(a => 1)[]');
  assert.equal(parsed && writeTypeName(parsed), 'public.odd[]');
});

const refused: readonly string[] = [
  '',
  '-',
  '???',
  'integer; DROP TABLE t',
  'integer); DROP TABLE t; --',
  'integer, x integer',
  'integer DEFAULT evil()',
  'integer COLLATE "C"',
  'integer /* */',
  'integer with time zone',
  'interval with time zone',
  'timestamp with time zone at time zone x',
  "text DEFAULT 'x'",
  'text[3]',
  'numeric(10,2',
  'numeric(10,2))',
  'numeric((SELECT 1))',
  '"open',
  '"a"b"',
  'a.b.c',
  '"a"."b"."c"',
  '"nul\0"',
  '$1',
];
for (const text of refused) {
  test(`${JSON.stringify(text)} is not a type`, () => {
    assert.equal(parseTypeName(text), undefined);
  });
}

test('one word names a built-in type, except the types for which CREATE TABLE creates sequences', () => {
  const isKept = (text: string) => {
    const parsed = parseTypeName(text);
    return parsed !== undefined && isBuiltIn(parsed);
  };
  assert.deepEqual(['inet', 'pg_lsn', 'int4range'].map(isKept), [true, true, true]);
  assert.deepEqual(
    ['serial', 'bigserial', 'serial8', 'sales.mood', '"inet"'].map(isKept),
    Array(5).fill(false),
  );
});

test('a column with an invalid type is refused by its name', () => {
  assert.throws(() => readTypeName('integer; DROP TABLE t', 'c', 'public.t', 'spec.source.table'), {
    code: 'TypeUnreadable',
    message: /column c of public\.t/,
    path: 'spec.source.table',
  });
});
