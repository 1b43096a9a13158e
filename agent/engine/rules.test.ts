import assert from 'node:assert/strict';
import { test } from 'node:test';
import { types as mysql } from '../../connectors/mysql/types/types.ts';
import { types as postgres } from '../../connectors/postgres/types/types.ts';
import { sqlRemedies } from '../../connectors/sql/remedies.ts';
import { types as sqlite } from '../../connectors/sqlite/types/types.ts';
import type { PlannedColumn, TypeTable } from '../../core/column-plan.ts';
import type { SyncSpec } from '../../core/sync-spec.ts';
import type { Column, Relation } from '../../core/values.ts';
import { fieldFindings, hasSummerTime, missingField, timeZoneFindings } from './field-rules.ts';
import type { KeyInput } from './key-input.ts';
import { keyFindings } from './key-rules.ts';
import { ownTableFindings } from './own-table-findings.ts';
import { spec as orders } from './test-objects.ts';

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
  ...orders,
  source: { dataSource: 'a', table: 'public.orders', timeZone: 'UTC' },
  destination: { dataSource: 'b', table: 'x.y', existingRows: 'Refuse' },
  mode: 'Snapshot',
  schedule: { kind: 'continuous' },
  batch: { maxRows: 1, maxBytes: 1 },
};
const ofPostgres = {
  isSameSystem: true,
  types: { source: postgres, destination: postgres },
  capabilities: { hasSessionTimeZone: true },
  remedies: sqlRemedies('postgres'),
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

test('types of fields that a mode can read by', () => {
  const cases: [SyncSpec, string | undefined][] = [
    [spec('Id', { idField: 'id' }), undefined],
    [spec('Id', { idField: 'token' }), 'FieldNotOrdered'],
    [spec('Id', { idField: 'nr' }), 'FieldNotFound'],
    [spec('Id', { idField: 'maybe' }), 'FieldNullable'],
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
      ...ofPostgres,
      order: ['id'],
      timeZone: given.source.timeZone ?? 'UTC',
    });
    assert.equal(first?.code, code, JSON.stringify(given.source));
    assert.ok(!first || first.fix, 'says what to do');
  }
});

const keyInput: KeyInput = {
  spec: base,
  relation,
  existing: relation,
  sourceKey: ['id'],
  key: ['id'],
  columns: { columns: planned, findings: [], refused: [] },
  isSameSystem: true,
  remedies: { source: sqlRemedies('postgres'), destination: sqlRemedies('postgres') },
  sourceTypes: postgres,
};

test('the error for a missing field or key suggests the nearest column', () => {
  const missing = missingField(relation, 'sen', 'spec.source.timestampField');
  assert.match(missing.fix ?? '', /^did you mean seen\? It has: id, token/);
  const keyed = { ...base, destination: { ...base.destination, key: ['idd'] } };
  const [unknown] = keyFindings({ ...keyInput, spec: keyed, key: ['idd'] });
  assert.match(unknown?.fix ?? '', /^did you mean id\? The copied columns are: id, token/);
});

test('keys', () => {
  const withoutKeys = { ...relation, keys: [] };
  const code = (change: Partial<KeyInput>) => keyFindings({ ...keyInput, ...change })[0]?.code;
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
      columns: { ...keyInput.columns, columns: planned.filter((each) => each.name !== 'id') },
      key: [],
      spec: { ...base, writeMode: 'Append' },
    }),
    'KeyNotWritten',
  );
});

test('keys are refused if the destination takes different values for equal', () => {
  const nocase = (equality?: string) =>
    planned.map((each) =>
      each.name === 'id' && each.existing
        ? { ...each, existing: { ...each.existing, ...(equality && { equality }) } }
        : each,
    );
  const codes = (columns: PlannedColumn[], change: Partial<KeyInput> = {}) =>
    keyFindings({ ...keyInput, columns: { ...keyInput.columns, columns }, ...change }).map(
      (finding) => `${finding.severity} ${finding.code}`,
    );
  assert.deepEqual(codes(nocase()), []);
  assert.deepEqual(codes(nocase('mysql:utf8mb4_general_ci')), ['error KeyCoarser']);
  // An index of the table that is not the Sync's key also refuses rows.
  assert.deepEqual(codes(nocase('sqlite:NOCASE'), { spec: { ...base, writeMode: 'Append' }, key: [] }), [
    'error KeyCoarser',
  ]);
  const same = nocase('sqlite:NOCASE').map((each) => ({ ...each, source: each.existing ?? each.source }));
  assert.deepEqual(codes(same), []);
  // Permitted, but reported.
  const wide: Relation = { ...relation, keys: [{ name: 'pk', columns: ['id', 'token'], isPrimary: true }] };
  assert.deepEqual(codes(planned, { relation: wide, sourceKey: ['id', 'token'] }), ['warning KeyCoarser']);
  // The same if only source.key declares it a key: pages by a unique idField do not show whether two rows share it.
  const byOther: Relation = { ...relation, keys: [{ name: 'other', columns: ['token'], isPrimary: false }] };
  const byId = { ...base, mode: 'Id', source: { ...base.source, idField: 'token', key: ['id'] } } as const;
  const [finding] = keyFindings({ ...keyInput, relation: byOther, spec: byId });
  assert.equal(finding?.code, 'KeyCoarser');
  assert.match(finding?.fix ?? '', /\(token\)$/);
  // The pages of a view are checked in the order of the mode, which is not always that of the key alone.
  const view: Relation = { ...relation, keys: [], isOpaque: true };
  assert.deepEqual(codes(planned, { relation: view }), []);
  const byTime = spec('Timestamp', { timestampField: 'seen' });
  assert.deepEqual(codes(planned, { relation: view, spec: byTime }), ['warning KeyCoarser']);
});

test('a deferrable key is accepted for paging, and refused for upserts', () => {
  const deferrable: Relation = {
    ...relation,
    keys: [{ name: 'pk', columns: ['id'], isPrimary: true, isDeferrable: true }],
  };
  const [finding] = keyFindings({ ...keyInput, relation: deferrable, existing: deferrable });
  assert.equal(finding?.code, 'NoUniqueIndex');
  assert.match(finding?.message ?? '', /deferrable/);
  assert.deepEqual(keyFindings({ ...keyInput, relation: deferrable }), []);
});

test('an upsert into a column whose values cannot be changed is refused, unless it is the key', () => {
  const columns = planned.map((each) => ({ ...each, existing: { ...each.source, isNeverUpdated: true } }));
  const codes = keyFindings({ ...keyInput, columns: { ...keyInput.columns, columns } }).map(
    ({ code }) => code,
  );
  assert.deepEqual(codes, Array(planned.length - 1).fill('ColumnNotUpdated'));
});

test('keys that have no order are refused; problems that follow from a refused column are not reported', () => {
  const list: Relation = {
    ...relation,
    columns: [column('id', { kind: 'array', of: { kind: 'int', bits: 32 } })],
  };
  assert.equal(keyFindings({ ...keyInput, relation: list })[0]?.code, 'KeyNotOrdered');
  const refused: [Pick<TypeTable, 'keyRefusal'>, Column['type'], boolean][] = [
    [postgres, { kind: 'json' }, true],
    [postgres, { kind: 'other', system: 'postgres', name: 'inet' }, false],
    [postgres, { kind: 'other', system: 'postgres', name: 'public.pair' }, true],
    [postgres, { kind: 'other', system: 'postgres', name: 'point' }, true],
    [mysql, { kind: 'other', system: 'mysql', name: "set('a','b')" }, false],
    [mysql, { kind: 'other', system: 'mysql', name: 'geometry' }, true],
    [mysql, { kind: 'json' }, true],
    [sqlite, { kind: 'interval' }, true],
    [sqlite, { kind: 'json' }, true],
    [sqlite, { kind: 'untyped' }, false],
  ];
  for (const [types, type, isRefused] of refused)
    assert.equal(types.keyRefusal(column('id', type)) !== undefined, isRefused, JSON.stringify(type));
  const without = planned.filter((each) => each.name !== 'id');
  const left = { columns: without, findings: [], refused: ['id'] };
  assert.deepEqual(
    keyFindings({
      ...keyInput,
      columns: left,
      spec: { ...base, destination: { ...base.destination, key: ['id'] } },
    }),
    [],
  );
});

test('a time zone that sessions cannot have is reported', () => {
  const of = (field: string, timeZone: string, named = false) => {
    const given = spec('Timestamp', { timestampField: field });
    const { timeZone: _, ...source } = given.source;
    return timeZoneFindings({
      spec: named ? given : { ...given, source },
      relation,
      existing: null,
      planned,
      ...ofPostgres,
      order: ['id'],
      timeZone,
    }).map((finding) => finding.severity);
  };
  assert.deepEqual(of('at', 'Asia/Tokyo'), ['warning']);
  assert.deepEqual(of('at', '+09:00'), ['warning']);
  assert.deepEqual(of('at', 'Etc/UTC'), ['info']);
  assert.deepEqual(of('at', 'Asia/Tokyo', true), []);
  assert.deepEqual(of('seen', 'Asia/Tokyo'), []);
  assert.equal(hasSummerTime('+09:00'), false);
});

test('time zones with summer time are known', () => {
  assert.equal(hasSummerTime('Europe/Rome'), true);
  assert.equal(hasSummerTime('Australia/Sydney'), true);
  assert.equal(hasSummerTime('UTC'), false);
  assert.equal(hasSummerTime('Asia/Tokyo'), false);
});

test('a table of ours is refused by the name that the server reports', () => {
  const refused = ['_idra_commits', 'sales._IDRA_commits', '"a.b"."_idra_x.y"', 'shop._idra_shadow_0'];
  for (const name of refused) {
    const [finding] = ownTableFindings({ name }, 'spec.source.table', postgres.names);
    assert.deepEqual(
      [finding?.code, finding?.severity, finding?.path],
      ['OwnTableNamed', 'error', 'spec.source.table'],
      name,
    );
  }
  for (const name of ['_idra', 'idra_commits', 'x_idra_commits', '_idra_x.orders', 'query'])
    assert.deepEqual(ownTableFindings({ name }, 'spec.source.table', postgres.names), [], name);
});
