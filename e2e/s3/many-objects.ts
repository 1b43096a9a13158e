import assert from 'node:assert/strict';
import { connector } from '../../connectors/s3/connector.ts';
import { lines, readRequest, signal, sourceOf, type TestBucket } from '../../connectors/s3/test-harness.ts';
import type { Offset } from '../../core/offset.ts';
import { beginUpload, eventColumns, requireEachOnce } from './bucket-ends.ts';
import { putMany } from './many-puts.ts';

const columns = eventColumns.map((each) => ({ path: each.name, nullable: true, ...each }));
const mostCharacters = 131_072;

/**
 * So many objects with one row each, an upload that begins before them and ends after they were read, and new objects: each row is read once,
 * the offset stays small, and so does the memory of this process.
 */
export async function readManyObjects(
  bucket: TestBucket,
  count: number,
  say: (line: string) => void = () => {},
): Promise<void> {
  const end = await beginUpload(bucket, 'many/early.jsonl', lines(count + 1, count + 1));
  await putMany(
    bucket,
    Array.from({ length: count }, (_, index) => [keyOf(index + 1), lines(index + 1, index + 1)] as const),
  );
  say('all are written');
  const source = await connector.openSource(bucket.access, sourceOf('many/', { columns }), signal);
  try {
    const relation = await source.describe(signal);
    const ids: number[] = [];
    let offset: Offset | null = null;
    const readRest = async () => {
      const limits = { maxRows: 5_000, maxBytes: 1 << 23 };
      for await (const batch of source.read(
        readRequest(relation, { mode: 'Stream', after: offset, limits }),
        signal,
      )) {
        if ('rows' in batch.rows) for (const [id] of batch.rows.rows) ids.push(Number(id));
        assert.ok(batch.offset.mode === 'Stream' && batch.offset.token.length < mostCharacters);
        offset = batch.offset;
      }
      say(`${ids.length} were read, ${Math.round(process.memoryUsage().rss / 2 ** 20)} MiB`);
    };
    // What appears within the second in which a pass begins is left to the next one.
    while (ids.length < count) await readRest();
    await end();
    await bucket.put('many/0.jsonl', lines(count + 2, count + 2));
    while (ids.length < count + 2) await readRest();
    await readRest();
    requireEachOnce(ids, count + 2, `${count} objects`);
  } finally {
    await source.close();
  }
}

/** In no order of time. */
function keyOf(id: number): string {
  return `many/${((id * 7_919) % 100_003).toString(16).padStart(6, '0')}-${id}.jsonl`;
}
