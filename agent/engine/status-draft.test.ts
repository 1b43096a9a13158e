import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Sync } from '../../core/sync-spec.ts';
import { emptyDraft, statusOf } from './status-draft.ts';

const input = {
  sync: { uid: 'u', generation: 1 } as Sync,
  ...{ agent: 'a', nowMs: 0, rowsPerSecond: 0 },
};

test('of very many parts, a status has those with most records waiting', () => {
  const parts = Array.from({ length: 300 }, (_, index) => ({
    ...{ name: `orders/${index}`, offset: '0', end: String(index), waiting: index },
  }));
  const shown = statusOf({ ...emptyDraft, parts }, input).parts ?? [];
  assert.deepEqual([shown.length, shown[0]?.name, shown.at(-1)?.name], [100, 'orders/299', 'orders/200']);
  const few = parts.slice(0, 3);
  assert.deepEqual(statusOf({ ...emptyDraft, parts: few }, input).parts, few);
  assert.equal(statusOf(emptyDraft, input).parts, undefined);
});
