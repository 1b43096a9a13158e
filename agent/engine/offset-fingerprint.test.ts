import assert from 'node:assert/strict';
import { test } from 'node:test';
import { definitionOf } from '../../connectors/catalog.ts';
import type { DataSource, Sync } from '../../core/sync-spec.ts';
import { addressesOf, offsetFingerprint, otherWriters } from './offset-fingerprint.ts';
import { row, spec, sync } from './test-objects.ts';

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
test('the fingerprint depends only on settings that determine what an offset refers to', () => {
  const [shop, warehouse] = [dataSource('shop', 'one'), dataSource('warehouse', 'two')];
  const fingerprint = (of: Sync, source = shop) =>
    offsetFingerprint(of, addressesOf({ source, destination: warehouse, definitionOf }));
  const base = fingerprint(sync);
  const same: Sync[] = [
    { ...sync, spec: { ...spec, batch: { maxRows: 1, maxBytes: 1 } } },
    { ...sync, spec: { ...spec, isSuspended: true, schedule: { kind: 'continuous' } } },
    { ...sync, generation: 7 },
  ];
  for (const each of same) assert.equal(fingerprint(each), base);
  const others: Sync[] = [
    { ...sync, spec: { ...spec, mode: 'Snapshot' } },
    { ...sync, spec: { ...spec, source: { ...spec.source, table: 'public.other' } } },
    { ...sync, spec: { ...spec, source: { ...spec.source, idField: 'nr' } } },
    { ...sync, spec: { ...spec, destination: { ...spec.destination, table: 'sales.other' } } },
    { ...sync, spec: { ...spec, destination: { ...spec.destination, key: ['nr'] } } },
  ];
  for (const each of others) assert.notEqual(fingerprint(each), base);
  assert.notEqual(fingerprint(sync, dataSource('shop', 'elsewhere')), base);
  const otherUser = { ...shop, spec: { ...shop.spec, config: { ...shop.spec.config, user: 'other' } } };
  assert.equal(fingerprint(sync, otherUser), base);
});

test('other open Syncs on the table are reported', () => {
  const rows = [
    row(),
    row({ uid: 'u2', name: 'b/copy' }),
    row({ uid: 'u3', name: 'b/gone', isClosed: true }),
    row({ uid: 'u4', name: 'c/x', table: 'orders' }),
  ];
  assert.deepEqual(otherWriters(rows, sync), ['b/copy', 'c/x']);
});

test('fingerprints are the same in every version', () => {
  const sqlite = (path: string) => ({
    ...dataSource('a', ''),
    spec: { ...dataSource('a', '').spec, type: 'sqlite', config: { path } },
  });
  const of = (source: DataSource, destination: DataSource) =>
    offsetFingerprint(sync, addressesOf({ source, destination, definitionOf }));
  assert.deepEqual(
    [of(dataSource('shop', 'one'), dataSource('warehouse', 'two')), of(sqlite('/a.db'), sqlite('/b.db'))],
    [
      'd2317493146544e8a2100008125cd1b841b8e352cce848ae580ae35bab7b71ab',
      '4851956f2a1adbabd1e8485e0a8945ee1be98997b5f5fda46b83fb619397e7f8',
    ],
  );
});
