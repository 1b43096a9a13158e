import type { Socket } from 'node:net';
import { type AnswerShare, answerMemory } from '../../../core/answer-memory.ts';
import type { IdraError } from '../../../core/errors.ts';
import { maxMessageBytes } from './guarded-socket.ts';

/** Memory overhead of the driver for each message and each field of a row, in addition to their bytes: measured and rounded up. */
const messageBytes = 256;
const fieldBytes = 40;
/** Text takes two bytes for each byte as soon as one character of it is not Latin. */
const textFactor = 2;
/** While one large message is decoded: its pieces, the joined piece, and the text. */
const messageFactor = 4;
/** The share of the process's memory is updated in steps. */
const stepBytes = 65_536;
/** Of a greeting or a part of a login. Drivers keep some of them as long as the connection lives, and nobody counts that. */
const mostOfLogin = 65_536;
/** A row counts for at most this part of the limit of the process. */
const mostOfRow = 0.75;

export interface AnswerOwner {
  /** `namespace/name`. */
  readonly dataSource: string;
  /** The server with its DataSource, for messages. */
  readonly where: string;
}

const answers = new WeakMap<Socket, Answer>();

/**
 * What a server is sending on one connection: the memory that it takes until it is complete, and whether it makes progress. A message of a
 * few bytes becomes objects of some hundred bytes, so counting bytes is not enough: a hundred million empty rows would end the process.
 */
export class Answer {
  readonly #share: AnswerShare;
  /** Of an answer whose rows are all kept, as for catalog queries. */
  #bytes = 0;
  #textBytes = 0;
  #heldBytes = 0;
  #progress = 0;
  #isLoggedIn = false;

  constructor(socket: Socket, { dataSource, where }: AnswerOwner) {
    const [namespace = ''] = dataSource.split('/');
    const end = (error: IdraError) => void socket.destroy(error);
    this.#share = answerMemory.shareOf({ namespace, where, end });
    socket.once('close', () => this.#share.release());
    answers.set(socket, this);
  }

  /** Increases whenever the server has sent a part of what was asked for. */
  get progress(): number {
    return this.#progress;
  }

  progressed(): void {
    this.#progress += 1;
  }

  /** Call when the login is complete: until then messages have to be small. */
  loggedIn(): void {
    this.#isLoggedIn = true;
  }

  /** The answer is complete, or another begins. */
  begin(): void {
    this.#bytes = 0;
    this.#textBytes = 0;
    this.#hold(0);
  }

  /** Call before waiting for the rest of a message of this length. */
  requireRoom(length: number): void {
    if (!this.#isLoggedIn && length > mostOfLogin)
      throw new Error(`a message of ${length} bytes during the login`);
    if (this.#bytes + length > maxMessageBytes)
      throw new Error(`an answer that takes more than ${maxMessageBytes} bytes of memory`);
    if (length > stepBytes) this.#raise(this.#keptBytes + messageFactor * length);
  }

  /** For a large message that was added before it has arrived. */
  awaitMessage(length: number): void {
    this.#raise(this.#keptBytes + (messageFactor - textFactor) * length);
  }

  add(length: number, fields: number): void {
    if (!this.#isLoggedIn) this.requireRoom(length);
    this.#bytes += length + messageBytes + fields * fieldBytes;
    this.#textBytes += length;
    this.requireRoom(0);
    this.#raise(this.#keptBytes);
  }

  /**
   * A row that will be passed on, and is larger than what was acquired for a batch; 0: it was passed on. One row is always admitted, with
   * usual answers beside it. `factor`: see `textFactor`.
   */
  holdRow(length: number, factor: 1 | 2): void {
    this.#hold(Math.min(length * factor, mostOfRow * answerMemory.limit));
  }

  get #keptBytes(): number {
    return this.#bytes + (textFactor - 1) * this.#textBytes;
  }

  #raise(bytes: number): void {
    if (bytes > this.#heldBytes + stepBytes) this.#hold(bytes);
  }

  #hold(bytes: number): void {
    if (bytes === this.#heldBytes) return;
    this.#heldBytes = bytes;
    this.#share.hold(bytes);
  }
}

/** Undefined for a socket whose data is not looked at. */
export function answerOn(socket: Socket): Answer | undefined {
  return answers.get(socket);
}
