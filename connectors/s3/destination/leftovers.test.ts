import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { installCrashHook } from '../../../core/crash-points.ts';
import { connector } from '../connector.ts';
import { batchOf, claimWith, planFor, signal, TestBucket, targetOf, twoColumns } from '../test-harness.ts';

let bucket: TestBucket;
before(async () => {
  bucket = await TestBucket.open();
});
after(() => {
  installCrashHook(undefined);
  return bucket?.stop();
});

const plan = planFor(twoColumns, null);
const opened = (prefix: string) => connector.openDestination(bucket.access, targetOf(prefix), signal);
const rowKeys = async (prefix: string) =>
  (await bucket.keys(prefix)).filter((key) => !key.includes('/_idra/'));

async function committedKeys(prefix: string): Promise<readonly string[]> {
  const { objects } = (await bucket.json(`${prefix}_idra/uid-1.json`)) as { objects: { key: string }[] };
  return objects.map(({ key }) => key).toSorted();
}

test('what an earlier claim of the same process has left is deleted by its next one', async () => {
  const prefix = 'again/';
  const destination = await opened(prefix);
  await claimWith(destination, plan);
  installCrashHook((point) => {
    if (point === 'commit:before') throw new Error('stopped here');
  });
  await assert.rejects(destination.write(batchOf([1], 1), signal), /stopped here/);
  installCrashHook(undefined);
  await claimWith(destination, plan);
  await destination.write(batchOf([1, 2], 2), signal);
  assert.equal((await rowKeys(prefix)).length, 1);
  await destination.beginPass({ pass: 1, isResumed: false, isAtomic: true }, signal);
  for (const id of [3, 4]) await destination.write(batchOf([id], id), signal);
  await destination.rest();
  await claimWith(destination, plan);
  await destination.beginPass({ pass: 1, isResumed: false, isAtomic: true }, signal);
  await destination.write(batchOf([3, 4, 5], 5), signal);
  await destination.endPass({ mode: 'Id', id: '5' }, signal);
  assert.deepEqual(await rowKeys(prefix), await committedKeys(prefix));
  await destination.close();
});

test('of two objects of one name, that of a stopped owner is deleted, and the committed one stays', async () => {
  const prefix = 'names/';
  const [stopped, owner, successor] = [await opened(prefix), await opened(prefix), await opened(prefix)];
  await claimWith(stopped, plan, { token: 1n });
  await claimWith(owner, plan, { token: 2n });
  await assert.rejects(stopped.write(batchOf([1], 1), signal), { disposition: 'fenced' });
  await owner.write(batchOf([1], 1), signal);
  const committed = await committedKeys(prefix);
  assert.equal((await rowKeys(prefix)).length, 2);
  await claimWith(successor, plan, { token: 3n });
  assert.deepEqual(await rowKeys(prefix), committed);
  await Promise.all([stopped.close(), owner.close(), successor.close()]);
});

test('no name of a leftover is used again: a deletion that is late would delete what is committed', async () => {
  const prefix = 'late/';
  const [stopped, owner] = [await opened(prefix), await opened(prefix)];
  await claimWith(stopped, plan, { token: 1n });
  installCrashHook((point) => {
    if (point === 'commit:before') throw new Error('stopped here');
  });
  await assert.rejects(stopped.write(batchOf([1], 1), signal), /stopped here/);
  installCrashHook(undefined);
  const left = await rowKeys(prefix);
  await claimWith(owner, plan, { token: 2n });
  await owner.write(batchOf([1], 1), signal);
  const committed = await committedKeys(prefix);
  assert.deepEqual([left.length, committed.length], [1, 1]);
  assert.notDeepEqual(committed, left);
  await Promise.all([stopped.close(), owner.close()]);
});
