import { apiRoot, startRequest } from './client.ts';
import { parseMessages } from './live-messages.ts';
import type { Live } from './types.ts';

export type LiveState =
  | { readonly kind: 'connecting' | 'live' | 'paused' }
  /** `since`: time of the last sign of life, in ms. */
  | { readonly kind: 'stale'; readonly since: number };

type Listener = (data: Live) => void;

/** The server writes every 15 s even if nothing happens. */
const silentMs = 40_000;
const longestPauseMs = 10_000;
/** Pages change their topics in several steps. */
const settleMs = 30;

/** One stream of server-sent events for all topics that are shown, with resumption by the id of the last message. */
export class LiveConnection {
  readonly #listeners = new Map<string, Set<Listener>>();
  readonly #stateListeners = new Set<() => void>();
  #state: LiveState = { kind: 'connecting' };
  #isPaused = false;
  #connection: AbortController | undefined;
  #timer: number | undefined;
  #failures = 0;
  #lastEventId = '';
  #connectedTopics = '';
  #lastSignMs: number = Date.now();

  get state(): LiveState {
    return this.#state;
  }

  onState(listener: () => void): () => void {
    this.#stateListeners.add(listener);
    return () => this.#stateListeners.delete(listener);
  }

  /** Returns a function that ends it. */
  subscribe(topic: string, listener: Listener): () => void {
    const listeners = this.#listeners.get(topic) ?? new Set();
    this.#listeners.set(topic, listeners);
    listeners.add(listener);
    this.#connectSoon(settleMs);
    return () => {
      listeners.delete(listener);
      if (listeners.size === 0 && this.#listeners.get(topic) === listeners) this.#listeners.delete(topic);
      this.#connectSoon(settleMs);
    };
  }

  pause(isPaused: boolean): void {
    this.#isPaused = isPaused;
    if (isPaused) {
      this.close();
      this.#set({ kind: 'paused' });
    } else this.retry();
  }

  /** Now, such as after a new login. */
  retry(): void {
    this.#connectedTopics = '';
    this.#failures = 0;
    this.#connectSoon(0);
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#connection?.abort();
    this.#connection = undefined;
    this.#connectedTopics = '';
  }

  #connectSoon(ms: number): void {
    clearTimeout(this.#timer);
    if (this.#isPaused) return;
    this.#timer = window.setTimeout(() => void this.#connect(), ms);
  }

  async #connect(): Promise<void> {
    const topics = [...this.#listeners.keys()].sort();
    const wanted = topics.join('\n');
    if (wanted === this.#connectedTopics && this.#connection) return;
    this.#connection?.abort();
    if (topics.length === 0) {
      this.close();
      return;
    }
    // The id says what was received of these topics only.
    const resumesAt = this.#lastEventId.startsWith(`${wanted}\n\n`)
      ? this.#lastEventId.slice(wanted.length + 2)
      : '';
    const connection = new AbortController();
    this.#connection = connection;
    this.#connectedTopics = wanted;
    try {
      await this.#read(topics, resumesAt, connection);
    } catch {
      // Told by the state below.
    }
    if (connection !== this.#connection) return;
    this.#connection = undefined;
    this.#connectedTopics = '';
    this.#failures += 1;
    this.#set({ kind: 'stale', since: this.#lastSignMs });
    this.#connectSoon(
      Math.min(longestPauseMs, 500 * 2 ** Math.min(this.#failures, 5)) * (0.75 + Math.random() / 2),
    );
  }

  async #read(topics: readonly string[], resumesAt: string, connection: AbortController): Promise<void> {
    const query = topics.map((topic) => `topic=${encodeURIComponent(topic)}`).join('&');
    const signedOut = startRequest();
    const response = await fetch(`${apiRoot}/live?${query}`, {
      headers: { accept: 'text/event-stream', ...(resumesAt !== '' && { 'last-event-id': resumesAt }) },
      credentials: 'same-origin',
      signal: connection.signal,
    });
    if (response.status === 401) signedOut();
    if (!response.ok || !response.body) throw new Error(`status ${response.status}`);
    this.#failures = 0;
    let watchdog: number | undefined;
    const alive = () => {
      this.#lastSignMs = Date.now();
      this.#set({ kind: 'live' });
      clearTimeout(watchdog);
      watchdog = window.setTimeout(() => connection.abort(), silentMs);
    };
    try {
      for await (const { event, id, data } of parseMessages(response.body, alive)) {
        if (event === 'ended') signedOut();
        if (connection !== this.#connection) return;
        if (id !== '') this.#lastEventId = `${topics.join('\n')}\n\n${id}`;
        if (data) this.#deliver(data);
      }
    } finally {
      clearTimeout(watchdog);
    }
  }

  #deliver(data: Live): void {
    for (const listener of this.#listeners.get(data.topic) ?? []) listener(data);
  }

  #set(state: LiveState): void {
    if (state.kind === this.#state.kind && state.kind !== 'stale') return;
    this.#state = state;
    for (const listener of this.#stateListeners) listener();
  }
}
