import type { Answer } from '../../sql/connection/answer.ts';
import { maxMessageBytes } from '../../sql/connection/guarded-socket.ts';

const headBytes = 4;
/** A packet of this length continues in the next one. */
const fullPacketBytes = 0xff_ff_ff;
/** Larger rows are counted, if they are not within what was acquired for a batch. */
const largeRowBytes = 8 * 1024 * 1024;

/**
 * Reads the packet headers that a server sends before the driver does. The driver joins all packets that the server declares to be one
 * message, and keeps every row of an answer that is not streamed.
 */
export class PacketLimits {
  /** Bytes of the packet's body that have not arrived yet. */
  #missing = 0;
  readonly #head = Buffer.alloc(headBytes);
  #headLength = 0;
  #messageBytes = 0;
  readonly #answer: Answer;
  #columns = 0;
  #areRowsKept = true;
  #hasLargeRow = false;
  /** Rows up to this size are within what was acquired for a batch. */
  #admittedBytes = largeRowBytes;
  #awaitedBytes = 0;

  constructor(answer: Answer) {
    this.#answer = answer;
  }

  /** Call before statements are sent, and when they are answered. */
  begin(): void {
    this.#answer.begin();
    this.#columns = 0;
    this.#areRowsKept = true;
    this.#admittedBytes = largeRowBytes;
  }

  /** Call when the result of a statement begins. Rows that are streamed take no memory beside the `batchBytes` that were acquired. */
  beginRows(columns: number, areKept: boolean, batchBytes: number): void {
    this.#columns = columns;
    this.#areRowsKept = areKept;
    this.#admittedBytes = areKept ? largeRowBytes : Math.min(largeRowBytes, batchBytes);
    if (areKept) return;
    this.#answer.begin();
    // The first row may have begun in the same chunk.
    this.#holdRow(Math.max(this.#messageBytes, this.#missing));
  }

  readonly inspect = (chunk: Buffer): void => {
    this.#answer.progressed();
    // Not when its header arrives: the driver first has to see whether the rows are streamed.
    if (this.#missing > largeRowBytes && this.#areRowsKept) this.#answer.awaitMessage(this.#awaitedBytes);
    let at = Math.min(this.#missing, chunk.length);
    this.#missing -= at;
    while (at < chunk.length) {
      const taken = chunk.copy(this.#head, this.#headLength, at);
      this.#headLength += taken;
      at += taken;
      if (this.#headLength < headBytes) return;
      this.#headLength = 0;
      const length = this.#head.readUIntLE(0, 3);
      this.#messageBytes += length;
      if (this.#messageBytes > this.#admittedBytes || this.#hasLargeRow) this.#awaitLargeRow();
      if (this.#areRowsKept) this.#answer.add(length, this.#columns);
      if (length < fullPacketBytes) this.#messageBytes = 0;
      const body = Math.min(length, chunk.length - at);
      at += body;
      this.#missing = length - body;
    }
  };

  /** The last row was passed on when the next one begins. */
  #awaitLargeRow(): void {
    if (this.#messageBytes > maxMessageBytes) throw new Error(`a row of more than ${maxMessageBytes} bytes`);
    this.#awaitedBytes = this.#messageBytes;
    if (!this.#areRowsKept) this.#holdRow(this.#messageBytes);
  }

  #holdRow(bytes: number): void {
    this.#hasLargeRow = bytes > this.#admittedBytes;
    this.#answer.holdRow(this.#hasLargeRow ? bytes : 0, 2);
  }
}
