/**
 * Who has failed to get a key asks its watch when to try again; but the watch may be behind that answer, and would send him
 * back at once. So long it is given before it is asked.
 */
export const watchCatchesUpMs = 50;

/** Lets wait for a condition on something that a watch keeps up to date. */
export class Notice {
  readonly #listeners = new Set<() => void>();
  #isSettled = false;

  /** There is news; from the first time on what is known is whole. */
  tell(): void {
    this.#isSettled = true;
    for (const listener of this.#listeners) listener();
  }

  /** Rejects with the signal's reason. */
  async until(condition: () => boolean, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (this.#isSettled && condition()) return;
    await new Promise<void>((resolve, reject) => {
      const done = (settle: () => void) => {
        this.#listeners.delete(look);
        signal.removeEventListener('abort', stop);
        settle();
      };
      const look = () => {
        if (condition()) done(resolve);
      };
      const stop = () => done(() => reject(signal.reason));
      this.#listeners.add(look);
      signal.addEventListener('abort', stop, { once: true });
    });
  }
}
