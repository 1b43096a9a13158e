import assert from 'node:assert/strict';
import { Socket } from 'node:net';
import { test } from 'node:test';
import { answerMemory } from '../../../core/answer-memory.ts';
import { Answer } from '../../sql/connection/answer.ts';
import { PacketLimits } from './message-limits.ts';

/** The header of a packet whose body has not arrived. */
function headOf(length: number): Buffer {
  const head = Buffer.alloc(4);
  head.writeUIntLE(length, 0, 3);
  return head;
}

test('a row that is larger than what was acquired for its batch is counted, however small the batch is', () => {
  for (const { batchBytes, held } of [
    { batchBytes: 1_024, held: 10_000_000 },
    { batchBytes: 8 * 1_024 ** 2, held: 0 },
  ]) {
    const socket = new Socket();
    const limits = new PacketLimits(new Answer(socket, { dataSource: 'n/d', where: 'here' }));
    limits.begin();
    limits.beginRows(1, false, batchBytes);
    limits.inspect(headOf(5_000_000));
    assert.equal(answerMemory.used, held);
    limits.begin();
    assert.equal(answerMemory.used, 0);
    socket.destroy();
  }
});
