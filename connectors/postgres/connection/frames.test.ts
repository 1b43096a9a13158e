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
