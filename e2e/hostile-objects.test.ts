import assert from 'node:assert/strict';
import { test } from 'node:test';
import { objectFormats, readDamaged } from './hostile/objects.ts';

/** `make hostile-objects` reads ten thousand of each. */
const count = 200;
const memoryBytes = 128 << 20;

for (const format of objectFormats) {
  test(`${format}: damaged objects end as rows, misfits with a position, or an error`, async () => {
    const result = await readDamaged({ format, count, seed: 1 });
    assert.equal(result.failure, undefined);
    assert.equal(result.done, count);
    // Otherwise nothing was damaged, or everything.
    assert.ok(result.errors + result.misfits > 0, 'no damage was found');
    assert.ok(result.rows > 0, 'no row was left');
    assert.ok(result.mostBytes < memoryBytes, `${result.mostBytes} bytes outside the heap`);
  });
}
