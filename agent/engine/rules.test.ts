import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PlannedColumn } from '../../core/column-plan.ts';
import type { SyncSpec } from '../../core/sync-spec.ts';
import type { Column, Relation } from '../../core/values.ts';
import { fieldFindings, hasSummerTime } from './field-rules.ts';
import { keyFindings } from './key-rules.ts';

const column = (name: string, type: Column['type'], change: Partial<Column> = {}): Column => ({
  name,
  type,
  nativeType: type.kind,
  isNullable: false,
  ...change,
});
const columns = [
  column('id', { kind: 'int', bits: 64 }),
  column('token', { kind: 'uuid' }),
  column('at', { kind: 'timestamp', precision: 6, hasZone: false }),
  column('seen', { kind: 'timestamp', precision: 6, hasZone: true }),
  column('maybe', { kind: 'int', bits: 32 }, { isNullable: true }),
];
const relation: Relation = {
  name: 'public.orders',
  columns,
  keys: [{ name: 'pk', columns: ['id'], isPrimary: true }],
};
const planned: PlannedColumn[] = columns.map((source) => ({
  source,
  name: source.name,
  existing: source,
  ddl: source.nativeType,
  isNullable: source.isNullable,
}));
const base: SyncSpec = {
  source: { dataSource: 'a', table: 'public.orders', timeZone: 'UTC' },
  destination: { dataSource: 'b', table: 'x.y', existingRows: 'Refuse' },
  mode: 'Snapshot',
  writeMode: 'Upsert',
  schedule: { kind: 'continuous' },
  batch: { maxRows: 1, maxBytes: 1 },
  isSuspended: false,
  createTable: 'IfMissing',
  schemaChanges: 'Fail',
  onError: 'Stop',
  redactsKeys: false,
  placement: { agentSelector: {} },
};
const spec = (
  mode: SyncSpec['mode'],
  source: Partial<SyncSpec['source']>,
  more: Partial<SyncSpec> = {},
): SyncSpec => ({
  ...base,
  mode,
  source: { ...base.source, ...source },
  ...more,
});

test('fields that a mode reads by', () => {
  const cases: [SyncSpec, string | undefined][] = [
    [spec('Id', { idField: 'id' }), undefined],
    [spec('Id', { idField: 'token' }), 'FieldNotOrdered'],
    [spec('Id', { idField: 'nr' }), 'FieldNotFound'],
    [spec('Timestamp', { timestampField: 'seen' }), undefined],
    [spec('Timestamp', { timestampField: 'id' }), 'FieldNotTimestamp'],
    [spec('Timestamp', { timestampField: 'at', timeZone: 'Europe/Rome' }), 'SummerTime'],
    [
      spec('Timestamp', { timestampField: 'at', timeZone: 'Europe/Rome' }, { safetyLagMs: 3_600_000 }),
      undefined,
    ],
    [spec('Timestamp', { timestampField: 'seen', timeZone: 'Europe/Rome' }), undefined],
    [spec('LastDestinationId', { idField: 'id' }), undefined],
  ];
  for (const [given, code] of cases) {
    const [first] = fieldFindings({
      spec: given,
      relation,
      existing: relation,
      planned,
      sourceType: 'postgres',
      timeZone: given.source.timeZone ?? 'UTC',
    });
    assert.equal(first?.code, code, JSON.stringify(given.source));
    assert.ok(!first || first.mend, 'says what to do');
  }
});

test('LastDestination* wants the very same field at the destination', () => {
  const narrower = planned.map((each) =>
    each.name === 'seen'
      ? { ...each, existing: column('seen', { kind: 'timestamp', precision: 3, hasZone: true }) }
      : each,
  );
  const given = spec('LastDestinationTimestamp', { timestampField: 'seen' });
  assert.equal(
    fieldFindings({
      spec: given,
      relation,
      existing: relation,
      planned: narrower,
      sourceType: 'postgres',
      timeZone: 'UTC',
    })[0]?.code,
    'DestinationFieldDiffers',
  );
});

test('keys', () => {
  const withoutKeys = { ...relation, keys: [] };
  const code = (change: Partial<Parameters<typeof keyFindings>[0]>) =>
    keyFindings({
      spec: base,
      relation,
      existing: relation,
      sourceKey: ['id'],
      key: ['id'],
      planned,
      ...change,
    })[0]?.code;
  assert.equal(code({}), undefined);
  assert.equal(code({ relation: withoutKeys, existing: null, sourceKey: [], key: [] }), 'KeyMissing');
  assert.equal(code({ existing: withoutKeys }), 'NoUniqueIndex');
  assert.equal(code({ sourceKey: ['maybe'], key: ['id'] }), 'KeyNullable');
  assert.equal(
    code({ spec: spec('Timestamp', { timestampField: 'seen' }, { writeMode: 'Append' }) }),
    'HistoryNeedsNoKey',
  );
  assert.equal(
    code({
      planned: planned.filter((each) => each.name !== 'id'),
      key: [],
      spec: { ...base, writeMode: 'Append' },
    }),
    'KeyNotWritten',
  );
});

test('zones with summer time are known', () => {
  assert.equal(hasSummerTime('Europe/Rome'), true);
  assert.equal(hasSummerTime('Australia/Sydney'), true);
  assert.equal(hasSummerTime('UTC'), false);
  assert.equal(hasSummerTime('Asia/Tokyo'), false);
});
