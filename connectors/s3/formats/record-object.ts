import type { BatchLimits } from '../../../core/batch.ts';
import type { Value } from '../../../core/values.ts';

/** How the records of one object are found and read: lines of JSON, CSV. */
export interface RecordFormat {
  /**
   * Index behind the record that begins at `at`, with its line break; -1 if it is not complete. `isLast`: nothing follows the buffer.
   * `from`: up to here it was searched before.
   */
  endOf(buffer: Buffer, at: number, isLast: boolean, from: number): number;
  /** The same, and sets `row`. `positionAt`: the position of an index of the buffer. */
  read(buffer: Buffer, at: number, isLast: boolean, from: number, positionAt: PositionAt): number;
  /** The row of the record that was read last. Undefined: the record is empty, or does not fit, which the format has recorded. */
  readonly row: Value[] | undefined;
  /** Takes the record before all others. Undefined: the first record is a row too. */
  readonly header?: ((buffer: Buffer, start: number, end: number) => void) | undefined;
}

export type PositionAt = (index: number) => Position;

/** Where reading continues in an object: the byte behind a record, or the number of records where bytes cannot be asked for. */
export interface Position {
  readonly bytes: number;
  readonly records: number;
}

export interface RecordPart {
  readonly rows: readonly Value[][];
  readonly bytes: number;
  readonly position: Position;
  readonly isEnd: boolean;
}

/** A record is held as a whole. */
export const maxRecordBytes = 64 * 1_024 ** 2;
/** Chunks of the network are collected: a call for each of them costs more than copying them. */
const leastBufferBytes = 256 * 1_024;

/** Some programs write it at the beginning of UTF-8. */
const byteOrderMark = Buffer.from([0xef, 0xbb, 0xbf]);

export class RecordTooLarge extends Error {}

/** Index behind a record; -1 if the buffer has no complete one. */
type Find = () => number;

/** Records of one object, read part by part. Only complete records, and the chunk in which one ends, are in memory. */
export class RecordObject {
  readonly #chunks: AsyncIterator<Buffer>;
  readonly #format: RecordFormat;
  readonly #counts: (bytes: number) => void;
  #buffer: Buffer = Buffer.alloc(0);
  #at = 0;
  /** Up to here the buffer has no end of the current record. */
  #searched = 0;
  /** End of the record that was read and not yet taken. */
  #read = 0;
  #isLast = false;
  #isStarted = false;
  #hasHeader: boolean;
  /** Position of the buffer's first byte. */
  #base: number;
  #records: number;

  /** `counts` is told how many bytes are held, and throws if they are too many. */
  constructor(
    chunks: AsyncIterable<Buffer>,
    format: RecordFormat,
    from: Position,
    counts: (bytes: number) => void,
  ) {
    this.#chunks = chunks[Symbol.asyncIterator]();
    this.#format = format;
    this.#base = from.bytes;
    this.#records = from.records;
    this.#hasHeader = format.header !== undefined && from.bytes === 0 && from.records === 0;
    this.#counts = counts;
  }

  get position(): Position {
    return { bytes: this.#base + this.#at, records: this.#records };
  }

  /** Passes over records: those before a position that cannot be asked for. */
  async skip(records: number): Promise<void> {
    const endOf: Find = () => this.#format.endOf(this.#buffer, this.#at, this.#isLast, this.#searched);
    while (this.#records < records) {
      const end = await this.#find(endOf);
      if (end < 0) return;
      this.#take(end);
    }
  }

  /** Rows up to a limit. A record larger than the limit is alone; `isAlone`: the batch has no rows yet. */
  async part({ maxRows, maxBytes }: BatchLimits, isAlone = true): Promise<RecordPart> {
    const rows: Value[][] = [];
    let bytes = 0;
    // Records that give no row count, so that an object of misfits is not read as one part.
    for (let records = 0; records < maxRows; ) {
      const found = this.#next();
      const end = typeof found === 'number' ? found : await found;
      if (end < 0) return { rows, bytes, position: this.position, isEnd: true };
      const size = end - this.#at;
      const row = this.#hasHeader ? undefined : this.#format.row;
      // One without a row is taken at once: what it has recorded must be in the same batch as its position.
      if (row && (bytes > 0 || !isAlone) && bytes + size > maxBytes) break;
      this.#take(end);
      bytes += size;
      records += 1;
      if (row) rows.push(row);
    }
    return { rows, bytes, position: this.position, isEnd: false };
  }

  /** The end of the next record, which is read once, also if it is left for the next part. */
  #next(): number | Promise<number> {
    if (this.#read > this.#at) return this.#read;
    return this.#find(this.#hasHeader ? this.#endOfHeader : this.#readNext);
  }

  readonly #endOfHeader: Find = () =>
    this.#format.endOf(this.#buffer, this.#at, this.#isLast, this.#searched);

  readonly #readNext: Find = () => {
    const end = this.#format.read(this.#buffer, this.#at, this.#isLast, this.#searched, this.#positionAt);
    this.#read = end;
    return end;
  };

  readonly #positionAt: PositionAt = (index) => ({ bytes: this.#base + index, records: this.#records + 1 });

  #take(end: number): void {
    const start = this.#at;
    this.#at = end;
    this.#searched = end;
    if (this.#hasHeader) {
      this.#hasHeader = false;
      this.#format.header?.(this.#buffer, start, end);
    } else this.#records += 1;
  }

  /**
   * -1: there are no more records. A number where nothing has to be awaited: an await for each record would take longer than reading
   * it.
   */
  #find(find: Find): number | Promise<number> {
    const end = this.#inBuffer(find);
    return end < 0 && !this.#isLast ? this.#withMore(find) : end;
  }

  #inBuffer(find: Find): number {
    if (this.#at === this.#buffer.length) return -1;
    const end = find();
    if (end < 0) this.#searched = this.#buffer.length;
    return end;
  }

  async #withMore(find: Find): Promise<number> {
    for (;;) {
      await this.#fill();
      const end = this.#inBuffer(find);
      if (end >= 0 || this.#isLast) return end;
      if (this.#buffer.length - this.#at > maxRecordBytes) throw new RecordTooLarge();
    }
  }

  async #fill(): Promise<void> {
    const parts = [this.#buffer.subarray(this.#at)];
    let added = 0;
    // A long record doubles the buffer, so that it is not copied for each chunk.
    const wanted = Math.max(leastBufferBytes, this.#buffer.length - this.#at);
    while (added < wanted) {
      const { value, done } = await this.#chunks.next();
      if (done) {
        this.#isLast = true;
        break;
      }
      parts.push(value);
      added += value.length;
    }
    this.#searched -= this.#at;
    this.#read = 0;
    this.#base += this.#at;
    this.#at = 0;
    this.#buffer = Buffer.concat(parts);
    if (!this.#isStarted)
      this.#at = this.#base === 0 && this.#buffer.subarray(0, 3).equals(byteOrderMark) ? 3 : 0;
    this.#isStarted = true;
    this.#counts(this.#buffer.length);
  }
}
