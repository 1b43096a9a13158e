import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CommitRow } from '../../core/connector.ts';
import { IdraError } from '../../core/errors.ts';
import type { DataSource, Sync, SyncSpec } from '../../core/sync-spec.ts';
import { type AdmitInput, admit, meaningOf, otherWriters } from './meaning.ts';

const spec: SyncSpec = {
  source: { dataSource: 'shop', table: 'public.orders', idField: 'id', timeZone: 'UTC' },
  destination: { dataSource: 'warehouse', table: 'sales.orders', existingRows: 'Refuse' },
  mode: 'Id',
  writeMode: 'Upsert',
  schedule: { kind: 'every', everyMs: 10_000 },
  batch: { maxRows: 100, maxBytes: 1_000 },
  isSuspended: false,
  createTable: 'IfMissing',
  schemaChanges: 'Fail',
  onError: 'Stop',
  redactsKeys: false,
  placement: { agentSelector: {} },
};
const sync: Sync = { uid: 'u1', namespace: 'a', name: 'orders', generation: 1, spec };
const dataSource = (name: string, host: string): DataSource => ({
  uid: name,
  namespace: 'a',
  name,
  generation: 1,
  spec: {
    type: 'postgres',
    config: { host, port: 5432, database: name, user: 'idra' },
    placement: { agentSelector: {} },
  },
});
const row = (change: Partial<CommitRow> = {}): CommitRow => ({
  uid: 'u1',
  table: 'sales.orders',
  name: 'a/orders',
  meaning: 'm',
  token: 5n,
  offset: null,
  rows: 0,
  isClosed: false,
  time: '2026-11-24T00:00:00Z',
  ...change,
});
const input = (change: Partial<AdmitInput> = {}): AdmitInput => ({
  sync,
  meaning: 'm',
  rows: [],
  table: 'sales.orders',
  hasRows: false,
  decision: undefined,
  ...change,
});
const append = { ...sync, spec: { ...spec, writeMode: 'Append' as const } };

test('admission by what the destination holds', () => {
  const cases: [string, AdmitInput, string][] = [
    ['nothing there', input(), 'start'],
    ['own row of the same meaning', input({ rows: [row()], hasRows: true }), 'go-on'],
    ['own row of another meaning', input({ rows: [row({ meaning: 'old' })] }), 'OffsetNoLongerFits'],
    ['the same, told to keep', input({ rows: [row({ meaning: 'old' })], decision: 'keep-offset' }), 'go-on'],
    ['the same, told to restart', input({ rows: [row({ meaning: 'old' })], decision: 'restart' }), 'start'],
    ['a namesake with another uid', input({ rows: [row({ uid: 'u0' })] }), 'OffsetNoLongerFits'],
    ['the same, told to keep', input({ rows: [row({ uid: 'u0' })], decision: 'keep-offset' }), 'adopt'],
    ['a closed namesake', input({ rows: [row({ uid: 'u0', isClosed: true })] }), 'start'],
    ['own row, closed', input({ rows: [row({ isClosed: true })] }), 'start'],
    [
      'own row for another table',
      input({ rows: [row({ table: 'sales.old', meaning: 'old' })] }),
      'OffsetNoLongerFits',
    ],
    ['Append onto rows', input({ sync: append, hasRows: true }), 'DestinationNotEmpty'],
    ['Append onto rows of its own', input({ sync: append, hasRows: true, rows: [row()] }), 'go-on'],
    ['Upsert onto rows', input({ hasRows: true }), 'start'],
    [
      'Append onto rows that are to be kept',
      input({
        hasRows: true,
        sync: {
          ...append,
          spec: { ...append.spec, destination: { ...spec.destination, existingRows: 'Keep' } },
        },
      }),
      'start',
    ],
  ];
  for (const [name, given, expected] of cases) assert.equal(outcome(given), expected, name);
});

function outcome(given: AdmitInput): string {
  try {
    return admit(given).kind;
  } catch (error) {
    assert.ok(error instanceof IdraError && error.mend, 'the refusal says what to do');
    return error.code;
  }
}

test('the meaning changes with what an offset means, and with nothing else', () => {
  const [shop, warehouse] = [dataSource('shop', 'one'), dataSource('warehouse', 'two')];
  const base = meaningOf(sync, shop, warehouse);
  const same: Sync[] = [
    { ...sync, spec: { ...spec, batch: { maxRows: 1, maxBytes: 1 } } },
    { ...sync, spec: { ...spec, isSuspended: true, schedule: { kind: 'continuous' } } },
    { ...sync, generation: 7 },
  ];
  for (const each of same) assert.equal(meaningOf(each, shop, warehouse), base);
  const others: Sync[] = [
    { ...sync, spec: { ...spec, mode: 'Snapshot' } },
    { ...sync, spec: { ...spec, source: { ...spec.source, table: 'public.other' } } },
    { ...sync, spec: { ...spec, source: { ...spec.source, idField: 'nr' } } },
    { ...sync, spec: { ...spec, destination: { ...spec.destination, table: 'sales.other' } } },
    { ...sync, spec: { ...spec, destination: { ...spec.destination, key: ['nr'] } } },
  ];
  for (const each of others) assert.notEqual(meaningOf(each, shop, warehouse), base);
  assert.notEqual(meaningOf(sync, dataSource('shop', 'elsewhere'), warehouse), base);
  const otherUser = { ...shop, spec: { ...shop.spec, config: { ...shop.spec.config, user: 'other' } } };
  assert.equal(meaningOf(sync, otherUser, warehouse), base);
});

test('other open syncs on the table are told', () => {
  const rows = [
    row(),
    row({ uid: 'u2', name: 'b/copy' }),
    row({ uid: 'u3', name: 'b/gone', isClosed: true }),
    row({ uid: 'u4', name: 'c/x', table: 'sales.x' }),
  ];
  assert.deepEqual(otherWriters(rows, sync, 'sales.orders'), ['b/copy']);
});
