import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Worker } from 'node:worker_threads';

/** By the square of its length, a text of millions takes hours; otherwise milliseconds. */
const silenceMs = 60_000;

test('texts of millions of characters are read in one go, whatever they look like', async () => {
  const worker = new Worker(new URL('./hostile/texts-worker.ts', import.meta.url));
  let doing = '';
  let count = 0;
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  const silence = setTimeout(() => reject(new Error(`it does not end: ${doing}`)), silenceMs);
  worker.on('message', (message: string) => {
    doing = message;
    count += 1;
    silence.refresh();
  });
  worker.on('error', reject);
  worker.on('exit', resolve);
  try {
    assert.equal(await promise, 0);
    assert.ok(count > 1_000);
  } finally {
    clearTimeout(silence);
    await worker.terminate();
  }
});
