import { promisify } from 'node:util';
import { gzip, zstdCompress } from 'node:zlib';
import { rowWriter } from '../../../core/records/canonical-json.ts';
import type { DestinationObject } from '../../../core/sync-spec.ts';
import type { Row } from '../../../core/values.ts';
import { dialectOf } from '../formats/csv-dialect.ts';
import { csvWriter } from '../formats/csv-writer.ts';
import { type ParquetCodec, ParquetRows, type WrittenColumn } from '../parquet/writer.ts';

export interface RowMisfit {
  readonly column: string;
  readonly reason: string;
}

/** Characters that are collected before they become bytes: many small texts that live long cost more than their encoding. */
const chunkCharacters = 65_536;

/** The content of one object while rows are added. */
export interface ObjectContent {
  readonly rows: number;
  /** Before compression; an estimate. */
  readonly bytes: number;
  /** Undefined: the row was added. */
  add(row: Row): RowMisfit | undefined;
  encode(): Promise<Buffer>;
}

export interface ObjectEncoder {
  /** With its dot: `.jsonl.gz`. */
  readonly extension: string;
  readonly contentType: string;
  start(): ObjectContent;
}

type Layout = Pick<DestinationObject, 'format' | 'compression' | 'csv' | 'numbersAsText'>;

const compressGzip = promisify(gzip);
const compressZstd = promisify(zstdCompress) as (bytes: Buffer) => Promise<Buffer>;

export function encoderOf(layout: Layout, columns: readonly WrittenColumn[]): ObjectEncoder {
  const { format = 'JSONLines', compression } = layout;
  if (format === 'Parquet') return parquetEncoder(columns, compression);
  const ending = compression === 'Gzip' ? '.gz' : compression === 'Zstd' ? '.zst' : '';
  const shared = { extension: `${format === 'CSV' ? '.csv' : '.jsonl'}${ending}` };
  const write = format === 'CSV' ? csvLines(layout, columns) : jsonLines(layout, columns);
  return {
    ...shared,
    contentType: format === 'CSV' ? 'text/csv' : 'application/x-ndjson',
    start: () => new TextContent(write, compression),
  };
}

interface Lines {
  readonly header: string;
  row(row: Row): string | RowMisfit;
}

function csvLines({ csv }: Layout, columns: readonly WrittenColumn[]): Lines {
  return csvWriter(columns, dialectOf(csv));
}

function jsonLines({ numbersAsText }: Layout, columns: readonly WrittenColumn[]): Lines {
  const write = rowWriter(columns, numbersAsText === true ? { numbersAsText } : {});
  return {
    header: '',
    row(row) {
      const line = write(row);
      return typeof line === 'string' ? `${line}\n` : line;
    },
  };
}

class TextContent implements ObjectContent {
  readonly #lines: Lines;
  readonly #compression: Layout['compression'];
  readonly #chunks: Buffer[] = [];
  #text: string;
  rows = 0;
  bytes = 0;

  constructor(lines: Lines, compression: Layout['compression']) {
    this.#lines = lines;
    this.#compression = compression;
    this.#text = lines.header;
  }

  add(row: Row): RowMisfit | undefined {
    const line = this.#lines.row(row);
    if (typeof line !== 'string') return line;
    this.#text += line;
    this.rows += 1;
    this.bytes += line.length;
    if (this.#text.length >= chunkCharacters) this.#endChunk();
    return undefined;
  }

  #endChunk(): void {
    this.#chunks.push(Buffer.from(this.#text));
    this.#text = '';
  }

  async encode(): Promise<Buffer> {
    this.#endChunk();
    const bytes = Buffer.concat(this.#chunks.splice(0));
    if (this.#compression === 'Gzip') return await compressGzip(bytes);
    return this.#compression === 'Zstd' ? await compressZstd(bytes) : bytes;
  }
}

const codecs: Readonly<Record<string, ParquetCodec>> = {
  None: 'UNCOMPRESSED',
  Snappy: 'SNAPPY',
  Gzip: 'GZIP',
  Zstd: 'ZSTD',
};

function parquetEncoder(
  columns: readonly WrittenColumn[],
  compression: Layout['compression'] = 'Snappy',
): ObjectEncoder {
  return {
    extension: '.parquet',
    contentType: 'application/vnd.apache.parquet',
    start: () => new ParquetContent(columns, codecs[compression] ?? 'SNAPPY'),
  };
}

class ParquetContent implements ObjectContent {
  readonly #rows: ParquetRows;
  readonly #codec: ParquetCodec;
  bytes = 0;

  constructor(columns: readonly WrittenColumn[], codec: ParquetCodec) {
    this.#rows = new ParquetRows(columns);
    this.#codec = codec;
  }

  get rows(): number {
    return this.#rows.count;
  }

  add(row: Row): RowMisfit | undefined {
    const misfit = this.#rows.add(row);
    if (misfit) return misfit;
    for (const value of row)
      this.bytes += typeof value === 'string' || Buffer.isBuffer(value) ? value.length + 4 : 8;
    return undefined;
  }

  async encode(): Promise<Buffer> {
    return await this.#rows.encode(this.#codec);
  }
}
