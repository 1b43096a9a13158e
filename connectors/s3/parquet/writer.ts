import { gzipSync, zstdCompressSync } from 'node:zlib';
import type { SchemaElement } from 'hyparquet';
import { ByteWriter, type ColumnSource, ParquetWriter } from 'hyparquet-writer';
import { snappyCompressor } from 'hysnappy';
import { Misfit } from '../../../core/records/misfit.ts';
import type { ColumnType, Row, Value } from '../../../core/values.ts';
import { version } from '../../../core/version.ts';
import { type Encode, encoderOf } from './encode.ts';
import { elementsOf, hasStatistics, storedElement } from './write-types.ts';

export interface WrittenColumn {
  readonly name: string;
  readonly type: ColumnType;
  readonly isNullable: boolean;
}

export type ParquetCodec = 'SNAPPY' | 'ZSTD' | 'GZIP' | 'UNCOMPRESSED';

let snappy: ReturnType<typeof snappyCompressor> | undefined;

const compressors = {
  SNAPPY: (bytes: Uint8Array) => {
    snappy ??= snappyCompressor();
    return snappy(bytes);
  },
  GZIP: (bytes: Uint8Array) => gzipSync(bytes),
  ZSTD: (bytes: Uint8Array) => zstdCompressSync(bytes),
};

/** Larger row groups cost readers memory, smaller ones the use of statistics and dictionaries. */
const rowGroupSize = 1_000_000;

/** Rows of one object of Parquet, collected column by column. */
export class ParquetRows {
  readonly #columns: readonly (WrittenColumn & { readonly encode: Encode; readonly data: unknown[] })[];
  #count = 0;

  constructor(columns: readonly WrittenColumn[]) {
    this.#columns = columns.map((column) => ({ ...column, encode: encoderOf(column.type), data: [] }));
  }

  get count(): number {
    return this.#count;
  }

  /** Undefined if the row was added; else nothing of it was. */
  add(row: Row): { readonly column: string; readonly reason: string } | undefined {
    for (const [index, { name, encode, data, isNullable }] of this.#columns.entries()) {
      const value: Value = row[index] ?? null;
      const encoded = value === null ? (isNullable ? null : missing) : encode(value);
      if (encoded instanceof Misfit) {
        for (const { data: added } of this.#columns) added.length = this.#count;
        return { column: name, reason: encoded.reason };
      }
      data.push(encoded);
    }
    this.#count += 1;
    return undefined;
  }

  /** The bytes of the file. */
  async encode(codec: ParquetCodec): Promise<Buffer> {
    const writer = new ByteWriter();
    const file = new ParquetWriter({
      writer,
      schema: schemaOf(this.#columns),
      codec,
      compressors,
      createdBy: `idra ${version}`,
    });
    const columnData = this.#columns.map(
      ({ name, type, data }): ColumnSource => ({
        name,
        data,
        statistics: hasStatistics(type),
      }),
    );
    await file.write({ columnData, rowGroupSize });
    file.schema = file.schema.map(storedElement);
    await file.finish();
    const bytes = writer.getBytes();
    return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }
}

const missing = new Misfit('is NULL, and the column is not nullable');

function schemaOf(columns: readonly WrittenColumn[]): SchemaElement[] {
  const root: SchemaElement = { name: 'root', num_children: columns.length };
  return [root, ...columns.flatMap(({ name, type, isNullable }) => elementsOf(name, type, isNullable))];
}
