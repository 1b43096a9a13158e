import assert from 'node:assert/strict';
import { test } from 'node:test';
import { manifests } from './catalog.ts';

test('a query of two statements is refused where manifests are read', () => {
  const sync = (query: string) => ({
    source: { dataSource: 'shop', query, key: ['id'] },
    destination: { dataSource: 'warehouse', table: 'items' },
    mode: 'Snapshot',
  });
  const found = (query: string) =>
    manifests.examine('Sync', sync(query), 'single').findings.map(({ path, message }) => [path, message]);
  assert.deepEqual(found('select 1; drop table items'), [
    ['spec.source.query', 'query has more than one statement'],
  ]);
  assert.deepEqual(found('select 1'), []);
});
