import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Connection, FieldDef } from 'pg';
import type { BatchLimits } from '../../../core/batch.ts';
import { type Answer, answerOn } from '../../sql/connection/answer.ts';
import { shapeText } from '../fingerprint.ts';
import { binaryHeader, binaryTrailer, FrameCutter, type FrameListener, type FramePart } from './frames.ts';
import { SubmittedQuery } from './statements.ts';

type SocketReader = (chunk: Buffer) => void;
const copyDone = Buffer.from([0x63, 0, 0, 0, 4]);

export interface CopyFormat {
  readonly limits: BatchLimits;
  readonly isBinary: boolean;
  /** Parts are pieces of this size of a batch; omitted: whole batches. */
  readonly pieceBytes?: number;
}

/** Thrown before the first row of a read if the object does not have the expected shape. */
export class ShapeDiffers extends Error {}

/**
 * COPY .. TO STDOUT, after statements whose first fields and last row are the shape of the object. While the rows flow, the socket's
 * chunks go here and not to the parser of `pg`, which would create an object per row. At most one full part waits for its reader; then
 * the socket is paused, and eventually the server as well.
 */
export class CopyOut extends SubmittedQuery {
  readonly #text: string;
  readonly #cutter: FrameCutter;
  readonly #parts: FramePart[] = [];
  #socket: Connection['stream'] | undefined;
  #parser: SocketReader | undefined;
  #answer: Answer | undefined;
  #isEnded = false;
  #error: Error | undefined;
  #fields: readonly FieldDef[] | undefined;
  #shape: string | undefined;
  #wake: (() => void) | undefined;

  constructor(text: string, { limits, isBinary, pieceBytes }: CopyFormat) {
    super();
    this.#text = text;
    const listener: FrameListener = {
      onPart: (part) => {
        this.#parts.push(part);
        this.#socket?.pause();
        this.#wake?.();
      },
      onMessage: (message) => this.#parser?.(message),
      onEnd: (rest) => this.#giveBack(rest),
      onProgress: () => this.#answer?.progressed(),
      onLargeRow: (size) => this.#answer?.holdRow(size, 1),
    };
    this.#cutter = new FrameCutter(limits, isBinary, listener, pieceBytes);
  }

  submit(connection: Connection): void {
    this.#socket = connection.stream;
    this.#answer = answerOn(connection.stream as Socket);
    const [parser] = connection.stream.listeners('data');
    this.#parser = parser as SocketReader;
    connection.stream.off('data', this.#parser);
    connection.stream.on('data', this.#onChunk);
    connection.query(this.#text);
  }

  readonly #onChunk = (chunk: Buffer): void => this.#cutter.push(chunk);

  #giveBack(rest: Buffer): void {
    const { parser, socket } = { parser: this.#parser, socket: this.#socket };
    if (!socket || !parser) return;
    socket.off('data', this.#onChunk);
    socket.on('data', parser);
    socket.resume();
    parser(rest);
  }

  override handleRowDescription({ fields }: { readonly fields: readonly FieldDef[] }): void {
    this.#fields ??= fields;
  }

  override handleDataRow({ fields }: { readonly fields: readonly (string | null)[] }): void {
    this.#shape = shapeText(this.#fields ?? [], fields[0]);
  }

  /** Known before the first row; undefined if the server refused earlier. */
  get shape(): string | undefined {
    return this.#shape;
  }

  handleCommandComplete(): void {}

  handleReadyForQuery(): void {
    this.#isEnded = true;
    this.#wake?.();
  }

  handleError(error: Error): void {
    this.#error ??= error;
    this.#wake?.();
  }

  /** Ends when the rows have ended; throws the server's error. If the caller leaves early, the connection is unusable: see `isEnded`. */
  async *parts(): AsyncGenerator<FramePart, void> {
    for (;;) {
      const part = this.#parts.shift();
      if (part) {
        if (this.#parts.length === 0) this.#socket?.resume();
        yield part;
        continue;
      }
      if (this.#error) throw this.#error;
      if (this.#isEnded) return;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  get isEnded(): boolean {
    return this.#isEnded || this.#error !== undefined;
  }
}

/** The data for COPY .. FROM STDIN: frames, in the format of its statement. */
export interface CopyBody {
  readonly isBinary: boolean;
  /** A list is sent at once. Other frames are made while the server takes the ones before, so that few of them are in memory. */
  readonly frames: Iterable<Buffer>;
}

const copyFail = Buffer.from([0x66, 0, 0, 0, 5, 0]);

/**
 * COPY .. FROM STDIN, which may follow `BEGIN;`. Statement, rows and end are sent without waiting for the server's response. If
 * the server refuses, it drops the rows itself (PostgreSQL's protocol, COPY operations).
 */
export class CopyIn extends SubmittedQuery {
  readonly #text: string;
  readonly #body: CopyBody;
  #rowCount = 0;
  /** The server has answered, or the connection is lost: nothing more is sent. */
  #isOver = false;
  /** Why a frame could not be made. */
  #failure: { readonly error: unknown } | undefined;
  readonly done: Promise<number>;
  #resolve: (rows: number) => void = () => {};
  #reject: (error: unknown) => void = () => {};

  constructor(text: string, body: CopyBody) {
    super();
    this.#text = text;
    this.#body = body;
    this.done = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
  }

  submit(connection: Connection): void {
    const { stream } = connection;
    const { isBinary, frames } = this.#body;
    stream.cork();
    connection.query(this.#text);
    if (isBinary) stream.write(binaryHeader);
    if (Array.isArray(frames)) {
      for (const chunk of frames) stream.write(chunk);
      this.#end(stream);
    } else this.#sendNext(stream, frames[Symbol.iterator]());
    stream.uncork();
  }

  #sendNext(stream: Duplex, frames: Iterator<Buffer>): void {
    if (this.#isOver) return;
    try {
      const { done, value } = frames.next();
      if (done) {
        this.#end(stream);
        return;
      }
      // Others get their turn between two frames, also if the server takes each of them at once.
      const next = () => setImmediate(() => this.#sendNext(stream, frames));
      if (stream.write(value)) next();
      else stream.once('drain', next);
    } catch (error) {
      this.#failure = { error };
      stream.write(copyFail);
    }
  }

  #end(stream: Duplex): void {
    if (this.#body.isBinary) stream.write(binaryTrailer);
    stream.write(copyDone);
  }

  handleCommandComplete(message: { readonly text: string }): void {
    const match = /^COPY (\d+)/.exec(message.text);
    if (match) this.#rowCount = Number(match[1]);
  }

  handleReadyForQuery(): void {
    this.#isOver = true;
    this.#resolve(this.#rowCount);
  }

  handleError(error: Error): void {
    this.#isOver = true;
    this.#reject(this.#failure ? this.#failure.error : error);
  }
}
