import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import type { DataSource } from '../../core/sync-spec.ts';
import type { Slots } from '../../core/sync-store.ts';
import { dataSourceOf, syncOf } from '../test-objects.ts';
import { LocalSlots } from './local-slots.ts';

const never = new AbortController().signal;

test('slots of two data sources that are named in another order are acquired in the same order', async () => {
  const slots = new LocalSlots();
  const [shop, archive] = [dataSourceOf('shop', 1), dataSourceOf('archive', 1)];
  const taken: Slots[] = [];
  const take = (name: string, dataSources: readonly DataSource[]) =>
    slots.take(syncOf(name, { name }), dataSources, never).then((each) => taken.push(each));
  const both = [take('there', [shop, archive]), take('back', [archive, shop])];
  await setImmediate();
  assert.equal(taken.length, 1, 'each holds what the other waits for');
  await taken[0]?.release();
  await Promise.all(both);
});

test('a waiter for the scarcest slots holds none that others need', async () => {
  const slots = new LocalSlots();
  const [scarce, archive] = [dataSourceOf('shop', 1), dataSourceOf('archive', 2)];
  const take = (name: string, dataSources = [scarce, archive]) =>
    slots.take(syncOf(name, { name }), dataSources, never);
  const held = await take('first');
  const waiting = [take('second'), take('third')];
  const other = await take('other', [archive]);
  await held.release();
  await other.release();
  for (const each of waiting) await (await each).release();
  assert.equal(held.hasWaiters(), false);
});
