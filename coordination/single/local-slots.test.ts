import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import type { DataSource } from '../../core/sync-spec.ts';
import type { Places } from '../../core/sync-store.ts';
import { dataSourceOf, syncOf } from '../test-objects.ts';
import { LocalPlaces } from './local-slots.ts';

const never = new AbortController().signal;

test('whoever names two data sources in another order than others takes them in the same one', async () => {
  const places = new LocalPlaces();
  const [shop, archive] = [dataSourceOf('shop', 1), dataSourceOf('archive', 1)];
  const taken: Places[] = [];
  const take = (name: string, dataSources: readonly DataSource[]) =>
    places.take(syncOf(name, { name }), dataSources, never).then((each) => taken.push(each));
  const both = [take('there', [shop, archive]), take('back', [archive, shop])];
  await setImmediate();
  assert.equal(taken.length, 1, 'each holds what the other waits for');
  await taken[0]?.release();
  await Promise.all(both);
});

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
