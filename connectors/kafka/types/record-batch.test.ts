import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { WireError } from '../connection/wire.ts';
import { type Compression, codecs, compress, decompress } from './compression.ts';
import { crc32c } from './crc32c.ts';
import { murmur2, partitionOf } from './murmur2.ts';
import { cursorOf, readBatch } from './record-batch.ts';
import { RecordBatchWriter } from './record-batch-writer.ts';

const nobody = { producer: -1n, epoch: -1, sequence: -1, isTransactional: false };
const compressions = Object.keys(codecs) as Compression[];
/** `make hostile` and this variable run more. */
const damages = Number(process.env.IDRA_TEST_DAMAGES ?? 300);

function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0;
    return (state >>> 8) / 2 ** 24;
  };
}

async function batchOf(compression: Compression): Promise<Buffer> {
  const writer = new RecordBatchWriter(64);
  for (let index = 0; index < 200; index++) {
    const headers =
      index % 7 === 0
        ? [
            { name: 'h', value: Buffer.from('x') },
            { name: 'n', value: null },
          ]
        : [];
    const value = index % 11 === 0 ? null : `{"id":${index},"text":"${'äß'.repeat(index % 13)}"}`;
    writer.append(
      index % 5 === 0 ? null : Buffer.from(`k${index}`),
      value,
      1_700_000_000_000 - index,
      headers,
    );
  }
  return await writer.finish(compression, nobody);
}

describe('a record batch', () => {
  for (const compression of compressions) {
    test(`is read as it was written, ${compression}`, async () => {
      const bytes = await batchOf(compression);
      const found = readBatch(Buffer.concat([bytes, bytes.subarray(0, 70)]), 0);
      assert.ok(found);
      assert.equal(found.end, bytes.length);
      const cursor = await cursorOf(found.batch);
      for (let index = 0; index < 200; index++) {
        assert.ok(cursor.next());
        assert.deepEqual([cursor.offset, cursor.timestamp], [index, 1_700_000_000_000 - index]);
        assert.equal(cursor.key?.toString() ?? null, index % 5 === 0 ? null : `k${index}`);
        const value = cursor.value?.toString() ?? null;
        assert.equal(value === null ? null : JSON.parse(value).id, index % 11 === 0 ? null : index);
        assert.equal(cursor.headers.length, index % 7 === 0 ? 2 : 0);
      }
      assert.equal(cursor.next(), false);
    });
  }

  test('is not returned while a part of it is missing', async () => {
    const bytes = await batchOf('None');
    for (const length of [0, 60, 61, bytes.length - 1])
      assert.equal(readBatch(bytes.subarray(0, length), 0), undefined);
  });

  test('with a changed byte is refused by its checksum', async () => {
    const bytes = await batchOf('LZ4');
    for (let at = 21; at < bytes.length; at += 13) {
      const changed = Buffer.from(bytes);
      changed[at] = (changed[at] ?? 0) ^ 0x10;
      assert.throws(() => readBatch(changed, 0), WireError);
    }
  });
});

describe('damaged input', () => {
  for (const compression of compressions) {
    test(`never ends in anything but an error of its own, ${compression}`, async () => {
      const original = await batchOf(compression);
      const next = random(7);
      for (let round = 0; round < damages; round++) {
        const changed = damaged(original, next);
        // The checksum is made right, so that what comes after it is tested.
        if (changed.length > 61) changed.writeUInt32BE(crc32c(changed, 21, changed.length), 17);
        await assert.doesNotReject(async () => {
          try {
            const found = readBatch(changed, 0);
            if (!found) return;
            const cursor = await cursorOf(found.batch, 1 << 20);
            while (cursor.next()) void cursor.headers;
          } catch (error) {
            if (!(error instanceof WireError)) throw error;
          }
        });
      }
    });
  }
});

function damaged(original: Buffer, next: () => number): Buffer {
  const cut = next() < 0.2 ? Math.floor(next() * original.length) : original.length;
  const changed = Buffer.from(original.subarray(0, cut));
  for (let count = Math.ceil(next() * 5); count > 0; count--) {
    const place = Math.floor((next() < 0.5 ? 61 : changed.length) * next());
    if (place < changed.length) changed[place] = Math.floor(next() * 256);
  }
  if (changed.length > 12 && next() < 0.5) changed.writeInt32BE(changed.length - 12, 8);
  return changed;
}

describe('compression', () => {
  const inputs = {
    empty: Buffer.alloc(0),
    short: Buffer.from('abc'),
    zeros: Buffer.alloc(300_000),
    text: Buffer.from('{"id":1,"name":"somebody"},'.repeat(20_000)),
    noise: Buffer.from(Array.from({ length: 200_000 }, random(3), Number).map((each) => each * 256)),
  };
  for (const compression of compressions.filter((each) => each !== 'None')) {
    test(`${compression} returns what was compressed`, async () => {
      for (const [name, input] of Object.entries(inputs)) {
        const packed = await compress(compression, input);
        const unpacked = await decompress(codecs[compression], packed);
        assert.ok(unpacked.equals(input), name);
        if (name === 'text') assert.ok(packed.length < input.length / 5);
      }
    });

    test(`${compression}: an output above the limit is refused`, async () => {
      const packed = await compress(compression, Buffer.alloc(5_000_000));
      assert.ok(packed.length < 500_000);
      await assert.rejects(async () => decompress(codecs[compression], packed, 1_000_000), WireError);
    });
  }
});

test('checksum and partition are those of other clients', () => {
  assert.equal(crc32c(Buffer.from('123456789'), 0, 9), 0xe3069283);
  // From the tests of Kafka's Java client.
  const cases = { '21': -973932308, foobar: -790332482, 'a-little-bit-long-string': -985981536 };
  for (const [text, hash] of Object.entries(cases)) assert.equal(murmur2(Buffer.from(text)), hash);
  assert.equal(partitionOf(Buffer.from('foobar'), 10), (-790332482 & 0x7fffffff) % 10);
});
