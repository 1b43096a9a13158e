import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Clock } from '../../../core/clock.ts';
import type { ReadRequest } from '../../../core/connector.ts';
import { bson } from '../types/format.ts';
import { dateValue, LateRowBound } from './late-row-bound.ts';

/** e2e/mongodb-late-rows.test.ts shows that documents are lost without these bounds. */
const never = new AbortController().signal;
const lagMs = 5_000;
let ms = 0;
const clock: Clock = {
  now: () => ms,
  monotonicMs: () => ms,
  async sleep(time) {
    ms += time;
  },
};

function ask(mode: 'Id' | 'Timestamp', id: number) {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32LE(id);
  const value = { type: bson.int32, bytes, start: 0, end: 4 };
  return {
    request: { mode, safetyLagMs: lagMs } as ReadRequest,
    largest: async () => ({ value, text: String(id) }),
    serverTime: async () => 100_000n,
  };
}

test('a time is final when safetyLag is over by the clock of the server', async () => {
  const { upTo, report } = await new LateRowBound(clock).take(ask('Timestamp', 0), never);
  assert.deepEqual(upTo, { value: dateValue(95_000n), isInclusive: false });
  assert.equal(report.kind, 'safetyLag');
});

test('an id is final when it was the largest one safetyLag ago', async () => {
  const bound = new LateRowBound(clock);
  const idAt = async (largest: number) => {
    const { upTo } = await bound.take(ask('Id', largest), never);
    return typeof upTo === 'string' ? upTo : upTo.value.bytes.readInt32LE();
  };
  const startMs = ms;
  assert.equal(await idAt(1), 1);
  assert.ok(ms - startMs >= lagMs, 'it has waited');
  assert.equal(await idAt(7), 1);
  ms += lagMs - 1;
  assert.equal(await idAt(9), 1);
  ms += 2;
  assert.equal(await idAt(9), 7);
});
