import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FrameCutter, type FramePart, frame } from './frames.ts';

const notice = Buffer.concat([Buffer.from('N\0\0\xea\x64', 'latin1'), Buffer.alloc(60_000)]);

test('a row between notices keeps only its own memory, because only that is counted', () => {
  const parts: FramePart[] = [];
  const cutter = new FrameCutter({ maxRows: 3, maxBytes: 1_000 }, false, {
    onPart: (part) => parts.push(part),
    onMessage() {},
    onEnd() {},
    onProgress() {},
    onLargeRow() {},
  });
  const rows = ['1\n', '2\n', '3\n', '4\n'].map((text) => frame(Buffer.from(text)));
  for (const row of rows) cutter.push(Buffer.concat([row, notice]));
  const [part] = parts;
  assert.deepEqual(Buffer.concat(part?.chunks ?? []), Buffer.concat(rows.slice(0, 3)));
  assert.deepEqual(part?.lastRow, Buffer.from('3\n'));
  const kept = part?.chunks.reduce((sum, { buffer }) => sum + buffer.byteLength, 0);
  assert.equal(kept, part?.byteCount);
});

test('a notice that arrives byte by byte is not copied for each byte', (context) => {
  const concat = context.mock.method(Buffer, 'concat');
  const messages: number[] = [];
  const cutter = new FrameCutter({ maxRows: 3, maxBytes: 1_000 }, false, {
    onPart() {},
    onMessage: ({ length }) => messages.push(length),
    onEnd() {},
    onProgress() {},
    onLargeRow() {},
  });
  for (const byte of notice) cutter.push(Buffer.of(byte));
  assert.deepEqual(messages, [notice.length]);
  assert.ok(concat.mock.callCount() < 100, `${concat.mock.callCount()} copies`);
});
