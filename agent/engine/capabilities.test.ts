import assert from 'node:assert/strict';
import { test } from 'node:test';
import { definitionOf } from '../../connectors/catalog.ts';
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
  const to = (type: string, deletes: SyncSpec['deletes']) => () =>
    requireCapable(spec(deletes), { source, destination: definitionOf(type) });
  for (const deletes of ['Hard', 'Soft'] as const) {
    assert.throws(to('sqlserver', deletes), { code: 'DeletesNotOffered', path: 'spec.deletes' });
    assert.doesNotThrow(to('postgres', deletes));
  }
  assert.doesNotThrow(to('sqlserver', 'Ignore'));
});
