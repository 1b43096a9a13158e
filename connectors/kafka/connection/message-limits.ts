import type { AnswerShare } from '../../../core/answer-memory.ts';
import { maxMessageBytes } from '../../sql/connection/guarded-socket.ts';

/** Smaller answers are not counted one by one. */
const countedBytes = 65_536;
/** While an answer is decoded: its pieces, and the joined answer. */
const answerFactor = 2;

export interface FrameLimits {
  readonly share: AnswerShare;
  /** Bytes of the answer that were acquired elsewhere: a fetch is limited by its batch. */
  readonly acquired: () => number;
  readonly isExpected: () => boolean;
}

/**
 * Follows the frames of a broker's answers, each with its length before it, and refuses lengths that no answer has. The driver would wait
 * for them with growing memory (Invariant 13).
 */
export class FrameGuard {
  readonly #limits: FrameLimits;
  readonly #head = Buffer.alloc(4);
  #headBytes = 0;
  /** Bytes of the current frame that have not arrived. */
  #left = 0;

  constructor(limits: FrameLimits) {
    this.#limits = limits;
  }

  inspect(chunk: Buffer): void {
    let at = 0;
    while (at < chunk.length) {
      if (this.#left === 0) {
        const copied = chunk.copy(this.#head, this.#headBytes, at, at + 4 - this.#headBytes);
        at += copied;
        this.#headBytes += copied;
        if (this.#headBytes === 4) this.#begin(this.#head.readInt32BE(0));
      } else {
        const taken = Math.min(this.#left, chunk.length - at);
        at += taken;
        this.#left -= taken;
        if (this.#left === 0) this.#limits.share.release();
      }
    }
  }

  #begin(length: number): void {
    this.#headBytes = 0;
    if (length < 4 || length > maxMessageBytes) throw new Error(`an answer of ${length} bytes`);
    if (!this.#limits.isExpected()) throw new Error('an answer that nobody asked for');
    this.#left = length;
    const counted = length - this.#limits.acquired();
    if (counted > countedBytes) this.#limits.share.hold(counted * answerFactor);
  }
}
