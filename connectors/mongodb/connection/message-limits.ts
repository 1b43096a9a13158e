import type { Answer } from '../../sql/connection/answer.ts';

const headerBytes = 16;
/** The longest answer: a document of the greatest size, and what a server adds to it. Only clients may send more (maxMessageSizeBytes). */
export const maxMessageBytes = 16_777_216 + 1_048_576;
/** Until the login is complete, and on connections that only ask whether the server is alive. */
export const maxSmallMessageBytes = 1_048_576;
const opReply = 1;
const opMsg = 2_013;
/** By default servers ask for 10,000 or 15,000; the driver computes what it is asked for, in a thread that others wait for. */
const maxIterations = 200_000;
/** As the driver reads it, wherever it is. */
const iterationsPattern = /i=\s*\+?0*(\d{6,})/g;

/**
 * Follows the messages that a server sends on one connection. The driver collects a message of any announced length, and inflates
 * compressed ones to any size; compression is never asked for.
 */
export class MessageGate {
  readonly #answer: Answer;
  readonly #limit: () => number;
  readonly #header = Buffer.alloc(headerBytes);
  #headerLength = 0;
  /** Bytes of the current message that have not arrived yet. */
  #missing = 0;
  /** Until the login is complete: the current message. */
  #login: Buffer[] = [];

  constructor(answer: Answer, limit: () => number) {
    this.#answer = answer;
    this.#limit = limit;
  }

  /** Throws at the first message that is not acceptable, before the driver gets any of it that would be kept. */
  readonly inspect = (chunk: Buffer): void => {
    let at = 0;
    while (at < chunk.length) {
      if (this.#missing > 0) {
        const taken = Math.min(this.#missing, chunk.length - at);
        if (this.#limit() === maxSmallMessageBytes) this.#keep(chunk.subarray(at, at + taken), taken);
        at += taken;
        this.#missing -= taken;
      } else at += this.#readHeader(chunk, at);
      if (this.#missing === 0 && this.#headerLength === 0) this.#answer.begin();
    }
    this.#answer.progressed();
  };

  #keep(part: Buffer, taken: number): void {
    this.#login.push(part);
    if (taken < this.#missing) return;
    const message = Buffer.concat(this.#login).toString('latin1');
    this.#login = [];
    for (const [, digits] of message.matchAll(iterationsPattern))
      if (Number(digits) > maxIterations)
        throw new Error(
          `it asks for ${digits?.slice(0, 20)} iterations of SCRAM, where at most ${maxIterations} are computed`,
        );
  }

  /** Returns how many bytes of the chunk belong to the header. */
  #readHeader(chunk: Buffer, at: number): number {
    const taken = Math.min(headerBytes - this.#headerLength, chunk.length - at);
    chunk.copy(this.#header, this.#headerLength, at, at + taken);
    this.#headerLength += taken;
    // The driver waits for the length as soon as it has four bytes.
    if (this.#headerLength >= 4) this.#requireLength();
    if (this.#headerLength < headerBytes) return taken;
    const code = this.#header.readInt32LE(12);
    if (code !== opMsg && code !== opReply) throw new Error(`a message with operation code ${code}`);
    this.#missing = this.#header.readInt32LE(0) - headerBytes;
    this.#headerLength = 0;
    this.#answer.requireRoom(this.#missing);
    return taken;
  }

  #requireLength(): void {
    const length = this.#header.readInt32LE(0);
    const limit = this.#limit();
    if (length < headerBytes || length > limit)
      throw new Error(`a message of ${length} bytes, where at most ${limit} are allowed`);
  }
}
