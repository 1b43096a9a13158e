import type { ColumnChunk } from './footer.ts';
import {
  maxPageBytes,
  type Page,
  type PageHeader,
  readDataPage,
  readDictionary,
  readPageHeader,
  requireChecksum,
} from './pages.ts';
import type { Leaf } from './schema.ts';
import type { ValueAt } from './values.ts';

/** Reads a part of the file: from `start`, up to but without `end`. */
export type ReadRange = (start: number, end: number) => Promise<Buffer>;

/** The bytes of one column chunk, of which only a window is in memory. */
class ChunkWindow {
  readonly #read: ReadRange;
  readonly #end: number;
  readonly #windowBytes: number;
  #buffer: Buffer = Buffer.alloc(0);
  #bufferStart: number;
  position: number;

  constructor(read: ReadRange, chunk: ColumnChunk, windowBytes: number) {
    this.#read = read;
    this.#end = chunk.start + chunk.byteCount;
    this.#windowBytes = windowBytes;
    this.#bufferStart = chunk.start;
    this.position = chunk.start;
  }

  get left(): number {
    return this.#end - this.position;
  }

  /** The next bytes: as many as there are, at most `length`. They stay valid. */
  async peek(length: number): Promise<Buffer> {
    const end = Math.min(this.#end, this.position + length);
    const isHeld = this.position >= this.#bufferStart && end <= this.#bufferStart + this.#buffer.length;
    if (!isHeld) {
      const until = Math.min(this.#end, Math.max(end, this.position + this.#windowBytes));
      this.#buffer = await this.#read(this.position, until);
      this.#bufferStart = this.position;
      if (this.#buffer.length !== until - this.position)
        throw new RangeError('the file is shorter than it was');
    }
    const from = this.position - this.#bufferStart;
    return this.#buffer.subarray(from, from + end - this.position);
  }
}

const firstHeaderBytes = 4_096;
const maxHeaderBytes = 16 * 1_024 ** 2;

/** Pages of one column of one row group, in their order. */
export class ColumnReader {
  readonly leaf: Leaf;
  readonly #chunk: ColumnChunk;
  readonly #window: ChunkWindow;
  #dictionary: ValueAt | undefined;
  #valuesLeft: number;

  constructor(leaf: Leaf, chunk: ColumnChunk, read: ReadRange, windowBytes: number) {
    this.leaf = leaf;
    this.#chunk = chunk;
    this.#window = new ChunkWindow(read, chunk, windowBytes);
    this.#valuesLeft = chunk.valueCount;
  }

  /** Fetches the first bytes, so that columns wait for the server together. */
  async prepare(): Promise<void> {
    await this.#window.peek(firstHeaderBytes);
  }

  /** Undefined: there are no more. A page of a flat column with at most `skip` values is returned without being decoded. */
  async nextPage(skip = 0): Promise<Page | { readonly skipped: number } | undefined> {
    for (;;) {
      if (this.#valuesLeft === 0 || this.#window.left === 0) {
        if (this.#valuesLeft > 0) throw this.#damaged('it has fewer values than it says');
        return undefined;
      }
      const header = await this.#header();
      this.#window.position += header.headerBytes;
      if (header.compressedBytes > this.#window.left) throw this.#damaged('a page is longer than its column');
      const isData = header.kind === 'data' || header.kind === 'data2';
      if (isData && header.valueCount > this.#valuesLeft)
        throw this.#damaged('it has more values than it says');
      if (isData && header.valueCount <= skip && this.leaf.maxRepetition === 0) {
        this.#window.position += header.compressedBytes;
        this.#valuesLeft -= header.valueCount;
        return { skipped: header.valueCount };
      }
      const body = await this.#window.peek(header.compressedBytes);
      const page = this.#decoded(header, body);
      this.#window.position += header.compressedBytes;
      if (!page) continue;
      this.#valuesLeft -= page.valueCount;
      if (page.valueCount > 0) return page;
    }
  }

  #decoded(header: PageHeader, body: Buffer): Page | undefined {
    try {
      requireChecksum(header, body);
      if (header.kind === 'dictionary') {
        // A dictionary has a value for each of its bytes at most, apart from booleans.
        if (header.valueCount > Math.min(maxPageBytes, header.uncompressedBytes * 8))
          throw new RangeError('a dictionary has more values than bytes');
        this.#dictionary = readDictionary(header, body, this.#chunk.codec, this.leaf);
      }
      if (header.kind !== 'data' && header.kind !== 'data2') return undefined;
      return readDataPage(header, body, this.#chunk.codec, this.leaf, this.#dictionary);
    } catch (thrown) {
      throw this.#damaged((thrown as Error).message);
    }
  }

  async #header(): Promise<PageHeader> {
    for (let size = firstHeaderBytes; ; size *= 16) {
      const bytes = await this.#window.peek(size);
      try {
        return readPageHeader(bytes);
      } catch (thrown) {
        const isWhole = bytes.length < size || size >= maxHeaderBytes;
        if (isWhole) throw this.#damaged((thrown as Error).message);
      }
    }
  }

  #damaged(why: string): RangeError {
    return new RangeError(`column ${this.leaf.node.name}, at byte ${this.#window.position}: ${why}`);
  }
}
