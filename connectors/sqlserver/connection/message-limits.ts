import type { Answer } from '../../sql/connection/answer.ts';
import { maxMessageBytes } from '../../sql/connection/guarded-socket.ts';

/** A login, with its TLS handshake, takes some kilobytes. */
const maxOpeningBytes = 1_048_576;
/** Larger tokens are counted while they arrive. */
const largeTokenBytes = 65_536;
/** Larger rows are counted, if they are not within what was acquired for a batch. */
const largeRowBytes = 8 * 1_048_576;
/** The maximum for a SELECT; a table has 1,024, or 30,000 sparse ones. */
const maxColumns = 4_096;

/**
 * Counts what a server sends. The driver collects the bytes of a token, such as a row, until it is complete, whatever length the server
 * announces, and hands over each row.
 */
export class TokenLimits {
  readonly #answer: Answer;
  #openingBytes = 0;
  #isOpen = false;
  /** Bytes of the token that is not complete yet, as far as known. */
  #pendingBytes = 0;
  #columns = 0;
  #areRowsKept = true;
  #admittedBytes = largeRowBytes;
  #hasLargeRow = false;

  constructor(answer: Answer) {
    this.#answer = answer;
  }

  /** The login is complete. Before that, everything that arrives is limited together. */
  opened(): void {
    this.#isOpen = true;
  }

  /** Call before a statement is sent, and when it is answered. */
  begin(): void {
    this.#answer.begin();
    this.#pendingBytes = 0;
    this.#columns = 0;
    this.#areRowsKept = true;
    this.#admittedBytes = largeRowBytes;
    this.#hasLargeRow = false;
  }

  /** Call when a result begins. Rows that are passed on take no memory beside the `batchBytes` that were acquired for them. */
  beginRows(columns: number, areKept: boolean, batchBytes: number): void {
    if (columns > maxColumns) throw new Error(`a result of ${columns} columns`);
    this.#columns = columns;
    this.#areRowsKept = areKept;
    this.#admittedBytes = areKept ? largeRowBytes : Math.min(largeRowBytes, batchBytes);
    if (!areKept) this.#answer.begin();
  }

  /** Bytes from the network, encrypted or not. */
  readonly inspect = (chunk: Buffer): void => {
    this.#answer.progressed();
    if (this.#isOpen) return;
    this.#openingBytes += chunk.length;
    if (this.#openingBytes > maxOpeningBytes)
      throw new Error(`a login of more than ${maxOpeningBytes} bytes`);
  };

  /** Decrypted bytes of an answer, before the driver reads them. */
  received(length: number): void {
    this.#pendingBytes += length;
    if (this.#pendingBytes > maxMessageBytes) throw new Error(`a row of more than ${maxMessageBytes} bytes`);
    if (this.#areRowsKept) {
      this.#answer.add(length, 0);
      if (this.#pendingBytes > largeTokenBytes) this.#answer.awaitMessage(this.#pendingBytes);
    } else if (this.#pendingBytes > this.#admittedBytes) {
      this.#hasLargeRow = true;
      this.#answer.holdRow(this.#pendingBytes, 2);
    }
  }

  /** The driver has read one token. */
  token(isRow: boolean): void {
    this.#answer.progressed();
    this.#pendingBytes = 0;
    if (this.#areRowsKept || !isRow) this.#answer.add(0, this.#columns);
    else if (this.#hasLargeRow) {
      this.#hasLargeRow = false;
      this.#answer.holdRow(0, 1);
    }
  }

  /** Nobody reads at the moment, so the server cannot go on. */
  paused(): void {
    this.#answer.progressed();
  }
}
