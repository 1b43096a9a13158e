import { maxMessageBytes } from '../sql/guarded-socket.ts';

const headBytes = 4;
/** A packet of this length goes on in the next one. */
const fullPacketBytes = 0xff_ff_ff;

/**
 * Walks the heads of the packets that a server sends, ahead of the driver, which puts together whatever a server says belongs together and
 * keeps every row of an answer that is not streamed.
 */
export class PacketLimits {
  /** Of the packet's body, still to come. */
  #missing = 0;
  readonly #head = Buffer.alloc(headBytes);
  #headLength = 0;
  #messageBytes = 0;
  #answerBytes = 0;
  #isStreaming = false;

  /** A statement begins. Of a stream only single rows are kept in memory. */
  begin(isStreaming: boolean): void {
    this.#answerBytes = 0;
    this.#isStreaming = isStreaming;
  }

  readonly inspect = (chunk: Buffer): void => {
    this.#answerBytes += chunk.length;
    if (!this.#isStreaming && this.#answerBytes > maxMessageBytes)
      throw new Error(`an answer of more than ${maxMessageBytes} bytes where few are expected`);
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
      if (this.#messageBytes > maxMessageBytes)
        throw new Error(`a row of more than ${maxMessageBytes} bytes`);
      if (length < fullPacketBytes) this.#messageBytes = 0;
      const body = Math.min(length, chunk.length - at);
      at += body;
      this.#missing = length - body;
    }
  };
}
