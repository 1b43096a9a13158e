import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ClientName, clients } from './hostile/clients.ts';
import { runStreams } from './hostile/streams.ts';

/** `make hostile` runs ten thousand of each. */
const count = 100;
/** Processor time. The goal is a hundred ms; compiling at the start and garbage collection are added. */
const longestTurnMs = 500;
const memoryBytes = 128 << 20;

for (const name of Object.keys(clients) as ClientName[]) {
  test(`${name}: changed and truncated answers end as errors`, async () => {
    const result = await runStreams(name, count, 1);
    assert.equal(result.failure, undefined);
    assert.equal(result.done, count);
    assert.ok(result.longestMs < longestTurnMs, `a turn of ${result.longestMs} ms`);
    assert.ok(result.externalBytes < memoryBytes, `${result.externalBytes} bytes outside the heap`);
  });
}
