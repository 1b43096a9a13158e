import assert from 'node:assert/strict';
import { test } from 'node:test';
import { managedByAnnotation } from '../../core/manifest/names.ts';
import type { KubernetesObject } from '../runtime/objects.ts';
import { syncs } from './objects.ts';
import { Ownership } from './ownership.ts';

const objectOf = (owner: string | undefined, more: Partial<KubernetesObject['metadata']> = {}) => ({
  metadata: {
    namespace: 'team',
    name: 'orders',
    uid: 'u',
    resourceVersion: '7',
    ...(owner !== undefined && { annotations: { [managedByAnnotation]: owner } }),
    ...more,
  },
});
const made = () => {
  const patches: unknown[] = [];
  const patch = async (_resource: unknown, _ref: unknown, body: unknown) => {
    patches.push(body);
    return body;
  };
  return { patches, ownership: new Ownership({ patch } as never, 'idra/idra') };
};

test('an object of another installation is not touched; one without an installation is claimed together with the finalizer', async () => {
  const { ownership, patches } = made();
  assert.equal(ownership.foreignOwner(objectOf('other/idra')), 'other/idra');
  assert.equal(ownership.foreignOwner(objectOf('idra/idra')), undefined);
  assert.equal(ownership.foreignOwner(objectOf(undefined)), undefined);
  await ownership.claim(syncs, objectOf(undefined), new AbortController().signal);
  const annotations = { [managedByAnnotation]: 'idra/idra' };
  assert.deepEqual(patches, [
    { metadata: { resourceVersion: '7', finalizers: ['idra.dev/cleanup'], annotations } },
  ]);
});

test('an object that is being deleted gets no finalizer; one that already has it is claimed', async () => {
  const { ownership, patches } = made();
  const deletionTimestamp = '2026-11-26T08:00:00Z';
  const { signal } = new AbortController();
  await ownership.claim(syncs, objectOf(undefined, { deletionTimestamp }), signal);
  assert.deepEqual(patches, []);
  const finalizers = ['idra.dev/cleanup'];
  await ownership.claim(syncs, objectOf(undefined, { deletionTimestamp, finalizers }), signal);
  assert.equal(patches.length, 1);
});

test('in a namespace whose objects all belong to another installation, new objects are left to that one', () => {
  const { ownership } = made();
  const theirs = objectOf('other/idra');
  const change = (before?: KubernetesObject, after?: KubernetesObject) =>
    ownership.change({ key: 'team/x', before, after });
  assert.equal(change(undefined, theirs), false);
  assert.equal(ownership.foreignOwner(objectOf(undefined)), 'other/idra');
  assert.equal(ownership.foreignOwner(objectOf(undefined, { namespace: 'elsewhere' })), undefined);
  change(undefined, objectOf('idra/idra'));
  assert.equal(ownership.foreignOwner(objectOf(undefined)), undefined);
  change(objectOf('idra/idra'), undefined);
  assert.equal(change(theirs, objectOf(undefined)), true);
  assert.equal(ownership.foreignOwner(objectOf(undefined)), undefined);
});
