import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { type Batch, rowObjectBytes } from '../../core/batch.ts';
import { TestClock } from '../../e2e/kit/test-clock.ts';
import { BatchMemory, type BatchReader } from './batch-memory.ts';
import { readAhead } from './prefetch.ts';

function memoryOf(total: number): BatchMemory {
  return new BatchMemory(new TestClock(), total);
}

function newReader(): BatchReader {
  const holder = { namespace: 'n', isKnownSlow: false, isWaiting: false };
  return { holder, signal: new AbortController().signal, end: assert.fail };
}

function batch(byteCount: number): Batch {
  return { rows: { format: 'values', rows: [] }, rowCount: 1, byteCount, offset: { mode: 'Id', id: '1' } };
}

async function* batchesOf(
  count: number,
  byteCount: number,
  onRead: () => void,
): AsyncGenerator<Batch, string> {
  for (let index = 0; index < count; index++) {
    onRead();
    yield batch(byteCount);
  }
  return 'end';
}

test('a batch is read when the memory budget of the process has room, and releases it once it is written', async () => {
  const memory = memoryOf(20);
  let read = 0;
  const options = { memory, reader: newReader(), maxBytes: 10 };
  const one = readAhead(
    batchesOf(3, 10, () => read++),
    options,
  );
  await one.next();
  await setImmediate();
  assert.deepEqual([read, memory.used], [2, 20]);
  const other = readAhead(
    batchesOf(1, 10, () => read++),
    options,
  );
  const waiting = other.next();
  await setImmediate();
  assert.equal(read, 2, 'there is no room for the other one');
  await one.next();
  await waiting;
  await Promise.all([one.return(''), other.return('')]);
  assert.equal(memory.used, 0);
});

test('a batch that is written leaves its memory to others, while the next one is not requested yet', async () => {
  const memory = memoryOf(20);
  const options = { memory, reader: newReader(), maxBytes: 10 };
  const rests = readAhead(
    batchesOf(3, 10, () => {}),
    options,
  );
  const first = await rests.next();
  await setImmediate();
  assert.equal(memory.used, 20);
  assert.ok(!first.done);
  first.value.release();
  assert.equal(memory.used, 10, 'only the batch that is read ahead');
  const other = readAhead(
    batchesOf(1, 10, () => {}),
    options,
  );
  assert.equal((await other.next()).done, false);
  await Promise.all([rests.return(''), other.return('')]);
  assert.equal(memory.used, 0);
});

test('rows larger than the budget are read one at a time, also across Syncs', async () => {
  const memory = memoryOf(20);
  const options = { memory, reader: newReader(), maxBytes: 10 };
  const drain = async (): Promise<number> => {
    let count = 0;
    for await (const _ of readAhead(
      batchesOf(5, 50, () => {}),
      options,
    )) {
      count += 1;
      await setImmediate();
    }
    return count;
  };
  assert.deepEqual(await Promise.all([drain(), drain(), drain()]), [5, 5, 5]);
  assert.equal(memory.used, 0);
});

test('a read that fails releases its share of the budget', async () => {
  const memory = memoryOf(20);
  async function* failing(): AsyncGenerator<Batch, string> {
    yield batch(5);
    throw new Error('gone');
  }
  const reading = readAhead(failing(), { memory, reader: newReader(), maxBytes: 10 });
  await reading.next();
  await assert.rejects(reading.next(), /gone/);
  assert.equal(memory.used, 0);
});

test('rows of few bytes count with the memory of their objects', async () => {
  const memory = memoryOf(1_000_000);
  async function* narrow(): AsyncGenerator<Batch, string> {
    const rows = Array.from({ length: 100 }, () => [1]);
    yield { ...batch(400), rows: { format: 'values', rows }, rowCount: 100 };
    return 'end';
  }
  const reading = readAhead(narrow(), { memory, reader: newReader(), maxBytes: 10_000 });
  await reading.next();
  await setImmediate();
  assert.equal(memory.used, 400 + 100 * rowObjectBytes);
  await reading.return('');
});
