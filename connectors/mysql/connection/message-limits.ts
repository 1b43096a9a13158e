import { AnswerSize } from '../../sql/connection/answer-size.ts';
import { maxMessageBytes } from '../../sql/connection/guarded-socket.ts';

const headBytes = 4;
/** A packet of this length continues in the next one. */
const fullPacketBytes = 0xff_ff_ff;

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
  readonly #answer = new AnswerSize();
  #columns = 0;
  #areRowsKept = true;

  /** Call before statements are sent. */
  begin(): void {
    this.#answer.begin();
    this.#columns = 0;
    this.#areRowsKept = true;
  }

  /** Call when the result of a statement begins. Rows that are streamed take no memory. */
  beginRows(columns: number, areKept: boolean): void {
    this.#columns = columns;
    this.#areRowsKept = areKept;
  }

  readonly inspect = (chunk: Buffer): void => {
    let at = Math.min(this.#missing, chunk.length);
    this.#missing -= at;
    while (at < chunk.length) {
      const taken = chunk.copy(this.#head, this.#headLength, at);
      this.#headLength += taken;
      at += taken;
      if (this.#headLength < headBytes) return;
      this.#headLength = 0;
      const length = this.#head.readUIntLE(0, 3);
      if (this.#areRowsKept) this.#answer.add(length, this.#columns);
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
