import { Misfit } from '../../../core/records/misfit.ts';
import type { Value } from '../../../core/values.ts';
import { assemblerOf, LeafCursor } from './assemble.ts';
import { ColumnReader, type ReadRange } from './column-reader.ts';
import { type Footer, footerLength, type RowGroup, readFooter, trailerBytes } from './footer.ts';
import type { Page } from './pages.ts';
import { type Field, fieldsOf, type Leaf } from './schema.ts';

const firstFooterBytes = 64 * 1_024;
export const maxFooterBytes = 64 * 1_024 ** 2;
/** A row group up to this size is fetched by one request, a larger one column by column in windows. */
const wholeGroupBytes = 8 * 1_024 ** 2;
const leastWindowBytes = 256 * 1_024;
const mostWindowBytes = 4 * 1_024 ** 2;

export interface ParquetFile {
  readonly footer: Footer;
  readonly fields: readonly Field[];
}

/** Throws RangeError for what is not a file of Parquet. */
export async function openParquet(read: ReadRange, size: number): Promise<ParquetFile> {
  const start = Math.max(0, size - firstFooterBytes);
  const end = await read(start, size);
  const length = footerLength(end);
  if (length > maxFooterBytes || length > size - trailerBytes)
    throw new RangeError(`its footer has the impossible size ${length}`);
  const footerStart = size - trailerBytes - length;
  const bytes = footerStart >= start ? end.subarray(footerStart - start) : await read(footerStart, size);
  const footer = readFooter(bytes.subarray(0, length), size);
  return { footer, fields: fieldsOf(footer.root) };
}

/** A row, or what makes it unfit: its texts are not UTF-8. */
export type ParquetRow = Value[];

export interface RowPart {
  readonly rows: readonly ParquetRow[];
  /** Indexes of rows that cannot be kept, with the reason. */
  readonly misfits: ReadonlyMap<number, { readonly column: string; readonly reason: string }>;
}

/** Reads rows of one row group, in the order of `fields`. Pages are decoded one by one. */
export class GroupReader {
  readonly #fields: readonly FieldReader[];
  #rowsLeft: number;

  constructor(group: RowGroup, fields: readonly Field[], read: ReadRange) {
    const leaves = fields.flatMap(({ shape }) => shape.leaves);
    const fetch = wholeGroup(group, leaves, read) ?? read;
    const share = Math.floor((4 * wholeGroupBytes) / Math.max(1, leaves.length));
    const windowBytes = Math.min(mostWindowBytes, Math.max(leastWindowBytes, share));
    this.#fields = fields.map((field) => {
      const readers = field.shape.leaves.map((leaf) => {
        const chunk = group.chunks[leaf.index];
        if (!chunk) throw new RangeError('a row group has fewer columns than the schema');
        return new ColumnReader(leaf, chunk, fetch, windowBytes);
      });
      const isFlat = field.shape.kind === 'leaf' && field.shape.repetition !== 'repeated';
      return isFlat ? new FlatField(field, readers[0] as ColumnReader) : new NestedField(field, readers);
    });
    this.#rowsLeft = group.rowCount;
  }

  get rowsLeft(): number {
    return this.#rowsLeft;
  }

  async prepare(): Promise<void> {
    await Promise.all(this.#fields.map((each) => each.prepare()));
  }

  async skip(count: number): Promise<void> {
    for (const field of this.#fields) await field.skip(count);
    this.#rowsLeft -= count;
  }

  /** At most `count` rows; fewer at the end of the group. Each is a copy of `template`, with the fields at these columns of it. */
  async rows(count: number, template: readonly Value[], columns: readonly number[]): Promise<RowPart> {
    const size = Math.min(count, this.#rowsLeft);
    const rows = Array.from({ length: size }, () => template.slice());
    const misfits = new Map<number, { readonly column: string; readonly reason: string }>();
    for (const [index, field] of this.#fields.entries()) {
      const refuse = (row: number, { reason }: Misfit) => misfits.set(row, { column: field.name, reason });
      await field.fill(rows, columns[index] ?? index, refuse);
    }
    this.#rowsLeft -= size;
    return { rows, misfits };
  }
}

/** Undefined: it is too large. Columns that are not read lie between those that are. */
function wholeGroup({ chunks }: RowGroup, leaves: readonly Leaf[], read: ReadRange): ReadRange | undefined {
  const wanted = leaves.flatMap(({ index }) => chunks[index] ?? []);
  const start = Math.min(...wanted.map((chunk) => chunk.start));
  const end = Math.max(...wanted.map((chunk) => chunk.start + chunk.byteCount));
  if (!(end - start <= wholeGroupBytes)) return undefined;
  let fetched: Promise<Buffer> | undefined;
  return async (from, to) => {
    fetched ??= read(start, end);
    return (await fetched).subarray(from - start, to - start);
  };
}

type Refuse = (row: number, misfit: Misfit) => void;

interface FieldReader {
  readonly name: string;
  prepare(): Promise<void>;
  skip(count: number): Promise<void>;
  /** Sets one column of these rows. */
  fill(rows: readonly ParquetRow[], column: number, refuse: Refuse): Promise<void>;
}

/** A field without structure: one value for each row. */
class FlatField implements FieldReader {
  readonly name: string;
  readonly #reader: ColumnReader;
  #page: Page | undefined;
  /** Of the page: rows and values that were read. */
  #at = 0;
  #value = 0;

  constructor(field: Field, reader: ColumnReader) {
    this.name = field.name;
    this.#reader = reader;
  }

  async prepare(): Promise<void> {
    await this.#reader.prepare();
  }

  async skip(count: number): Promise<void> {
    let left = count;
    while (left > 0) {
      const next = await this.#reader.nextPage(left);
      if (!next) throw this.#tooFew();
      if ('skipped' in next) left -= next.skipped;
      else {
        this.#page = next;
        this.#at = left;
        this.#value = valuesBefore(next, left, this.#reader.leaf.maxDefinition);
        left = 0;
      }
    }
  }

  async fill(rows: readonly ParquetRow[], column: number, refuse: Refuse): Promise<void> {
    for (let row = 0; row < rows.length; ) {
      if (!this.#page || this.#at === this.#page.valueCount) {
        const next = await this.#reader.nextPage();
        if (!next || 'skipped' in next) throw this.#tooFew();
        this.#page = next;
        this.#at = 0;
        this.#value = 0;
      }
      const count = Math.min(rows.length - row, this.#page.valueCount - this.#at);
      this.#fillFrom(this.#page, rows, row, row + count, column, refuse);
      row += count;
    }
  }

  #fillFrom(
    page: Page,
    rows: readonly ParquetRow[],
    from: number,
    end: number,
    column: number,
    refuse: Refuse,
  ): void {
    const { definitions, valueAt } = page;
    const present = this.#reader.leaf.maxDefinition;
    for (let row = from; row < end; row++) {
      const isThere = definitions === undefined || definitions[this.#at] === present;
      this.#at += 1;
      if (!isThere) continue;
      try {
        (rows[row] as ParquetRow)[column] = valueAt(this.#value++);
      } catch (thrown) {
        if (!(thrown instanceof Misfit)) throw thrown;
        refuse(row, thrown);
      }
    }
  }

  #tooFew(): RangeError {
    return new RangeError(`column ${this.name} has fewer values than rows`);
  }
}

function valuesBefore({ definitions }: Page, rows: number, present: number): number {
  if (!definitions) return rows;
  let count = 0;
  for (let index = 0; index < rows; index++) if (definitions[index] === present) count += 1;
  return count;
}

/** A list, map or group. */
class NestedField implements FieldReader {
  readonly name: string;
  readonly #readers: readonly ColumnReader[];
  readonly #cursors: ReadonlyMap<Leaf, LeafCursor>;
  readonly #assemble: ReturnType<typeof assemblerOf>;

  constructor(field: Field, readers: readonly ColumnReader[]) {
    this.name = field.name;
    this.#readers = readers;
    this.#cursors = new Map(readers.map(({ leaf }) => [leaf, new LeafCursor(leaf)]));
    this.#assemble = assemblerOf(field);
  }

  async prepare(): Promise<void> {
    await Promise.all(this.#readers.map((each) => each.prepare()));
  }

  async skip(count: number): Promise<void> {
    for (let left = count; left > 0; ) {
      const size = Math.min(left, 1_000);
      await this.#load(size);
      for (let row = 0; row < size; row++) this.#one(() => {});
      left -= size;
    }
  }

  async fill(rows: readonly ParquetRow[], column: number, refuse: Refuse): Promise<void> {
    await this.#load(rows.length);
    for (const [index, row] of rows.entries()) row[column] = this.#one((misfit) => refuse(index, misfit));
  }

  #one(refuse: (misfit: Misfit) => void): Value {
    const before = [...this.#cursors.values()].map((cursor) => ({ cursor, rowStarts: cursor.rowStarts }));
    try {
      return this.#assemble(this.#cursors);
    } catch (thrown) {
      if (!(thrown instanceof Misfit)) throw thrown;
      refuse(thrown);
      for (const { cursor, rowStarts } of before) cursor.leaveRow(rowStarts);
      return null;
    }
  }

  /** Loads pages until these rows are complete: a row ends where the next one begins. */
  async #load(rows: number): Promise<void> {
    for (const reader of this.#readers) {
      const cursor = this.#cursors.get(reader.leaf) as LeafCursor;
      while (cursor.rowStarts <= rows) {
        const page = await reader.nextPage();
        if (!page) break;
        if (!('skipped' in page)) cursor.add(page);
      }
    }
  }
}
