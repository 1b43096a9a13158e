import assert from 'node:assert/strict';
import { test } from 'node:test';
import { spellingsOf } from './commit-table.ts';

test('a table is the same with its schema and without it', () => {
  const orders = ['orders', 'public.orders'];
  assert.deepEqual(spellingsOf('public', 'orders'), orders);
  assert.deepEqual(spellingsOf('public', 'public.orders'), orders);
  assert.deepEqual(spellingsOf('public', 'public."or.ders"'), ['"or.ders"', 'public."or.ders"']);
});
