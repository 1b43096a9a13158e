import { maxMessageBytes } from './guarded-socket.ts';

/** What a driver makes of each message and each field of a row, beside their bytes: measured, and rounded up. */
const messageBytes = 256;
const fieldBytes = 40;

/**
 * The memory that an answer takes whose rows are all kept, as those about a catalogue are. A message of a few bytes becomes objects of some
 * hundred, so bytes alone are no measure: a hundred million empty rows would end the process.
 */
export class AnswerSize {
  #bytes = 0;

  begin(): void {
    this.#bytes = 0;
  }

  /** Before a message of this length is waited for. */
  requireRoom(length: number): void {
    if (this.#bytes + length > maxMessageBytes)
      throw new Error(`an answer that takes more than ${maxMessageBytes} bytes of memory`);
  }

  add(length: number, fields: number): void {
    this.#bytes += length + messageBytes + fields * fieldBytes;
    this.requireRoom(0);
  }
}
