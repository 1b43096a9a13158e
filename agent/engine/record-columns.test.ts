import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Definition } from '../../core/definition.ts';
import { encodeOffset } from '../../core/offset.ts';
import { infersColumns, readsWholeRecords, requireStoredColumns, withAdded } from './record-columns.ts';
import { spec } from './test-objects.ts';

const column = (name: string) => ({ name, path: name, type: 'text', nullable: true });
const [a, b, c] = [column('a'), column('b'), column('c')];
const source = { name: 'orders', columns: [], keys: [] };

test('added columns go behind the stored ones, each once', () => {
  assert.deepEqual(withAdded([a, b], [b, c]), [a, b, c]);
  assert.deepEqual(withAdded(undefined, [a, c]), [a, c]);
  assert.equal(withAdded(undefined, []), undefined);
});

test('a plan by other columns than those of the claimed offset is made again', () => {
  const offset = encodeOffset({ mode: 'Stream', token: 't', columns: [a, b] });
  requireStoredColumns({ source, inferred: [a, b] }, offset, []);
  requireStoredColumns({ source, inferred: [a, b, c] }, offset, [a, b, c]);
  requireStoredColumns({ source, inferred: [c] }, null, []);
  // The Sync names columns: they need not be stored.
  requireStoredColumns({ source }, offset, []);
  assert.throws(() => requireStoredColumns({ source, inferred: [a, c] }, offset, []), {
    code: 'SchemaChanged',
  });
});

test('records travel whole only between two systems of one kind, if nothing asks for columns', () => {
  const of = (type: string, readsWholeRecords = true) =>
    ({
      type,
      capabilities: { source: { hasFixedColumns: false, ...(readsWholeRecords && { readsWholeRecords }) } },
    }) as unknown as Definition;
  const same = { source: of('x'), destination: of('x') };
  assert.deepEqual([readsWholeRecords(spec, same), infersColumns(spec, same)], [true, false]);
  assert.equal(readsWholeRecords(spec, { source: of('x'), destination: of('y') }), false);
  assert.equal(readsWholeRecords(spec, { source: of('x', false), destination: of('x') }), false);
  assert.equal(readsWholeRecords({ ...spec, deletes: 'Soft' }, same), false);
  for (const more of [{ columns: [a] }, { metadata: ['offset'] }]) {
    const asking = { ...spec, source: { ...spec.source, ...more } };
    assert.equal(readsWholeRecords(asking, same), false);
  }
});
