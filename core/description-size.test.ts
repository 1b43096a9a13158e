import assert from 'node:assert/strict';
import { test } from 'node:test';
import { requireUsualDescription } from './description-size.ts';
import type { Column, Relation } from './values.ts';

function relationOf(count: number, nativeType: string): Relation {
  const column = (at: number): Column => ({
    name: `a column with a long name, number ${at}`,
    nativeType,
    type: { kind: 'text' },
    isNullable: true,
  });
  return { name: 's.t', columns: Array.from({ length: count }, (_, at) => column(at)), keys: [] };
}

const check = (relation: Relation) => () => requireUsualDescription(relation, 'a/b', 'spec.source.table');
const refused = { code: 'DescriptionTooLarge', path: 'spec.source.table', message: /^a\/b describes/ };

test('a table of 4,096 columns is usual', () => {
  check(relationOf(4_096, 'character varying(1000)'))();
});

test('a hundred thousand columns, and types of a megabyte, are refused', () => {
  assert.throws(check(relationOf(100_000, 'text')), refused);
  assert.throws(check(relationOf(5, 'x'.repeat(1_024 ** 2))), refused);
});

test('the message names the table and the field that takes most, without the text of its type', () => {
  const { columns, ...rest } = relationOf(2, 'text');
  const values = Array.from({ length: 65_535 }, (_, at) => `'one of very many values of it, ${at}'`);
  const nativeType = `enum(${values.join(',')})`;
  const huge: Column = { name: 'kind', nativeType, type: { kind: 'text' }, isNullable: true };
  assert.throws(check({ ...rest, columns: [...columns, huge] }), {
    message: `a/b describes s.t with 3 fields, and the description takes more than 4 MiB of memory; the largest field is kind, whose type has ${nativeType.length} characters`,
    fix: /instead of an enum/,
  });
});
