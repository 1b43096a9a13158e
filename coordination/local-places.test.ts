import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LocalPlaces } from './local-places.ts';
import { dataSourceOf, syncOf } from './test-objects.ts';

const never = new AbortController().signal;

test('who waits for the scarcest places holds none that others want', async () => {
  const places = new LocalPlaces();
  const [scarce, archive] = [dataSourceOf('shop', 1), dataSourceOf('archive', 2)];
  const take = (name: string, dataSources = [scarce, archive]) =>
    places.take(syncOf(name, { name }), dataSources, never);
  const held = await take('first');
  const waiting = [take('second'), take('third')];
  const other = await take('other', [archive]);
  await held.release();
  await other.release();
  for (const each of waiting) await (await each).release();
  assert.equal(held.hasWaiters(), false);
});
