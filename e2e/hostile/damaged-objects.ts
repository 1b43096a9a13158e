import { parentPort, workerData } from 'node:worker_threads';
import { dialectOf } from '../../connectors/s3/formats/csv-dialect.ts';
import { type CsvField, type CsvRecord, csvAccess } from '../../connectors/s3/formats/csv-record.ts';
import { CsvRows } from '../../connectors/s3/formats/csv-rows.ts';
import { JsonRows } from '../../connectors/s3/formats/json-rows.ts';
import {
  type Position,
  type RecordFormat,
  RecordObject,
  RecordTooLarge,
} from '../../connectors/s3/formats/record-object.ts';
import { GroupReader, openParquet } from '../../connectors/s3/parquet/reader.ts';
import { type ParquetCodec, ParquetRows } from '../../connectors/s3/parquet/writer.ts';
import type { Batch } from '../../core/batch.ts';
import { columnOf } from '../../core/records/columns.ts';
import { jsonAccess } from '../../core/records/json.ts';
import type { JsonValue } from '../../core/records/json-parser.ts';
import { RowMaker } from '../../core/records/rows.ts';
import type { Row } from '../../core/values.ts';
import { randomFrom } from '../kit/random.ts';
import { mutate } from './mutate.ts';

export type DamagedFormat = 'JSONLines' | 'CSV' | 'Parquet';

export interface DamagedTask {
  readonly format: DamagedFormat;
  readonly count: number;
  readonly seed: number;
}

/** What happened to damaged objects that were read. */
export interface DamagedProgress {
  readonly done: number;
  readonly isOver: boolean;
  /** Objects that ended with an error. */
  readonly errors: number;
  /** Records that did not fit, each with its position. */
  readonly misfits: number;
  readonly rows: number;
  /** Memory outside the heap, at most. */
  readonly mostBytes: number;
}

interface Found {
  readonly rows: number;
  readonly misfits: number;
}

const fields: readonly (readonly [string, string])[] = [
  ['id', 'int64'],
  ['body', 'text'],
  ['price', 'decimal(12,2)'],
  ['paid', 'boolean'],
  ['at', 'timestamp(3) with time zone'],
  ['more', 'json'],
];
const recordColumns = fields.map(([name, type]) => ({ name, path: name, type, nullable: true }));
const columns = recordColumns.map(columnOf);
const request = { columns: columns.map((column) => ({ column })) };
const limits = { maxRows: 1_000, maxBytes: 1 << 20 };

function rowOf(id: number): Row {
  const at = `2026-11-27 08:00:${String(id % 60).padStart(2, '0')}.125Z`;
  const body = id % 9 === 0 ? null : `row ${id} ä "quoted", and\nin two lines`;
  return [BigInt(id), body, `${id}.25`, id % 2 === 0, at, `{"tags":["a",${id}],"deep":{"x":null}}`];
}

const rows = Array.from({ length: 60 }, (_, index) => rowOf(index));

function jsonText(): Buffer {
  const lines = rows.map(([id, body, price, paid, at, more]) => {
    const texts = `"body":${JSON.stringify(body)},"at":${JSON.stringify(at)}`;
    return `{"id":${id},${texts},"price":${price},"paid":${paid},"more":${more}}\n`;
  });
  return Buffer.from(lines.join(''));
}

function csvText(): Buffer {
  const quoted = (value: unknown) => (value === null ? '' : `"${String(value).replaceAll('"', '""')}"`);
  const records = rows.map((row) => `${row.map(quoted).join(',')}\n`);
  return Buffer.from(`${fields.map(([name]) => name).join(',')}\n${records.join('')}`);
}

async function parquetFile(codec: ParquetCodec): Promise<Buffer> {
  const written = new ParquetRows(columns.map(({ name, type }) => ({ name, type, isNullable: true })));
  for (const row of rows) {
    const misfit = written.add(row);
    if (misfit) throw new Error(`${misfit.column} was not taken`);
  }
  return Buffer.from(await written.encode(codec));
}

/** In chunks of different sizes, so that records are cut anywhere. */
async function* chunksOf(bytes: Buffer, size: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function readRecords(bytes: Buffer, size: number, format: RecordFormat): Promise<number> {
  const source = new RecordObject(chunksOf(bytes, size), format, { bytes: 0, records: 0 }, () => {});
  for (let rows = 0; ; ) {
    const part = await source.part(limits);
    rows += part.rows.length;
    if (part.isEnd) {
      if (part.position.bytes !== bytes.length) throw new Error('the position is not the end of the object');
      return rows;
    }
  }
}

const common = {
  columns,
  recordColumns,
  constants: new Map(),
  counter: -1,
  of: (position: Position) => position,
  nameOf: ({ records }: Position) => String(records),
  findsNewFields: false,
};

/** A misfit names its record, so that it can be found. */
function foundOf(rows: number, { misfits }: Pick<Batch, 'misfits'>): Found {
  for (const { row = 'none' } of misfits?.rejections ?? [])
    if (!/^\d+$/.test(row)) throw new Error(`a record without a position: ${row}`);
  return { rows, misfits: misfits?.count ?? 0 };
}

async function readJson(bytes: Buffer, size: number): Promise<Found> {
  const maker = new RowMaker<JsonValue, Position>({ access: jsonAccess, columns: recordColumns }, request);
  const rows = await readRecords(bytes, size, new JsonRows({ ...common, maker }));
  return foundOf(rows, maker.take());
}

async function readCsv(bytes: Buffer, size: number): Promise<Found> {
  const access = { access: csvAccess, columns: recordColumns };
  const maker = new RowMaker<CsvRecord | CsvField, Position>(access, request);
  const rows = await readRecords(bytes, size, new CsvRows({ ...common, maker, dialect: dialectOf({}) }));
  return foundOf(rows, maker.take());
}

async function readParquet(bytes: Buffer): Promise<Found> {
  const range = async (start: number, end: number) => bytes.subarray(start, end);
  const { footer, fields } = await openParquet(range, bytes.length);
  const template = fields.map(() => null);
  const places = fields.map((_, index) => index);
  let rows = 0;
  for (const group of footer.groups) {
    const reader = new GroupReader(group, fields, range);
    await reader.prepare();
    while (reader.rowsLeft > 0) rows += (await reader.rows(limits.maxRows, template, places)).rows.length;
  }
  return { rows, misfits: 0 };
}

interface Damage {
  readonly objects: readonly Buffer[];
  read(bytes: Buffer, chunkBytes: number): Promise<Found>;
}

const damages: Readonly<Record<DamagedFormat, () => Promise<Damage>>> = {
  async JSONLines() {
    return { objects: [jsonText()], read: readJson };
  },
  async CSV() {
    return { objects: [csvText()], read: readCsv };
  },
  async Parquet() {
    const codecs = ['SNAPPY', 'ZSTD', 'GZIP', 'UNCOMPRESSED'] as const;
    return { objects: await Promise.all(codecs.map(parquetFile)), read: readParquet };
  },
};

/** Errors of a reader that say what is damaged; any other one is a fault. */
const isExpected = (thrown: unknown) => thrown instanceof RangeError || thrown instanceof RecordTooLarge;

async function main({ format, count, seed }: DamagedTask): Promise<void> {
  const { objects, read } = await damages[format]();
  const random = randomFrom(seed);
  const total = { done: 0, errors: 0, misfits: 0, rows: 0, mostBytes: 0 };
  const report = (isOver: boolean) => parentPort?.postMessage({ ...total, isOver } satisfies DamagedProgress);
  for (; total.done < count; total.done++) {
    const object = objects[total.done % objects.length] ?? Buffer.alloc(0);
    const bytes = Buffer.concat(mutate([object], random));
    try {
      const found = await read(bytes, 1 + Math.floor(random() * 5_000));
      total.rows += found.rows;
      total.misfits += found.misfits;
    } catch (thrown) {
      if (!isExpected(thrown)) throw thrown;
      total.errors += 1;
    }
    const { external, arrayBuffers } = process.memoryUsage();
    total.mostBytes = Math.max(total.mostBytes, external + arrayBuffers);
    if (total.done % 50 === 0) report(false);
  }
  report(true);
}

await main(workerData as DamagedTask);
