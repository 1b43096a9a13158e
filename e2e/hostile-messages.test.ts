import assert from 'node:assert/strict';
import { test } from 'node:test';
import { damagedKinds, readDamagedMessages } from './hostile/messages.ts';

/** `make hostile-messages` reads ten thousand of each. */
const count = 300;
const memoryBytes = 128 << 20;

for (const kind of damagedKinds) {
  test(`${kind}: what is damaged ends as rows, deletions, misfits with their position, or an error of its own`, async () => {
    const result = await readDamagedMessages({ kind, count, seed: 1 });
    assert.equal(result.failure, undefined);
    assert.equal(result.done, count);
    // Otherwise nothing was damaged, or everything.
    assert.ok(result.misfits + result.errors > 0, 'no damage was found');
    assert.ok(result.rows > 0, 'no row was left');
    assert.ok(result.mostBytes < memoryBytes, `${result.mostBytes} bytes outside the heap`);
  });
}
