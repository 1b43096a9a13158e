import { type IdraError, transient } from './errors.ts';
import { ofNamespaceWithMost } from './namespace-with-most.ts';

/** A connection on which an answer arrives. */
export interface Answering {
  /** Of the DataSource. */
  readonly namespace: string;
  /** The server with its DataSource, for messages. */
  readonly where: string;
  /** Closes the connection; its callers get the error. */
  readonly end: (error: IdraError) => void;
}

/** The part of one connection. */
export interface AnswerShare {
  /** Sets what the answer takes now. Throws if this is the answer that has to give way. */
  hold(bytes: number): void;
  release(): void;
}

const mebibyte = 1_024 ** 2;
const leastLimitBytes = 64 * mebibyte;

/**
 * The memory of a process for what servers are sending and what is kept until it is complete: answers about their tables, and rows larger
 * than a batch. Each is limited alone, but many at once would end the process. Above the limit the largest answer of the namespace with
 * the most is ended, so that nobody who sends little gives way to somebody who sends much.
 *
 * Batches have a budget of their own, which is acquired before they are read (core/budget.ts).
 */
export class AnswerMemory {
  #limit: number;
  #used = 0;
  readonly #held = new Map<Answering, number>();

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** The limit that belongs to a budget for batches. */
  limitFor(bytesInFlight: number): void {
    this.#limit = Math.max(leastLimitBytes, 2 * bytesInFlight);
  }

  get limit(): number {
    return this.#limit;
  }

  get used(): number {
    return this.#used;
  }

  shareOf(answering: Answering): AnswerShare {
    return {
      hold: (bytes) => {
        this.#set(answering, bytes);
        if (this.#used > this.#limit) this.#makeRoom(answering);
      },
      release: () => this.#set(answering, 0),
    };
  }

  #set(answering: Answering, bytes: number): void {
    this.#used += bytes - (this.#held.get(answering) ?? 0);
    if (bytes > 0) this.#held.set(answering, bytes);
    else this.#held.delete(answering);
  }

  #makeRoom(asking: Answering): void {
    while (this.#used > this.#limit) {
      const largest = this.#largest();
      const error = tooLarge(largest.where, this.#held.get(largest) ?? 0, this.#used, this.#limit);
      this.#set(largest, 0);
      if (largest === asking) throw error;
      largest.end(error);
    }
  }

  #largest(): Answering {
    const candidates = ofNamespaceWithMost([...this.#held], ([{ namespace }, amount]) => ({
      namespace,
      amount,
    }));
    const [[largest]] = candidates.toSorted(([, one], [, other]) => other - one) as [[Answering, number]];
    return largest;
  }
}

/** One for all connections of the process. */
export const answerMemory: AnswerMemory = new AnswerMemory(256 * mebibyte);

function tooLarge(where: string, bytes: number, used: number, limit: number): IdraError {
  const size = (amount: number) => `${Math.ceil(amount / mebibyte)} MiB`;
  return transient(
    'AnswersTooLarge',
    `${where}: the server sends an answer or a row of ${size(bytes)}, and all that servers send at this moment take ${size(used)} of the ${size(limit)} that this process may use for it; the largest was ended`,
    {
      fix: 'if it happens again, look for what is so large in this answer: very long values, or very many tables or columns; or raise IDRA_MAX_BYTES_IN_FLIGHT and the memory of the process',
    },
  );
}
