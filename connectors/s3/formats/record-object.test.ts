import assert from 'node:assert/strict';
import { test } from 'node:test';
import { maxRecordBytes, type RecordFormat, RecordObject, RecordTooLarge } from './record-object.ts';

const lines: RecordFormat = {
  row: [],
  endOf(buffer, at, isLast, from) {
    const found = buffer.indexOf(0x0a, Math.max(at, from));
    return found < 0 && isLast ? buffer.length : found < 0 ? -1 : found + 1;
  },
  read(buffer, at, isLast, from) {
    return this.endOf(buffer, at, isLast, from);
  },
};

test('a record without an end is refused before it takes the memory', async () => {
  const chunk = Buffer.alloc(2 ** 20, 'x');
  let sent = 0;
  async function* endless(): AsyncGenerator<Buffer> {
    for (; sent <= 3 * maxRecordBytes; sent += chunk.length) yield chunk;
  }
  let most = 0;
  const source = new RecordObject(endless(), lines, { bytes: 0, records: 0 }, (held) => {
    most = Math.max(most, held);
  });
  await assert.rejects(source.part({ maxRows: 1, maxBytes: 1 }), RecordTooLarge);
  assert.ok(most <= 2 * maxRecordBytes, String(most));
});
