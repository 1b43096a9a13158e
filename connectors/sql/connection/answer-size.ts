import { maxMessageBytes } from './guarded-socket.ts';

/** Memory overhead of the driver for each message and each field of a row, in addition to their bytes: measured and rounded up. */
const messageBytes = 256;
const fieldBytes = 40;

/**
 * The memory used by an answer whose rows are all kept, as for catalog queries. A message of a few bytes becomes objects of some hundred
 * bytes, so counting bytes is not enough: a hundred million empty rows would end the process.
 */
export class AnswerSize {
  #bytes = 0;

  begin(): void {
    this.#bytes = 0;
  }

  /** Call before waiting for a message of this length. */
  requireRoom(length: number): void {
    if (this.#bytes + length > maxMessageBytes)
      throw new Error(`an answer that takes more than ${maxMessageBytes} bytes of memory`);
  }

  add(length: number, fields: number): void {
    this.#bytes += length + messageBytes + fields * fieldBytes;
    this.requireRoom(0);
  }
}
