import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { type Compression, decompressed } from './decoded-stream.ts';

async function* chunksOf(bytes: Buffer, size: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function textOf(bytes: Buffer, compression: Compression, size = bytes.length): Promise<string> {
  const parts: Buffer[] = [];
  for await (const chunk of decompressed(chunksOf(bytes, size), compression)) parts.push(chunk);
  return Buffer.concat(parts).toString();
}

const lines = (count: number) =>
  Array.from({ length: count }, (_, index) => `{"id":${index},"n":${Math.sin(index)}}\n`).join('');
/** Blocks of all types: empty, as they are, one byte repeated, compressed; the last one has several blocks. */
const parts = ['', 'short', 'x'.repeat(200_000), lines(4_000), 'end\n'];
/** RFC 8878, 3.1.2: four bytes for readers that know them. */
const skippable = Buffer.from([0x5a, 0x2a, 0x4d, 0x18, 4, 0, 0, 0, 1, 2, 3, 4]);
const frames = parts.map((part) => zstdCompressSync(part));

test('several compressed parts behind each other are one content, however they arrive', async () => {
  const zstd = Buffer.concat([skippable, ...frames, skippable, ...frames]);
  const gzip = Buffer.concat([...parts, ...parts].map((part) => gzipSync(part)));
  for (const size of [61, 1_000, zstd.length]) {
    assert.equal(await textOf(zstd, 'Zstd', size), parts.join('').repeat(2));
    assert.equal(await textOf(gzip, 'Gzip', size), parts.join('').repeat(2));
  }
  const small = Buffer.concat([skippable, zstdCompressSync('a'), zstdCompressSync('b'), skippable]);
  for (const size of [1, 2, 3, 5, 8]) assert.equal(await textOf(small, 'Zstd', size), 'ab');
});

test('zeros may pad the end of compressed data, and data behind them is an error', async () => {
  const [one, other] = ['a\n', 'b\n'].map((part) => gzipSync(part)) as [Buffer, Buffer];
  const padding = Buffer.alloc(1_000);
  const damaged = Buffer.concat([one, Buffer.alloc(3), other]);
  for (const size of [1, 7, 50, 5_000]) {
    assert.equal(await textOf(Buffer.concat([one, other, padding]), 'Gzip', size), 'a\nb\n');
    await assert.rejects(textOf(damaged, 'Gzip', size), { code: 'Z_DATA_BEHIND_END' });
    await assert.rejects(textOf(Buffer.concat([one, padding, other]), 'Gzip', size), {
      code: 'Z_DATA_BEHIND_END',
    });
  }
  const large = gzipSync(lines(40_000));
  for (const size of [1_000, 100_000]) {
    assert.equal(await textOf(Buffer.concat([large, padding]), 'Gzip', size), lines(40_000));
    const text = textOf(Buffer.concat([large, Buffer.alloc(700_000), one]), 'Gzip', size);
    await assert.rejects(text, { code: 'Z_DATA_BEHIND_END' });
  }
});

test('what is cut in a later part, or no part at all, is an error', async () => {
  const [first = Buffer.of(), second = Buffer.of()] = [frames[1], frames[3]];
  for (const length of [1, 3, 6, 50, second.length - 1])
    await assert.rejects(textOf(Buffer.concat([first, second.subarray(0, length)]), 'Zstd'), {
      code: 'Z_BUF_ERROR',
    });
  await assert.rejects(textOf(Buffer.concat([first, Buffer.from('no frame of Zstd')]), 'Zstd'), {
    code: 'ZSTD_error_prefix_unknown',
  });
});
