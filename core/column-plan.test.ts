import assert from 'node:assert/strict';
import { test } from 'node:test';
import { planColumns, type TypeTable } from './column-plan.ts';
import type { Column, Relation } from './values.ts';

const column = (name: string, change: Partial<Column> = {}): Column => ({
  name,
  type: { kind: 'int', bits: 32 },
  nativeType: 'int',
  isNullable: false,
  ...change,
});
const relation = (...columns: Column[]): Relation => ({ name: 'a.t', columns, keys: [] });
const types: TypeTable = {
  columnFor: (type) => (type.kind === 'json' ? { refusal: 'json cannot be part of a key' } : { ddl: 'int' }),
  accepts: ({ nativeType }) =>
    nativeType === 'tiny' ? { isAccepted: false, reason: 'too narrow' } : { isAccepted: true },
  keyRefusal: () => undefined,
  orderOf: () => undefined,
  names: { maxLength: 6, unit: 'bytes', fold: (name) => name.toLowerCase(), partsOf: (name) => [name] },
};
const between = {
  isSameSystem: false,
  key: [],
  paths: { source: 'spec.source.table', destination: 'spec.destination.table' },
  columnsField: 'source.query',
};
const plan = (source: Relation, existing: Relation | null, schemaChanges: 'Fail' | 'AddColumns' = 'Fail') => {
  const { columns, findings, refused } = planColumns({
    source,
    existing,
    types,
    ...between,
    schemaChanges,
  });
  const errors = findings.filter((finding) => finding.severity === 'error');
  return { names: columns.map((each) => each.name), codes: errors.map((each) => each.code), refused };
};

test('a table without columns is refused with one error', () => {
  assert.deepEqual(plan(relation(), null), { names: [], codes: ['NoColumns'], refused: [] });
});

test('names that the destination would truncate, or treat as equal', () => {
  assert.deepEqual(plan(relation(column('id'), column('\u540d\u540d\u540d')), null).codes, ['NameTooLong']);
  assert.deepEqual(plan(relation(column('Id'), column('id'), column('x')), null).codes, ['NamesCollide']);
  const existing = relation(column('Id'));
  assert.deepEqual(plan(relation(column('Id'), column('ID')), existing, 'AddColumns').codes, [
    'NamesCollide',
  ]);
  // Columns of an existing table keep their names.
  const long = relation(column('long name'));
  assert.deepEqual(plan(long, long).codes, []);
});

test('a column that will be added is reported, because it is NULL in older rows', () => {
  const { findings } = planColumns({
    source: relation(column('id'), column('more')),
    existing: relation(column('id')),
    types,
    ...between,
    schemaChanges: 'AddColumns',
  });
  assert.deepEqual(
    findings.map(({ severity, code }) => [severity, code]),
    [['info', 'ColumnAdded']],
  );
});

test('a column that is too narrow has one finding, and does not count as missing', () => {
  const source = relation(column('id'), column('k'));
  const existing = relation(column('id'), column('k', { nativeType: 'tiny' }));
  assert.deepEqual(plan(source, existing), { names: ['id'], codes: ['ColumnTooNarrow'], refused: ['k'] });
});

test('a column that the destination computes is reported, with a higher severity if the source does not compute it', () => {
  const severityOf = (source: Column) =>
    planColumns({
      source: relation(column('id'), source),
      existing: relation(column('id'), column('total', { isGenerated: true })),
      types,
      ...between,
      schemaChanges: 'Fail',
    }).findings.map(({ severity, code }) => `${severity} ${code}`);
  assert.deepEqual(severityOf(column('total')), ['warning ColumnComputed']);
  assert.deepEqual(severityOf(column('total', { isGenerated: true })), ['info ColumnComputed']);
});

test('values that do not fit are a warning, except those that ordinary tables do not contain', () => {
  const severity = (isRare: boolean) =>
    planColumns({
      source: relation(column('id')),
      existing: null,
      types: { ...types, columnFor: () => ({ ddl: 'int', misfits: 'no NaN', ...(isRare && { isRare }) }) },
      ...between,
      schemaChanges: 'Fail',
    }).findings.map((each) => [each.code, each.severity]);
  assert.deepEqual(severity(false), [['TypeMisfits', 'warning']]);
  assert.deepEqual(severity(true), [['TypeMisfits', 'info']]);
});

test('a destination without own columns accepts all columns, and creates none', () => {
  const open: Relation = { ...relation(), hasOpenColumns: true };
  const { columns, findings } = planColumns({
    source: relation(column('id'), column('v', { isNullable: true })),
    existing: open,
    types,
    ...between,
    schemaChanges: 'Fail',
  });
  assert.deepEqual(findings, []);
  assert.deepEqual(
    columns.map(({ name, existing }) => [name, existing?.nativeType, existing?.isNullable]),
    [
      ['id', 'int', true],
      ['v', 'int', true],
    ],
  );
});
