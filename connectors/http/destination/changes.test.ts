import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { WritePlan } from '../../../core/connector.ts';
import { inParallel, keyReader } from './changes.ts';

test('keys of bytes that are no text are keys of their own', () => {
  const columns = { columns: [{ name: 'id' }] } as unknown as WritePlan['columns'];
  const keyOf = keyReader({ writeMode: 'Upsert', key: ['id'], columns } as unknown as WritePlan);
  const keys = [0x80, 0x81, 0x80].map((byte) => keyOf?.([Buffer.from([byte])]));
  assert.notEqual(keys[0], keys[1]);
  assert.equal(keys[0], keys[2]);
  assert.notEqual(keyOf?.([null]), keyOf?.(['null']));
});

test('the first call that fails ends the others: those behind it are not sent', async () => {
  const started: number[] = [];
  const sent = inParallel(2, [1, 2, 3, 4, 5, 6], async (call) => {
    started.push(call);
    await new Promise((resolve) => setImmediate(resolve));
    if (call === 2) throw new Error('refused');
  });
  await assert.rejects(sent, /refused/);
  assert.deepEqual(started, [1, 2, 3]);
});
