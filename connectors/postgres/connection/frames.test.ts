import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bodiesOf, FrameCutter, type FramePart, frame } from './frames.ts';

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

test('bodies of frames are whole lines, however the frames are cut into chunks', (context) => {
  const lines = Array.from({ length: 50 }, (_, index) => `${index}\t${'x'.repeat((index * 37) % 90)}\n`);
  const frames = Buffer.concat(lines.map((line) => frame(Buffer.from(line))));
  for (const size of [1, 4, 5, 6, 64, 1_000, frames.length]) {
    const chunks = Array.from({ length: Math.ceil(frames.length / size) }, (_, index) =>
      frames.subarray(index * size, (index + 1) * size),
    );
    const bodies = [...bodiesOf(chunks)];
    assert.equal(Buffer.concat(bodies).toString(), lines.join(''));
    assert.ok(bodies.every((body) => body.at(-1) === 0x0a));
  }
  const large = frame(Buffer.from(`${'y'.repeat(100_000)}\n`));
  const concat = context.mock.method(Buffer, 'concat');
  const bodies = [...bodiesOf(Array.from(large, (_, at) => large.subarray(at, at + 1)))];
  assert.equal(bodies.length, 1);
  assert.ok(concat.mock.callCount() < 5, `a row in pieces was joined ${concat.mock.callCount()} times`);
});

test('a batch in pieces ends where a whole one does, and every piece has rows', () => {
  const lines = Array.from({ length: 100 }, (_, index) => `${index}\t${'x'.repeat((index * 37) % 90)}\n`);
  const bytes = Buffer.concat([
    frame(Buffer.from('')).fill('H', 0, 1),
    ...lines.map((line) => frame(Buffer.from(line))),
    Buffer.from('c\0\0\0\x04', 'latin1'),
  ]);
  const batchesOf = (pieceBytes: number | undefined, chunkBytes: number) => {
    const parts: FramePart[] = [];
    const listener = {
      onPart: (part: FramePart) => parts.push(part),
      onMessage() {},
      onEnd() {},
      onProgress() {},
      onLargeRow() {},
    };
    const cutter = new FrameCutter({ maxRows: 30, maxBytes: 1_500 }, false, listener, pieceBytes);
    for (let at = 0; at < bytes.length; at += chunkBytes) cutter.push(bytes.subarray(at, at + chunkBytes));
    assert.ok(parts.every(({ rowCount }) => rowCount > 0));
    const batches: string[] = [];
    let batch = '';
    for (const { chunks, endsBatch } of parts) {
      batch += Buffer.concat([...bodiesOf(chunks)]).toString();
      if (!endsBatch) continue;
      batches.push(batch);
      batch = '';
    }
    assert.equal(batch, '');
    return { batches, parts: parts.length };
  };
  const whole = batchesOf(undefined, bytes.length);
  assert.equal(whole.batches.join(''), lines.join(''));
  assert.equal(whole.parts, whole.batches.length);
  for (const chunkBytes of [7, 64, 1_000, bytes.length]) {
    for (const pieceBytes of [1, 200, 10_000]) {
      const { batches, parts } = batchesOf(pieceBytes, chunkBytes);
      assert.deepEqual(batches, whole.batches, `${pieceBytes} in chunks of ${chunkBytes}`);
      assert.ok(pieceBytes === 10_000 || parts > batches.length);
    }
  }
});
