import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Document } from 'mongodb';
import type { z } from 'zod';
import { kindFindings } from './check.ts';
import { listIndexes } from './describe.ts';
import type { Session } from './session.ts';

test('an index over some documents, or by the order of a collation, proves nothing about all of them', async () => {
  const key = { k: 1 };
  const indexes: readonly Document[] = [
    { name: '_id_', key: { _id: 1 } },
    { name: 'all', key, unique: true },
    { name: 'sparse', key, unique: true, sparse: true },
    { name: 'partial', key, unique: true, partialFilterExpression: { k: { $gt: 0 } } },
    { name: 'collated', key, unique: true, collation: { locale: 'de' } },
    { name: 'not unique', key },
  ];
  const session = {
    ask: async <T>(_command: Document, form: z.ZodType<T>) => form.parse({ cursor: { firstBatch: indexes } }),
  } as unknown as Session;
  const unique = (await listIndexes(session, 'c')).filter(({ isUnique }) => isUnique);
  assert.deepEqual(
    unique.map(({ name }) => name),
    ['_id_', 'all'],
  );
});

test('documents are written only to collections that keep them as they are', () => {
  const found = (kind: 'collection' | 'view' | 'timeseries', options: Document) =>
    kindFindings({ name: 'c', kind, identity: undefined, options }, 'spec.destination.collection').map(
      ({ severity, code }) => `${severity} ${code}`,
    );
  assert.deepEqual(found('collection', {}), []);
  assert.deepEqual(found('collection', { validator: {} }), ['info TypeNote']);
  const refused = ['error NotATable'];
  assert.deepEqual(found('view', {}), refused);
  assert.deepEqual(found('timeseries', {}), refused);
  for (const options of [{ capped: true, size: 1 }, { encryptedFields: {} }])
    assert.deepEqual(found('collection', options), refused);
});
