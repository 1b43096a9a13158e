import assert from 'node:assert/strict';
import { test } from 'node:test';
import { withinNamespaces } from './watched-namespaces.ts';

const reader = { readSync: () => 'sync', readDataSource: () => 'data source' } as never;
const objectIn = (namespace: string) => ({ namespace, name: 'orders', uid: 'u', generation: 1, spec: {} });

test('manifests of namespaces that are not watched are not read', () => {
  const within = withinNamespaces(reader, ['team-a']);
  assert.equal(within.readSync(objectIn('team-a')), 'sync');
  assert.equal(within.readDataSource(objectIn('team-a')), 'data source');
  assert.throws(() => within.readSync(objectIn('team-b')), { code: 'NamespaceNotWatched' });
  assert.throws(() => within.readDataSource(objectIn('team-b')), { code: 'NamespaceNotWatched' });
});

test('without a list all namespaces are watched', () => {
  assert.equal(withinNamespaces(reader, []).readSync(objectIn('team-b')), 'sync');
});
