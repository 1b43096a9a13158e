import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sqlRemedies } from '../../connectors/sql/remedies.ts';
import type { SyncSpec } from '../../core/sync-spec.ts';
import type { Relation } from '../../core/values.ts';
import { readOrder } from './read-order.ts';

const table: Relation = {
  name: 'public.orders',
  columns: [],
  keys: [{ name: 'pk', columns: ['region', 'id'], isPrimary: true }],
};
const view: Relation = { ...table, keys: [], isOpaque: true };
const specOf = (mode: SyncSpec['mode'], source: Partial<SyncSpec['source']>): SyncSpec =>
  ({ mode, source: { dataSource: 'a', ...source } }) as SyncSpec;

const cases: [
  string,
  SyncSpec['mode'],
  Partial<SyncSpec['source']>,
  Relation,
  string[],
  string[],
  string[],
][] = [
  ['a Snapshot by the primary key', 'Snapshot', {}, table, ['region', 'id'], ['region', 'id'], []],
  ['a Snapshot by what no index makes unique', 'Snapshot', {}, table, ['id'], ['id'], ['error KeyNotUnique']],
  ['a Snapshot of a view', 'Snapshot', {}, view, ['id'], ['id'], []],
  ['a Snapshot without a key is one statement', 'Snapshot', {}, view, [], [], []],
  [
    'a unique id',
    'Id',
    { idField: 'nr' },
    { ...table, keys: [{ name: 'u', columns: ['nr'], isPrimary: false }] },
    ['id'],
    ['nr'],
    [],
  ],
  [
    'an id that is not unique, with a key',
    'Id',
    { idField: 'nr' },
    table,
    ['region', 'id'],
    ['nr', 'region', 'id'],
    ['warning IdNotUnique'],
  ],
  [
    'an id that is a part of the key',
    'Id',
    { idField: 'id' },
    table,
    ['region', 'id'],
    ['id', 'region'],
    ['warning IdNotUnique'],
  ],
  [
    'an id that is not unique, without a key',
    'LastDestinationId',
    { idField: 'nr' },
    { ...table, keys: [] },
    [],
    ['nr'],
    ['error KeyNotUnique'],
  ],
  ['an id of a query', 'Id', { idField: 'nr', query: 'select' }, { ...view }, ['id'], ['nr', 'id'], []],
  [
    'a timestamp and the key',
    'Timestamp',
    { timestampField: 'at' },
    table,
    ['id', 'region'],
    ['id', 'region'],
    [],
  ],
  [
    'a timestamp and a part of the key',
    'Timestamp',
    { timestampField: 'at' },
    table,
    ['id'],
    ['id'],
    ['error KeyNotUnique'],
  ],
  [
    'a timestamp that is a part of the key',
    'Timestamp',
    { timestampField: 'id' },
    table,
    ['region'],
    ['region'],
    [],
  ],
];

for (const [name, mode, source, relation, sourceKey, key, findings] of cases) {
  test(name, () => {
    const order = readOrder({
      spec: specOf(mode, source),
      relation,
      sourceKey,
      remedies: sqlRemedies('mysql'),
    });
    assert.deepEqual(order.key, key);
    assert.deepEqual(
      order.findings.map((finding) => `${finding.severity} ${finding.code}`),
      findings,
    );
    for (const finding of order.findings)
      assert.match(finding.fix ?? '', /ALTER TABLE public.orders ADD UNIQUE/);
  });
}
