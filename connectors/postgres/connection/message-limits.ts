import type { Answer } from '../../sql/connection/answer.ts';
import type { AuthenticationGate } from './authentication.ts';

const headBytes = 5;
/** The pieces of an incomplete message are joined now and then: each join copies all, but a piece of one byte is an object of some hundred. */
export const mostPieces = 1_024;
const errorResponse = 0x45;
const noticeResponse = 0x4e;
/** NoticeResponse, ParameterStatus, NotificationResponse: sent at any time, and no part of an answer. */
export const asides: ReadonlySet<number> = new Set([noticeResponse, 0x53, 0x41]);
const dataRow = 0x44;
const authentication = 0x52;
const readyForQuery = 0x5a;

/**
 * Sits before the message parser of `pg`, which trusts every length and terminator: an ErrorResponse without its last byte would be read
 * forever, and a length of 4 GB would be waited for. Passes on only whole messages that the parser can handle.
 */
export class MessageGate {
  readonly #authentication: AuthenticationGate;
  readonly #next: (messages: Buffer) => void;
  /** The start of an incomplete message. */
  #held: Buffer[] = [];
  #heldBytes = 0;
  /** Size of the held message; 0 if its header is incomplete. */
  #wantedBytes = 0;
  readonly #answer: Answer;

  constructor(authentication: AuthenticationGate, answer: Answer, next: (messages: Buffer) => void) {
    this.#authentication = authentication;
    this.#answer = answer;
    this.#next = next;
  }

  readonly push = (chunk: Buffer): void => {
    if (this.#heldBytes > 0 && this.#heldBytes + chunk.length < Math.max(this.#wantedBytes, headBytes)) {
      this.#noteProgress(this.#held[0]?.[0]);
      this.#hold(chunk);
      return;
    }
    const bytes = this.#heldBytes > 0 ? Buffer.concat([...this.#held, chunk]) : chunk;
    this.#held = [];
    this.#heldBytes = 0;
    this.#wantedBytes = 0;
    const end = this.#wholeMessages(bytes);
    if (end < bytes.length) this.#hold(bytes.subarray(end));
    if (end > 0) this.#next(end === bytes.length ? bytes : bytes.subarray(0, end));
  };

  #hold(part: Buffer): void {
    this.#held.push(part);
    if (this.#held.length > mostPieces) this.#held = [Buffer.concat(this.#held)];
    this.#heldBytes += part.length;
  }

  #noteProgress(type: number | undefined): void {
    if (type !== undefined && !asides.has(type)) this.#answer.progressed();
  }

  /** The offset where the last whole message ends. */
  #wholeMessages(bytes: Buffer): number {
    let at = 0;
    while (bytes.length - at >= headBytes) {
      const length = bytes.readUInt32BE(at + 1);
      if (length < 4) throw new Error(`a message of ${length} bytes`);
      this.#noteProgress(bytes[at]);
      this.#answer.requireRoom(length);
      const end = at + 1 + length;
      if (end > bytes.length) {
        this.#wantedBytes = end - at;
        break;
      }
      this.#require(bytes[at] ?? 0, bytes.subarray(at + headBytes, end));
      at = end;
    }
    return at;
  }

  #require(type: number, body: Buffer): void {
    this.#answer.add(body.length, type === dataRow && body.length >= 2 ? body.readUInt16BE(0) : 0);
    if (type === readyForQuery) {
      this.#authentication.requireLoggedIn();
      this.#answer.begin();
    } else if (type === dataRow) requireFields(body);
    else if (type === errorResponse || type === noticeResponse) requireEnded(body);
    else if (type === authentication) this.#authentication.require(body);
  }
}

/** A count, then for each field its length (-1 for NULL) and bytes. */
function requireFields(body: Buffer): void {
  const count = body.length < 2 ? -1 : body.readInt16BE(0);
  let at = 2;
  for (let field = 0; field < count && at + 4 <= body.length; field++) {
    const length = body.readInt32BE(at);
    if (length < -1) throw new Error(`a field of ${length} bytes`);
    at += 4 + Math.max(0, length);
    if (field === count - 1 && at === body.length) return;
  }
  if (count !== 0 || body.length !== 2) throw new Error('a row that is shorter than its message');
}

/** Repeated pairs of a letter and a zero-terminated text, then a zero. */
function requireEnded(body: Buffer): void {
  let at = 0;
  while (at < body.length && body[at] !== 0) {
    const end = body.indexOf(0, at + 1);
    if (end < 0) break;
    at = end + 1;
  }
  if (body[at] !== 0) throw new Error('an error message without a terminator');
}
