import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import type { Batch, RowList } from '../../../core/batch.ts';
import type { Row } from '../../../core/values.ts';
import { connector } from '../connector.ts';
import { batchOf, claimWith, planFor, signal, TestBucket, targetOf, twoColumns } from '../test-harness.ts';

let bucket: TestBucket;
before(async () => {
  bucket = await TestBucket.open();
});
after(() => bucket?.stop());

/** Rows that are encoded in several turns. `seen` is called for each. */
function manyRows(seen: (id: number) => void): Batch {
  const rowCount = 20_000;
  function* made(): Generator<Row> {
    for (let id = 1; id <= rowCount; id++) {
      seen(id);
      yield [BigInt(id), `row ${id}`];
    }
  }
  const rows: RowList = { length: rowCount, at: () => undefined, [Symbol.iterator]: made };
  return { ...batchOf([], rowCount), rows: { format: 'values', rows }, rowCount };
}

const keysIn = async (prefix: string) => (await bucket.keys(prefix)).filter((key) => !key.endsWith('.json'));

test('the intent of a batch is stored before its object, while its rows are encoded', async () => {
  const destination = await connector.openDestination(bucket.access, targetOf('intent/'), signal);
  await claimWith(destination, planFor(twoColumns, null));
  let intents: Promise<readonly string[]> | undefined;
  const batch = manyRows((id) => {
    if (id === 20_000) intents = keysIn('intent/');
  });
  await destination.write(batch, signal);
  for (const key of (await intents) ?? []) assert.match(key, /\/_idra\/uid-1\/intent-[0-9a-f]{16}-0$/);
  const [intent = '', ...objects] = await keysIn('intent/');
  assert.deepEqual((await bucket.json(intent)).keys, objects);
  await destination.close();
});

test('a batch whose intent cannot be stored fails, and nothing is written', async () => {
  const destination = await connector.openDestination(bucket.access, targetOf('failed/'), signal);
  await claimWith(destination, planFor(twoColumns, null));
  const stop = new AbortController();
  const batch = manyRows((id) => {
    if (id === 10) stop.abort(new Error('stopped here'));
  });
  await assert.rejects(destination.write(batch, stop.signal), /stopped here/);
  // A rejection that nobody awaits would end the process by now.
  await pause(0);
  const objects = (await keysIn('failed/')).filter((key) => !key.includes('/_idra/'));
  assert.deepEqual(objects, []);
  await destination.close();
});

test('a batch that becomes more objects than its size promised has an intent for each', async () => {
  const object = targetOf('more/', { objectSize: '1Ki' });
  const destination = await connector.openDestination(bucket.access, object, signal);
  await claimWith(destination, planFor(twoColumns, null));
  const ids = Array.from({ length: 50 }, (_, index) => index + 1);
  await destination.write(batchOf(ids, 50), signal);
  const [intent = '', ...objects] = await keysIn('more/');
  assert.equal(objects.length, 2);
  assert.deepEqual((await bucket.json(intent)).keys, objects);
  await destination.close();
});

test('each batch of a pass that is committed as a whole has its own intent, until the pass is', async () => {
  const open = () => connector.openDestination(bucket.access, targetOf('whole/'), signal);
  const plan = planFor(twoColumns, null);
  const [destination, successor] = [await open(), await open()];
  await claimWith(destination, plan);
  await destination.beginPass({ pass: 1, isResumed: false, isAtomic: true }, signal);
  for (const id of [1, 2]) await destination.write(batchOf([id], 1), signal);
  assert.equal((await keysIn('whole/_idra/')).length, 2);
  await claimWith(successor, plan);
  assert.deepEqual(
    (await keysIn('whole/')).filter((key) => !key.includes('/_idra/')),
    [],
  );
  await successor.beginPass({ pass: 1, isResumed: false, isAtomic: true }, signal);
  for (const id of [1, 2]) await successor.write(batchOf([id], 1), signal);
  await successor.endPass(null, signal);
  // Those of the owner before it.
  assert.equal((await keysIn('whole/_idra/')).length, 2);
  await Promise.all([destination.close(), successor.close()]);
});
