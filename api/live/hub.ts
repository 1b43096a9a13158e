import { randomBytes } from 'node:crypto';
import type { FleetView } from '../../fleet/view/contract.ts';
import { RetryLater } from '../http/retry-later.ts';
import type { Events } from '../views/events.ts';

/** Changes within this time are sent together. */
const flushMs = 300;
const mostStreams = 1_000;
const mostOfOneUser = 50;

/** A stream of one client, as the hub sees it. */
export interface HubStream {
  readonly user: string;
  /** Sends what is new. Never throws: one stream must not end the others. */
  flush(): void;
}

/** Wakes the streams when something has changed, not more often than every `flushMs`, and nothing while nothing changes. */
export class LiveHub {
  /** Of this process: ids of another one mean nothing here. */
  readonly instance = randomBytes(6).toString('hex');
  readonly #streams = new Set<HubStream>();
  readonly #unlisten: () => void;
  #timer: NodeJS.Timeout | undefined;
  /** Counts changes of anything. */
  #generation = 0;

  constructor(view: FleetView, events: Events) {
    const ends = [view.onChange(() => this.#changed()), events.onEvent(() => this.#changed())];
    this.#unlisten = () => {
      for (const end of ends) end();
    };
  }

  get generation(): number {
    return this.#generation;
  }

  get size(): number {
    return this.#streams.size;
  }

  /** Throws NotReady (transient) if there are too many. Returns a function that ends it. */
  add(stream: HubStream): () => void {
    const own = [...this.#streams].filter(({ user }) => user === stream.user).length;
    if (this.#streams.size >= mostStreams || own >= mostOfOneUser)
      throw new RetryLater('NotReady', 'there are too many live streams', 30);
    this.#streams.add(stream);
    return () => this.#streams.delete(stream);
  }

  close(): void {
    this.#unlisten();
    clearTimeout(this.#timer);
  }

  #changed(): void {
    this.#generation += 1;
    if (this.#timer !== undefined || this.#streams.size === 0) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      for (const stream of this.#streams) stream.flush();
    }, flushMs);
  }
}
