import { parseArgs } from 'node:util';
import { GetObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { parquetReadObjects } from 'hyparquet';
import { parquetWriteBuffer } from 'hyparquet-writer';
import { snappyUncompressor } from 'hysnappy';
import { connector } from '../connectors/s3/connector.ts';
import {
  claimWith,
  planFor,
  readRequest,
  signal,
  sourceOf,
  TestBucket,
  targetOf,
} from '../connectors/s3/test-harness.ts';
import type { Batch } from '../core/batch.ts';
import type { Row } from '../core/values.ts';
import { type Cost, compare, cost, orderColumns, orderOf } from './_orders.ts';

/**
 * Reading and writing objects by the connector, compared with a bare loop over the same bytes: the client of AWS with JSON.parse and
 * JSON.stringify for lines of JSON, with hyparquet and hyparquet-writer for Parquet. By time, and by CPU of this process, which other load of
 * the machine changes less. Both directions run alternately.
 */
const { values } = parseArgs({
  options: {
    rows: { type: 'string', default: '500000' },
    pairs: { type: 'string', default: '3' },
    only: { type: 'string' },
  },
});
const [rows, pairs] = [Number(values.rows), Number(values.pairs)];
const rowsPerBatch = 50_000;
const prefix = 'filled/';

type Format = 'JSONLines' | 'Parquet';

const bucket = await TestBucket.open();
const { client } = bucket.server;
let objects = 0;
try {
  for (const format of ['JSONLines', 'Parquet'] as const) {
    if (values.only !== undefined && values.only !== format) continue;
    const all = await written(format, `${prefix}${format}/`);
    console.log(`${format}: ${(all / 2 ** 20).toFixed(1)} MiB`);
    await compare(
      `write ${format}`,
      { rows, pairs },
      () => writeByDriver(format),
      () => writeByIdra(format),
    );
    await compare(
      `read ${format}`,
      { rows, pairs },
      () => readByDriver(format),
      () => readByIdra(format),
    );
  }
} finally {
  await bucket.stop();
}

function* batches(): Generator<{ readonly from: number; readonly rows: Row[] }> {
  for (let from = 0; from < rows; from += rowsPerBatch) {
    const count = Math.min(rowsPerBatch, rows - from);
    yield { from, rows: Array.from({ length: count }, (_, index) => orderOf(from + index)) };
  }
}

/** Objects as the destination writes them; returns their bytes. */
async function written(format: Format, at: string): Promise<number> {
  await write(format, at);
  let bytes = 0;
  for (const key of await dataKeys(at)) bytes += (await bucket.get(key)).length;
  return bytes;
}

async function dataKeys(at: string): Promise<readonly string[]> {
  return (await bucket.keys(at)).filter((key) => !key.includes('/_idra/'));
}

async function write(format: Format, at: string): Promise<Cost> {
  const source = await connector.openSource(bucket.access, sourceOf(at, { columns: orderColumns }), signal);
  const relation = await source.describe(signal);
  await source.close();
  const destination = await connector.openDestination(bucket.access, targetOf(at, { format }), signal);
  await claimWith(destination, planFor(relation, null));
  const used = await cost(async () => {
    for (const { from, rows: some } of batches()) {
      const batch: Batch = {
        rows: { format: 'values', rows: some },
        rowCount: some.length,
        byteCount: some.length * 100,
        offset: { mode: 'Id', id: String(from) },
      };
      await destination.write(batch, signal);
    }
  });
  await destination.close();
  return used;
}

async function writeByIdra(format: Format): Promise<Cost> {
  return await write(format, `w${++objects}/`);
}

async function writeByDriver(format: Format): Promise<Cost> {
  const at = `w${++objects}/`;
  return await cost(async () => {
    for (const { from, rows: some } of batches()) {
      const Body = format === 'Parquet' ? parquetOf(some) : linesOf(some);
      await client.send(new PutObjectCommand({ Bucket: bucket.name, Key: `${at}${from}`, Body }));
    }
  });
}

function linesOf(some: readonly Row[]): Buffer {
  const lines = some.map(
    ([id, customer, status, amount, note]) =>
      `${JSON.stringify({ id: Number(id), customer, status, amount: Number(amount), note })}\n`,
  );
  return Buffer.from(lines.join(''));
}

function parquetOf(some: readonly Row[]): Buffer {
  const data = (index: number) => some.map((row) => row[index]);
  const bytes = parquetWriteBuffer({
    columnData: [
      { name: 'id', data: data(0), type: 'INT64' },
      { name: 'customer', data: data(1), type: 'INT32' },
      { name: 'status', data: data(2), type: 'STRING' },
      { name: 'amount', data: data(3).map(Number), type: 'DOUBLE' },
      { name: 'note', data: data(4), type: 'STRING' },
    ],
  });
  return Buffer.from(bytes);
}

async function readByDriver(format: Format): Promise<Cost> {
  let seen = 0;
  const used = await cost(async () => {
    for (const key of await dataKeys(`${prefix}${format}/`)) {
      const { Body } = await client.send(new GetObjectCommand({ Bucket: bucket.name, Key: key }));
      if (!Body) throw new Error(`${key} has no content`);
      if (format === 'Parquet') seen += await parquetRows(await Body.transformToByteArray());
      else seen += await jsonRows(Body as AsyncIterable<Uint8Array>);
    }
  });
  if (seen !== rows) throw new Error(`${seen} of ${rows} rows were read`);
  return used;
}

async function jsonRows(chunks: AsyncIterable<Uint8Array>): Promise<number> {
  let [seen, rest] = [0, ''];
  const decoder = new TextDecoder();
  for await (const chunk of chunks) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) if (typeof JSON.parse(line) === 'object') seen += 1;
  }
  return seen;
}

async function parquetRows(bytes: Uint8Array): Promise<number> {
  const { buffer, byteOffset, byteLength } = bytes;
  const file = buffer.slice(byteOffset, byteOffset + byteLength) as ArrayBuffer;
  const found = await parquetReadObjects({ file, compressors: { SNAPPY: snappyUncompressor() } });
  return found.length;
}

async function readByIdra(format: Format): Promise<Cost> {
  const object = sourceOf(`${prefix}${format}/`, { format, columns: orderColumns });
  const source = await connector.openSource(bucket.access, object, signal);
  const relation = await source.describe(signal);
  let seen = 0;
  const used = await cost(async () => {
    for await (const batch of source.read(readRequest(relation, { mode: 'Snapshot' }), signal))
      seen += batch.rowCount;
  });
  await source.close();
  if (seen !== rows) throw new Error(`${seen} of ${rows} rows were read`);
  return used;
}
