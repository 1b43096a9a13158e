import assert from 'node:assert/strict';
import { test } from 'node:test';
import { waitMessage } from './slot-wait.ts';

test('a Sync that waits for a slot reports the DataSource, its limit and who holds the slots', () => {
  const wait = { dataSource: 'default/shop', limit: 1, holders: ['default/orders'] };
  assert.equal(
    waitMessage(wait),
    'the only slot of DataSource default/shop (maxConcurrentSyncs) is held by default/orders',
  );
  const holders = Array.from({ length: 8 }, (_, index) => `default/s${index}`);
  assert.equal(
    waitMessage({ ...wait, limit: 8, holders }),
    'all 8 slots of DataSource default/shop (maxConcurrentSyncs) are held by default/s0, default/s1, default/s2, default/s3, default/s4 and 3 more',
  );
});
