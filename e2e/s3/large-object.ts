import assert from 'node:assert/strict';
import {
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import Database from 'better-sqlite3';
import type { TestBucket } from '../../connectors/s3/test-harness.ts';
import { killedAt } from '../kit/kill-hook.ts';
import type { SingleMode } from '../kit/single-mode.ts';

const partBytes = 16 << 20;
const bodyOf = (id: number) => `row ${id} ${'x'.repeat(200)}`;

/** One object with so many bytes of lines of JSON; how many there are. */
export async function putLargeObject(bucket: TestBucket, key: string, bytes: number): Promise<number> {
  const { client } = bucket.server;
  const place = { Bucket: bucket.name, Key: key };
  const { UploadId } = await client.send(new CreateMultipartUploadCommand(place));
  const Parts: { ETag: string | undefined; PartNumber: number }[] = [];
  let [rows, left] = [0, bytes];
  while (left > 0) {
    const lines: string[] = [];
    for (let size = 0; size < Math.min(partBytes, left); ) {
      const line = `{"id":${++rows},"body":"${bodyOf(rows)}"}\n`;
      lines.push(line);
      size += line.length;
    }
    const Body = Buffer.from(lines.join(''));
    const PartNumber = Parts.length + 1;
    const { ETag } = await client.send(new UploadPartCommand({ ...place, UploadId, PartNumber, Body }));
    Parts.push({ ETag, PartNumber });
    left -= Body.length;
  }
  await client.send(new CompleteMultipartUploadCommand({ ...place, UploadId, MultipartUpload: { Parts } }));
  return rows;
}

/** Kills `idra run` this often in the middle of the object, and checks that each run goes on where the one before was. */
export async function readWithKills(
  single: SingleMode,
  database: string,
  {
    rows,
    kills,
    afterBatches,
  }: { readonly rows: number; readonly kills: number; readonly afterBatches: number },
): Promise<void> {
  let before = 0;
  for (let kill = 0; kill < kills; kill++) {
    const { signal } = await single.runKilled(killedAt({ at: 'commit:after', count: afterBatches }));
    assert.equal(signal, 'SIGKILL', 'it ended before it was killed');
    const { count } = countIn(database);
    assert.ok(count > before && count < rows, `${count} of ${rows} rows after kill ${kill + 1}`);
    before = count;
  }
  await single.runWell();
  const { count, distinct, sum } = countIn(database);
  assert.deepEqual([count, distinct, sum], [rows, rows, (rows * (rows + 1)) / 2]);
}

function countIn(path: string): { readonly count: number; readonly distinct: number; readonly sum: number } {
  const database = new Database(path, { readonly: true });
  try {
    const sql = 'SELECT count(*) AS count, count(DISTINCT id) AS "distinct", sum(id) AS sum FROM events';
    return database.prepare(sql).get() as ReturnType<typeof countIn>;
  } finally {
    database.close();
  }
}
