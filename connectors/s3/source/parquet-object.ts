import type { BatchLimits } from '../../../core/batch.ts';
import { IdraError } from '../../../core/errors.ts';
import { Misfit } from '../../../core/records/misfit.ts';
import type { Value } from '../../../core/values.ts';
import { objectDamaged } from '../errors.ts';
import type { ObjectPart, ObjectPosition, ObjectReader } from '../object-reader.ts';
import type { ReadRange } from '../parquet/column-reader.ts';
import { GroupReader, openParquet, type ParquetFile } from '../parquet/reader.ts';
import type { Field } from '../parquet/schema.ts';
import type { ObjectEntry, S3Session } from '../session.ts';
import { constantsOf, recordCounter } from './metadata.ts';
import type { ObjectsAhead } from './objects-ahead.ts';
import { type Cell, cellsOf, reportNewFields, requireColumn } from './parquet-cells.ts';
import { type RecordReading, recordName } from './record-reading.ts';

type ReadObject = ObjectsAhead['read'];

/** Reads ranges of one version of an object. */
function rangesOf(read: ReadObject, object: ObjectEntry, signal: AbortSignal): ReadRange {
  return async (start, end) => {
    if (end <= start) return Buffer.alloc(0);
    const body = await read(object, { start, end }, signal);
    try {
      const parts: Buffer[] = [];
      for await (const chunk of body.chunks) parts.push(chunk);
      return Buffer.concat(parts);
    } finally {
      body.close();
    }
  };
}

/** Throws ObjectDamaged. */
export async function openFile(
  session: S3Session,
  object: ObjectEntry,
  signal: AbortSignal,
  read: ReadObject = async (each, range) =>
    await session.read(each.key, { etag: each.etag, ...range }, signal),
): Promise<ParquetFile> {
  return await named(session, object, '', () => openParquet(rangesOf(read, object, signal), object.size));
}

async function named<T>(
  session: S3Session,
  { key }: ObjectEntry,
  place: string,
  body: () => Promise<T>,
): Promise<T> {
  try {
    return await body();
  } catch (thrown) {
    if (thrown instanceof IdraError || !(thrown instanceof Error) || thrown.name === 'AbortError')
      throw thrown;
    throw objectDamaged(
      session.where,
      key,
      `it is no file of Parquet that can be read${place}: ${thrown.message}`,
      thrown,
    );
  }
}

export async function openParquetObject(
  reading: RecordReading,
  object: ObjectEntry,
  position: ObjectPosition,
  signal: AbortSignal,
): Promise<ObjectReader> {
  const readAhead: ReadObject = (...args) => reading.ahead.read(...args);
  const file = await openFile(reading.init.session, object, signal, readAhead);
  requireColumn(reading, object, file);
  return new ParquetObject({ reading, object, file, read: rangesOf(readAhead, object, signal) }, position);
}

interface ParquetObjectInit {
  readonly reading: RecordReading;
  readonly object: ObjectEntry;
  readonly file: ParquetFile;
  readonly read: ReadRange;
}

interface CellMisfit {
  readonly column: string;
  readonly reason: string;
}

/** Rows between two looks at how many bytes they have. */
const sliceRows = 2_000;

class ParquetObject implements ObjectReader {
  readonly #init: ParquetObjectInit;
  readonly #cells: readonly Cell[];
  /** Columns that the object does not have are NULL. */
  readonly #missing: string | undefined;
  readonly #template: readonly Value[];
  #group: GroupReader | undefined;
  /** Rows that were read and not yet returned. */
  #slice: readonly (Value[] | CellMisfit)[] | undefined;
  #at = 0;
  #groupIndex: number;
  /** Of the group: rows that were returned. */
  #row: number;

  constructor(init: ParquetObjectInit, [group, row]: ObjectPosition) {
    const { request, columns, metadata } = init.reading.init;
    const constants = constantsOf(metadata, init.object);
    this.#init = init;
    this.#groupIndex = group;
    this.#row = row;
    this.#cells = cellsOf(init.reading, init.file);
    this.#template = request.columns.map(({ column }) => constants.get(column.name) ?? null);
    const filled = new Set(this.#cells.map(({ column }) => column));
    this.#missing = request.columns.find(
      ({ column }, index) =>
        !column.isNullable && !filled.has(index) && columns.some(({ name }) => name === column.name),
    )?.column.name;
    reportNewFields(init.reading, init.file);
  }

  async part({ maxRows, maxBytes }: BatchLimits, isAlone: boolean): Promise<ObjectPart> {
    const rows: Value[][] = [];
    let [bytes, read] = [0, 0];
    while (read < maxRows && bytes < maxBytes) {
      if (!this.#slice || this.#at === this.#slice.length) {
        const group = await this.#currentGroup();
        if (!group) return { rows, bytes, position: this.#position, isEnd: true };
        await this.#nextSlice(group, Math.min(sliceRows, maxRows - read, this.#rowsOf(maxBytes - bytes)));
      }
      const added = this.#takeRows(rows, maxRows - read, maxBytes - bytes, isAlone && bytes === 0);
      bytes += added.bytes;
      read += added.count;
      if (this.#slice && this.#at < this.#slice.length) break;
    }
    return { rows, bytes, position: this.#position, isEnd: false };
  }

  /** Rows that were read, as far as they fit. A misfit is recorded now, so that it is in the same batch as its position. */
  #takeRows(rows: Value[][], maxRows: number, maxBytes: number, isAlone: boolean) {
    let [bytes, count] = [0, 0];
    const slice = this.#slice ?? [];
    while (this.#at < slice.length && count < maxRows) {
      const row = slice[this.#at] as Value[] | CellMisfit;
      const size = Array.isArray(row) ? sizeOfRow(row) : 0;
      if ((bytes > 0 || !isAlone) && bytes + size > maxBytes) break;
      if (Array.isArray(row)) rows.push(row);
      else this.#refuse(row, this.#recordNumber + 1);
      this.#at += 1;
      this.#row += 1;
      count += 1;
      bytes += size;
    }
    return { bytes, count };
  }

  close(): void {
    this.#group = undefined;
  }

  get #position(): ObjectPosition {
    return [this.#groupIndex, this.#row];
  }

  /** An estimate, from the average of the group. */
  #rowsOf(bytes: number): number {
    const group = this.#init.file.footer.groups[this.#groupIndex];
    if (!group || group.rowCount === 0) return 1;
    const total = group.chunks.reduce((sum, chunk) => sum + chunk.plainBytes, 0);
    return Math.max(1, Math.floor(bytes / Math.max(1, total / group.rowCount)));
  }

  async #currentGroup(): Promise<GroupReader | undefined> {
    const { file, read } = this.#init;
    for (;;) {
      const group = file.footer.groups[this.#groupIndex];
      if (!group) return undefined;
      if (this.#row < group.rowCount) {
        this.#group ??= await this.#named(() => this.#startGroup(new GroupReader(group, this.#fields, read)));
        return this.#group;
      }
      this.#group = undefined;
      this.#groupIndex += 1;
      this.#row = 0;
    }
  }

  get #fields(): readonly Field[] {
    return this.#cells.map(({ field }) => field);
  }

  async #startGroup(group: GroupReader): Promise<GroupReader> {
    await group.prepare();
    if (this.#row > 0) await group.skip(this.#row);
    return group;
  }

  /** The next rows of the group, and why some do not fit. */
  async #nextSlice(group: GroupReader, count: number): Promise<void> {
    const columns = this.#cells.map(({ column }) => column);
    const part = await this.#named(() => group.rows(count, this.#template, columns));
    const converted = this.#cells.filter(({ convert, isNullable }) => convert || !isNullable);
    const counter = recordCounter(this.#init.reading.init);
    const first = this.#recordNumber + 1;
    this.#at = 0;
    this.#slice = part.rows.map((row, index) => {
      if (counter >= 0) row[counter] = BigInt(first + index);
      return part.misfits.get(index) ?? this.#convert(row, converted) ?? row;
    });
  }

  #convert(row: Value[], cells: readonly Cell[]): CellMisfit | undefined {
    if (this.#missing !== undefined) return { column: this.#missing, reason: missing };
    for (const { field, column, convert, isNullable } of cells) {
      const value = row[column] ?? null;
      const result = value === null || !convert ? value : convert(value);
      if (result instanceof Misfit) return { column: field.name, reason: result.reason };
      if (result === null && !isNullable) return { column: field.name, reason: missing };
      row[column] = result;
    }
    return undefined;
  }

  /** Records before the next one. */
  get #recordNumber(): number {
    const before = this.#init.file.footer.groups.slice(0, this.#groupIndex);
    return before.reduce((sum, group) => sum + group.rowCount, 0) + this.#row;
  }

  #refuse({ column, reason }: CellMisfit, record: number): void {
    const { reading, object } = this.#init;
    reading.json.unreadable(recordName(object, record), `has a value in column ${column} that ${reason}`);
  }

  async #named<T>(body: () => Promise<T>): Promise<T> {
    const place = `, in row group ${this.#groupIndex} after row ${this.#row}`;
    return await named(this.#init.reading.init.session, this.#init.object, place, body);
  }
}

const missing = 'is missing, and the column is not nullable';

function sizeOfRow(row: readonly Value[]): number {
  let bytes = 0;
  for (const value of row) {
    if (typeof value === 'string') bytes += value.length;
    else if (value instanceof Uint8Array) bytes += value.length;
    else if (Array.isArray(value)) bytes += sizeOfRow(value as readonly Value[]);
    else bytes += 8;
  }
  return bytes;
}
