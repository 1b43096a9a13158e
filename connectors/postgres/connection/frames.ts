import type { BatchLimits } from '../../../core/batch.ts';
import { maxMessageBytes } from '../../sql/connection/guarded-socket.ts';
import { asides, mostPieces } from './message-limits.ts';

/** CopyData frames of a batch, or of a piece of one: 'd', int32 length, one row. */
export interface FramePart {
  /** Belong to the reader of the part. */
  readonly chunks: Buffer[];
  readonly rowCount: number;
  readonly byteCount: number;
  /** The last row without its frame header. */
  readonly lastRow: Buffer;
  /** False: more rows of its batch follow in the next part. */
  readonly endsBatch: boolean;
}

export interface FrameListener {
  /** Called when a batch or a piece of it is full, and with the last rows when they have ended. */
  onPart(part: FramePart): void;
  /** A complete message of another kind between the rows: a notice, a parameter. */
  onMessage(message: Buffer): void;
  /** The rows have ended; `rest` is for the protocol's own parser. isError: the rows since the last part are void. */
  onEnd(rest: Buffer, isError: boolean): void;
  /** Called once for each chunk that contains a part of a row. */
  onProgress(): void;
  /** A row has begun that is larger than a batch; 0: its part was passed on. */
  onLargeRow(size: number): void;
}

const copyData = 0x64;
const errorResponse = 0x45;
const copyOutResponse = 0x48;
const readyForQuery = 0x5a;
const between = new Set([copyOutResponse, ...asides]);
export const headBytes = 5;
/** `PGCOPY\n\377\r\n\0`, flags, length of the extension (none exists so far). */
const fileHeaderBytes = 19;
const trailerFrameBytes = headBytes + 2;
/** Maximum size of a notice or a parameter between rows. */
const maxOtherBytes = 1_048_576;

/** Header and trailer of a COPY BINARY file, as frames. */
export const binaryHeader = frame(Buffer.from('5047434f50590aff0d0a000000000000000000', 'hex'));
export const binaryTrailer = frame(Buffer.from([0xff, 0xff]));

export function frame(payload: Buffer): Buffer {
  const bytes = Buffer.allocUnsafe(headBytes + payload.length);
  bytes[0] = copyData;
  bytes.writeUInt32BE(4 + payload.length, 1);
  payload.copy(bytes, headBytes);
  return bytes;
}

/**
 * Cuts what a server sends during COPY TO STDOUT into batches. Only frame headers are read: the bytes stay where the socket put them, and
 * COPY FROM STDIN accepts them unchanged. The header and trailer of a COPY BINARY file are removed.
 */
export class FrameCutter {
  readonly #limits: BatchLimits;
  readonly #isBinary: boolean;
  readonly #listener: FrameListener;
  readonly #pieceBytes: number;
  /** The start of a message whose header is incomplete, or of one that is not a row. */
  #carry: Buffer[] = [];
  #carryBytes = 0;
  /** Size of the carried message as far as it is known. Only then are its pieces joined: each join copies all of them. */
  #wantedBytes = 0;
  /** Bytes of the frame's body that have not arrived yet. */
  #missing = 0;
  #hasLargeRow = false;
  /** Statements before the COPY have results of their own. */
  #hasBegun = false;
  #isFirst = true;
  #chunks: Buffer[] = [];
  #rowCount = 0;
  #byteCount = 0;
  /** Of the pieces of the batch that were passed on. */
  #passedRows = 0;
  #passedBytes = 0;
  #lastChunk = 0;
  #lastOffset = 0;

  /** `pieceBytes`: a batch is passed on in pieces of this size, which end where a row does. */
  constructor(
    limits: BatchLimits,
    isBinary: boolean,
    listener: FrameListener,
    pieceBytes = Number.POSITIVE_INFINITY,
  ) {
    this.#limits = limits;
    this.#isBinary = isBinary;
    this.#listener = listener;
    this.#pieceBytes = pieceBytes;
  }

  push(bytes: Buffer): void {
    if (this.#carryBytes + bytes.length < this.#wantedBytes) {
      this.#carryOver(bytes, this.#wantedBytes);
      return;
    }
    const chunk = this.#carryBytes === 0 ? bytes : Buffer.concat([...this.#carry, bytes]);
    this.#carry = [];
    this.#carryBytes = 0;
    this.#wantedBytes = 0;
    let at = Math.min(this.#missing, chunk.length);
    this.#missing -= at;
    let from = 0;
    while (chunk.length - at >= headBytes) {
      if (chunk[at] !== copyData) {
        this.#keep(chunk, from, at);
        const length = this.#passMessage(chunk, at);
        if (length === undefined) return;
        at += length;
        from = at;
        continue;
      }
      const size = checkedSize(chunk, at, maxMessageBytes);
      if (this.#isBinary && (this.#isFirst || size === trailerFrameBytes)) {
        this.#keep(chunk, from, at);
        from = at;
        const taken = this.#isFirst ? this.#takeHeader(chunk, at, size) : this.#takeTrailer(chunk, at);
        if (taken === undefined) return;
        at += taken;
        from = at;
        const body = Math.min(this.#missing, chunk.length - at);
        this.#awaitRow(this.#missing, this.#missing - body);
        at += body;
        continue;
      }
      const endsBatch = this.#isFull(size);
      if (endsBatch || this.#byteCount >= this.#pieceBytes) {
        this.#keep(chunk, from, at);
        from = at;
        this.#emit(endsBatch);
      }
      this.#countRow(size, at - from);
      const end = at + size;
      if (end > chunk.length) this.#awaitRow(size, end - chunk.length);
      at = Math.min(end, chunk.length);
    }
    this.#keep(chunk, from, at);
    if (at < chunk.length) this.#carryOver(chunk.subarray(at), headBytes);
  }

  /** Whether the batch has no room for a row of this size. */
  #isFull(size: number): boolean {
    const { maxRows, maxBytes } = this.#limits;
    const rows = this.#passedRows + this.#rowCount;
    return rows > 0 && (rows >= maxRows || this.#passedBytes + this.#byteCount + size > maxBytes);
  }

  #carryOver(part: Buffer, wantedBytes: number): void {
    this.#carry.push(part);
    if (this.#carry.length > mostPieces) this.#carry = [Buffer.concat(this.#carry)];
    this.#carryBytes += part.length;
    this.#wantedBytes = wantedBytes;
  }

  #awaitRow(size: number, missing: number): void {
    this.#missing = missing;
    if (size <= this.#limits.maxBytes || missing === 0) return;
    this.#hasLargeRow = true;
    this.#listener.onLargeRow(size);
  }

  #countRow(size: number, offset: number): void {
    this.#rowCount++;
    this.#byteCount += size;
    this.#lastChunk = this.#chunks.length;
    this.#lastOffset = offset;
  }

  #keep(chunk: Buffer, from: number, to: number): void {
    if (to <= from) return;
    this.#chunks.push(keepable(chunk, from, to));
    this.#listener.onProgress();
  }

  /** The length of a message that is not a row; undefined if nothing of the chunk is left. */
  #passMessage(chunk: Buffer, at: number): number | undefined {
    const type = chunk[at] ?? 0;
    const isBefore = !this.#hasBegun && type !== errorResponse && type !== readyForQuery;
    if (!isBefore && !between.has(type)) {
      if (type !== errorResponse && this.#rowCount > 0) this.#emit(true);
      this.#listener.onEnd(chunk.subarray(at), type === errorResponse);
      return undefined;
    }
    const size = checkedSize(chunk, at, maxOtherBytes);
    if (chunk.length - at < size) {
      this.#carryOver(chunk.subarray(at), size);
      return undefined;
    }
    if (type === copyOutResponse) this.#hasBegun = true;
    if (!asides.has(type)) this.#listener.onProgress();
    this.#listener.onMessage(chunk.subarray(at, at + size));
    return size;
  }

  /** The first frame has the file's header, then the first row or, without rows, the trailer. */
  #takeHeader(chunk: Buffer, at: number, size: number): number | undefined {
    const needed = headBytes + fileHeaderBytes;
    if (size < needed) throw new Error(`a COPY of ${size} bytes without its header`);
    if (chunk.length - at < needed) {
      this.#carryOver(chunk.subarray(at), needed);
      return undefined;
    }
    this.#isFirst = false;
    const body = size - needed;
    this.#missing = body;
    if (body > 2) {
      const head = Buffer.allocUnsafe(headBytes);
      head[0] = copyData;
      head.writeUInt32BE(4 + body, 1);
      this.#countRow(headBytes + body, 0);
      this.#chunks.push(head);
    } else if (body === 2) return this.#skipTrailerBody(chunk, at, needed);
    return needed;
  }

  #skipTrailerBody(chunk: Buffer, at: number, needed: number): number | undefined {
    if (chunk.length - at >= needed + 2) {
      this.#missing = 0;
      return needed + 2;
    }
    this.#isFirst = true;
    this.#missing = 0;
    this.#carryOver(chunk.subarray(at), needed + 2);
    return undefined;
  }

  #takeTrailer(chunk: Buffer, at: number): number | undefined {
    if (chunk.length - at >= trailerFrameBytes) return trailerFrameBytes;
    this.#carryOver(chunk.subarray(at), trailerFrameBytes);
    return undefined;
  }

  #emit(endsBatch: boolean): void {
    const tail = this.#chunks.slice(this.#lastChunk);
    const last = tail.length === 1 && tail[0] ? tail[0] : Buffer.concat(tail);
    const lastRow = last.subarray(this.#lastOffset + headBytes);
    const [rowCount, byteCount] = [this.#rowCount, this.#byteCount];
    const part = { chunks: this.#chunks, rowCount, byteCount, lastRow, endsBatch };
    this.#passedRows = endsBatch ? 0 : this.#passedRows + rowCount;
    this.#passedBytes = endsBatch ? 0 : this.#passedBytes + byteCount;
    this.#chunks = [];
    this.#rowCount = 0;
    this.#byteCount = 0;
    if (this.#hasLargeRow) {
      this.#hasLargeRow = false;
      this.#listener.onLargeRow(0);
    }
    this.#listener.onPart(part);
  }
}

/** A part keeps the memory of its whole chunk, most of which may be notices: then it is copied, because only rows are counted. */
function keepable(chunk: Buffer, from: number, to: number): Buffer {
  const part = from === 0 && to === chunk.length ? chunk : chunk.subarray(from, to);
  if (2 * part.length >= chunk.buffer.byteLength) return part;
  const copy = Buffer.allocUnsafeSlow(part.length);
  part.copy(copy);
  return copy;
}

function sizeAt(chunk: Buffer, at: number): number {
  return (
    ((chunk[at] ?? 0) << 24) |
    ((chunk[at + 1] ?? 0) << 16) |
    ((chunk[at + 2] ?? 0) << 8) |
    (chunk[at + 3] ?? 0)
  );
}

/** The size comes from the network: a length below its own four bytes would loop forever, a huge one would never complete. */
function checkedSize(chunk: Buffer, at: number, maxBytes: number): number {
  const length = chunk.readUInt32BE(at + 1);
  if (length < 4 || length > maxBytes) throw new Error(`a message of ${length} bytes`);
  return 1 + length;
}

/** The rows of frames, each without its header; views, not copies. */
export function* eachRow(frames: Buffer): Generator<Buffer> {
  for (let at = 0; at < frames.length; ) {
    const end = at + 1 + sizeAt(frames, at + 1);
    yield frames.subarray(at + headBytes, end);
    at = end;
  }
}

/** The offset of each frame, and the end after the last one. */
export function frameEdges(frames: Buffer): number[] {
  const edges: number[] = [];
  let at = 0;
  while (at < frames.length) {
    edges.push(at);
    at += 1 + sizeAt(frames, at + 1);
  }
  edges.push(at);
  return edges;
}

/** The bodies of frames without headers, joined: the lines of COPY text, in pieces about the size of the chunks. */
export function* bodiesOf(chunks: readonly Buffer[]): Generator<Buffer> {
  let pieces: Buffer[] = [];
  let bytes = 0;
  // Pieces of a large row are joined once, when its last one is there.
  let wantedBytes = 0;
  for (const chunk of chunks) {
    pieces.push(chunk);
    bytes += chunk.length;
    if (bytes < wantedBytes) continue;
    const frames = pieces.length === 1 ? chunk : Buffer.concat(pieces);
    const { bodies, end } = joinBodies(frames);
    if (bodies.length > 0) yield bodies;
    const rest = frames.subarray(end);
    bytes = rest.length;
    pieces = bytes === 0 ? [] : [rest];
    wantedBytes = bytes < headBytes ? headBytes : 1 + sizeAt(rest, 1);
  }
}

/** `end`: of the last complete frame. */
function joinBodies(frames: Buffer): { readonly bodies: Buffer; readonly end: number } {
  const joined = Buffer.allocUnsafe(frames.length);
  let to = 0;
  let at = 0;
  while (frames.length - at >= headBytes) {
    const end = at + 1 + sizeAt(frames, at + 1);
    if (end > frames.length) break;
    to += frames.copy(joined, to, at + headBytes, end);
    at = end;
  }
  return { bodies: joined.subarray(0, to), end: at };
}
