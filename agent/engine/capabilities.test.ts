import assert from 'node:assert/strict';
import { test } from 'node:test';
import { definitionOf } from '../../connectors/catalog.ts';
import type { Definition } from '../../core/definition.ts';
import type { DataSource, SyncSpec } from '../../core/sync-spec.ts';
import { requireCapable, requireNoLoop } from './capabilities.ts';

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

test('Upsert of objects is refused, with the reason', () => {
  const objects = {
    ...spec('Ignore'),
    destination: { dataSource: 'to', prefix: 'a/', existingRows: 'Refuse' },
  } as const;
  const upsert = () =>
    requireCapable(objects, { source: definitionOf('mongodb'), destination: definitionOf('s3') });
  assert.throws(upsert, {
    code: 'WriteModeNotOffered',
    message: /because an object cannot be changed in place/,
  });
});

test('a prefix that contains that of the other end is refused, in the same bucket', () => {
  const s3 = definitionOf('s3');
  const bucket = (name: string): DataSource => ({
    name,
    namespace: 'default',
    uid: name,
    generation: 1,
    spec: {
      type: 's3',
      config: { bucket: name, endpoint: 'http://s3:9000' },
      maxConcurrentSyncs: 8,
      placement: { agentSelector: {} },
    },
  });
  const loop = (from: string, to: string, other = 'lake') => {
    const source = { dataSource: 'lake', prefix: from };
    const destination = { dataSource: 'other', prefix: to, existingRows: 'Refuse' } as const;
    const ends = { source: bucket('lake'), destination: bucket(other) };
    requireNoLoop({ spec: { ...spec('Ignore'), source, destination } }, ends, {
      source: s3,
      destination: s3,
    });
  };
  for (const [from, to] of [
    ['in/', 'in/out/'],
    ['in/out/', 'in/'],
    ['in/', 'in/'],
    ['', 'out/'],
  ] as const) {
    assert.throws(() => loop(from, to), { code: 'OwnRowsRead', path: 'spec.destination.prefix' });
    loop(from, to, 'elsewhere');
  }
  loop('in/', 'out/');
});
