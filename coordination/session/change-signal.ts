/**
 * A caller that could not create a key waits on its watch before it retries. The watch may be behind the answer that the caller got, and
 * would wake it at once, so it is given this time first.
 */
export const watchCatchesUpMs = 50;

/** Waits for a condition on state that a watch keeps up to date. */
export class ChangeSignal {
  readonly #listeners = new Set<() => void>();
  #isSettled = false;

  /** The state has changed; after the first call it is complete. */
  notify(): void {
    this.#isSettled = true;
    for (const listener of this.#listeners) listener();
  }

  /** Rejects with the signal's reason. */
  async until(condition: () => boolean, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (this.#isSettled && condition()) return;
    await new Promise<void>((resolve, reject) => {
      const done = (settle: () => void) => {
        this.#listeners.delete(check);
        signal.removeEventListener('abort', stop);
        settle();
      };
      const check = () => {
        if (condition()) done(resolve);
      };
      const stop = () => done(() => reject(signal.reason));
      this.#listeners.add(check);
      signal.addEventListener('abort', stop, { once: true });
    });
  }
}
