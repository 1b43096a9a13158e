import assert from 'node:assert/strict';
import { test } from 'node:test';
import { definitionOf } from '../../connectors/catalog.ts';
import type { Definition } from '../../core/definition.ts';
import type { SyncSpec } from '../../core/sync-spec.ts';
import { requireCapable } from './capabilities.ts';

const spec = (deletes: SyncSpec['deletes']) =>
  ({
    source: { dataSource: 'from', collection: 'orders' },
    destination: { dataSource: 'to', table: 'orders', existingRows: 'Refuse' },
    mode: 'Stream',
    writeMode: 'Upsert',
    deletes,
  }) as SyncSpec;

test('deletions are refused by a destination that does not apply them: they would arrive as rows', () => {
  const source = definitionOf('mongodb');
  const able = definitionOf('sqlserver');
  const { destination } = able.capabilities;
  const unable = {
    ...able,
    capabilities: { ...able.capabilities, destination: { ...destination, canDelete: false } },
  };
  const to = (one: Definition, deletes: SyncSpec['deletes']) => () =>
    requireCapable(spec(deletes), { source, destination: one });
  for (const deletes of ['Hard', 'Soft'] as const) {
    assert.throws(to(unable, deletes), { code: 'DeletesNotOffered', path: 'spec.deletes' });
    for (const type of ['postgres', 'mysql', 'sqlite', 'sqlserver'])
      assert.doesNotThrow(to(definitionOf(type), deletes));
  }
  assert.doesNotThrow(to(unable, 'Ignore'));
});
