import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import {
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import type { Offset } from '../../../core/offset.ts';
import type { SourceObject } from '../../../core/sync-spec.ts';
import { until } from '../../../e2e/kit/wait.ts';
import { connector } from '../connector.ts';
import { idsOf, lines, readAll, readRequest, rowsOf, signal, sourceOf, TestBucket } from '../test-harness.ts';

let bucket: TestBucket;
let prefixes = 0;
before(async () => {
  bucket = await TestBucket.open();
});
after(() => bucket?.stop());

const newPrefix = () => `stream-${++prefixes}/`;

const columns = [
  { name: 'id', path: 'id', type: 'int64', nullable: true },
  { name: 'body', path: 'body', type: 'text', nullable: true },
];

async function open(prefix: string, more: Partial<SourceObject> = {}, maxRows = 50_000) {
  const source = await connector.openSource(bucket.access, sourceOf(prefix, { columns, ...more }), signal);
  const relation = await source.describe(signal);
  const read = (from: Offset | null = null) =>
    source.read(
      readRequest(relation, { mode: 'Stream', after: from, limits: { maxRows, maxBytes: 1 << 23 } }),
      signal,
    );
  return { source, read, pass: (from: Offset | null = null) => readAll(read(from)) };
}

const ids = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, index) => from + index);

/** An object whose time is that of the server's next second, so that a pass that begins later reads it. */
async function settle(): Promise<void> {
  const second = Math.floor(Date.now() / 1_000);
  await until(() => Math.floor(Date.now() / 1_000) > second, { what: 'the next second' });
}

test('each object is read once; new and changed ones by a later pass', async () => {
  const prefix = newPrefix();
  for (const [index, name] of ['b', 'a', 'c'].entries())
    await bucket.put(`${prefix}${name}.jsonl`, lines(index * 10 + 1, index * 10 + 10));
  await bucket.put(`${prefix}_SUCCESS`, 'x');
  await bucket.put(`${prefix}.hidden/x.jsonl`, lines(900, 901));
  const { source, pass } = await open(prefix);
  const first = await pass();
  assert.deepEqual(idsOf(first.batches), ids(1, 30));
  const offset = first.batches.at(-1)?.offset ?? null;
  assert.deepEqual((await pass(offset)).batches, []);
  await bucket.put(`${prefix}0.jsonl`, lines(31, 31));
  await bucket.put(`${prefix}a.jsonl`, lines(11, 11, ' again'));
  const second = await pass(offset);
  assert.deepEqual(rowsOf(second.batches), [
    [31n, 'row 31'],
    [11n, 'row 11 again'],
  ]);
  assert.deepEqual((await pass(second.batches.at(-1)?.offset ?? null)).batches, []);
  await source.close();
});

test('a pass continues after the offset of any of its batches, in the middle of objects of every kind', async () => {
  const kinds: readonly (readonly [
    string,
    Partial<SourceObject>,
    (from: number, to: number) => string | Buffer,
  ])[] = [
    ['.jsonl', {}, lines],
    ['.jsonl.gz', {}, (from, to) => gzipSync(lines(from, to))],
    ['.jsonl.zst', {}, (from, to) => zstdCompressSync(lines(from, to))],
    [
      '.csv',
      { format: 'CSV' },
      (from, to) =>
        `id,body\n${ids(from, to)
          .map((id) => `${id},"row\n${id}"\n`)
          .join('')}`,
    ],
  ];
  for (const [ending, more, content] of kinds) {
    const prefix = newPrefix();
    for (let part = 0; part < 4; part++)
      await bucket.put(`${prefix}${part}${ending}`, content(part * 25 + 1, part * 25 + 25));
    const { source, pass } = await open(prefix, more, 7);
    const { batches } = await pass();
    assert.deepEqual(idsOf(batches), ids(1, 100), ending);
    for (const [index, { offset }] of batches.entries()) {
      const rest = await pass(offset);
      assert.deepEqual(idsOf(rest.batches), idsOf(batches.slice(index + 1)), `${ending}, batch ${index}`);
    }
    for (const [index, { offset }] of batches.slice(1).entries())
      assert.ok(source.isAhead?.(tokenOf(batches[index]?.offset), tokenOf(offset)));
    await source.close();
  }
});

const tokenOf = (offset: Offset | undefined) => (offset?.mode === 'Stream' ? offset.token : '');

test('an upload that began first and ends last is read, and so are two objects of one second', async () => {
  const prefix = newPrefix();
  const { client } = bucket.server;
  const place = { Bucket: bucket.name, Key: `${prefix}early.jsonl` };
  const { UploadId } = await client.send(new CreateMultipartUploadCommand(place));
  const part = { ...place, UploadId, PartNumber: 1, Body: lines(1, 3) };
  const { ETag } = await client.send(new UploadPartCommand(part));
  await settle();
  await Promise.all([
    bucket.put(`${prefix}x.jsonl`, lines(4, 5)),
    bucket.put(`${prefix}y.jsonl`, lines(6, 7)),
  ]);
  const { source, pass } = await open(prefix);
  const first = await pass();
  assert.deepEqual(
    idsOf(first.batches).toSorted((a, b) => a - b),
    [4, 5, 6, 7],
  );
  const complete = { ...place, UploadId, MultipartUpload: { Parts: [{ PartNumber: 1, ETag }] } };
  await client.send(new CompleteMultipartUploadCommand(complete));
  await bucket.put(`${prefix}z.jsonl`, lines(8, 8));
  const second = await pass(first.batches.at(-1)?.offset ?? null);
  assert.deepEqual(
    idsOf(second.batches).toSorted((a, b) => a - b),
    [1, 2, 3, 8],
  );
  await source.close();
});

test('an object that is replaced while it is read: its rows so far stay, and the new version is read as a whole', async () => {
  const prefix = newPrefix();
  // Larger than what is fetched at once.
  const filler = 'x'.repeat(2_000);
  await bucket.put(`${prefix}a.jsonl`, lines(1, 3_000, filler));
  const { source, read, pass } = await open(prefix, {}, 10);
  const reading = read();
  const first = await reading.next();
  assert.ok(!first.done);
  await reading.return(undefined as never);
  await bucket.put(`${prefix}a.jsonl`, lines(5_001, 5_012));
  const rest = await pass(first.value.offset);
  assert.deepEqual(idsOf([first.value]), ids(1, 10));
  const again = await pass(rest.batches.at(-1)?.offset ?? first.value.offset);
  const found = idsOf([...rest.batches, ...again.batches]);
  assert.deepEqual(found, ids(5_001, 5_012));
  await source.close();
});

test('an object that is deleted while it is read ends there, and one that was never read is not missed', async () => {
  const prefix = newPrefix();
  await bucket.put(`${prefix}a.jsonl`, lines(1, 20));
  await bucket.put(`${prefix}b.jsonl`, lines(21, 25));
  const { source, read, pass } = await open(prefix, {}, 5);
  const reading = read();
  const first = await reading.next();
  assert.ok(!first.done);
  await reading.return(undefined as never);
  await bucket.delete(`${prefix}a.jsonl`);
  assert.deepEqual(idsOf((await pass(first.value.offset)).batches), ids(21, 25));
  await source.close();
});

test('records that do not fit are counted and named by number and object; an object in another format stops', async () => {
  const prefix = newPrefix();
  await bucket.put(`${prefix}a.jsonl`, `${lines(1, 2)}{"id":"x"}\nno json\n${lines(3, 3)}`);
  const { source, pass } = await open(prefix);
  const { batches } = await pass();
  assert.deepEqual(idsOf(batches), [1, 2, 3]);
  assert.deepEqual(
    batches[0]?.misfits?.rejections.map(({ code, row }) => [code, row]),
    [
      ['RecordMisfit', `3 of ${prefix}a.jsonl`],
      ['RecordUnreadable', `4 of ${prefix}a.jsonl`],
    ],
  );
  await bucket.put(`${prefix}b.jsonl.gz`, 'not compressed');
  await assert.rejects(pass(batches[0]?.offset), {
    code: 'ObjectDamaged',
    message: /b\.jsonl\.gz.*after record 0/,
  });
  await source.close();
});

test('a prefix is listed page by page: objects beyond the first thousand are read, each once', async () => {
  const prefix = newPrefix();
  const count = 1_001;
  for (let from = 0; from < count; from += 77)
    await Promise.all(
      ids(from + 1, from + 77).map((id) =>
        bucket.put(`${prefix}${String(id).padStart(5, '0')}.jsonl`, lines(id, id)),
      ),
    );
  const { source, read, pass } = await open(prefix, {}, 500);
  const reading = read();
  const first = await reading.next();
  assert.ok(!first.done);
  await reading.return(undefined as never);
  const rest = await pass(first.value.offset);
  const found = idsOf([first.value, ...rest.batches]);
  assert.equal(found.length, count);
  assert.equal(new Set(found).size, count);
  assert.deepEqual((await pass(rest.batches.at(-1)?.offset ?? null)).batches, []);
  await source.close();
});
