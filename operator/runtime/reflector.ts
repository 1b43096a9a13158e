import { backoffMs } from '../../core/backoff.ts';
import { type Clock, systemClock } from '../../core/clock.ts';
import { asIdraError, describeError } from '../../core/errors.ts';
import type { Log } from '../../core/log.ts';
import { hasCode } from './api-errors.ts';
import type { KubernetesClient, WatchEvent } from './client.ts';
import { isNewer, type KubernetesObject, keyOf, type Resource, withoutManagedFields } from './objects.ts';

/** Missing `before`: new. Missing `after`: deleted. An object that was deleted and recreated is reported as both. */
export interface Change<T> {
  readonly key: string;
  readonly before: T | undefined;
  readonly after: T | undefined;
}

export interface ReflectorOptions<T extends KubernetesObject> {
  readonly client: Pick<KubernetesClient, 'list' | 'watch'>;
  readonly resource: Resource;
  /** Omitted: all. */
  readonly namespace?: string | undefined;
  /** Reduces an object before it is cached (its metadata must stay): a cache of thousands should hold only what is read. */
  readonly transform?: ((object: T) => T) | undefined;
  /** Must only enqueue keys; must not throw. */
  readonly onChange: (change: Change<T>) => void;
  /** Called after each full list. */
  readonly onList?: (() => void) | undefined;
  /** Called after a list that is older than what was read before: the server's data was restored to an earlier state. */
  readonly onRestored?: (() => void) | undefined;
  readonly log: Log;
  readonly clock?: Clock | undefined;
  readonly random?: (() => number) | undefined;
  readonly pageSize?: number | undefined;
}

const retryLimits = { baseMs: 500, maxMs: 15_000 };
const minWatchMs = 240_000;
const maxWatchMs = 420_000;
/** Bookmarks arrive each minute. */
const inactivityMs = 90_000;
/** Interval after which anything that a watch missed is detected. */
const relistMs = 3_600_000;
/** A watch that ends sooner without an event counts as a failure; otherwise it would be reopened in a tight loop. */
const shortWatchMs = 1_000;

/**
 * A copy of all objects of one kind, kept by one list and a continuous watch: each watch that ends is followed by another from its last
 * version; only if the server no longer has that version (410), or does not have it yet because its data was restored to an earlier state, is
 * the list read again. A watch from a version of the future would report nothing until the server reaches it.
 */
export class Reflector<T extends KubernetesObject> {
  readonly #options: ReflectorOptions<T>;
  readonly #clock: Clock;
  readonly #random: () => number;
  readonly #transform: (object: T) => T;
  #cache = new Map<string, T>();
  /** Where the watch continues; undefined: list first. */
  #resourceVersion: string | undefined;
  /** The newest version of any list or event. */
  #newest = '';
  #listedAtMs = 0;
  #failures = 0;
  #isReported = false;
  #hasSynced = false;

  constructor(options: ReflectorOptions<T>) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#random = options.random ?? Math.random;
    this.#transform = options.transform ?? withoutManagedFields;
  }

  get cache(): ReadonlyMap<string, T> {
    return this.#cache;
  }

  /** A full list was read once: what is not in the cache does not exist. */
  get hasSynced(): boolean {
    return this.#hasSynced;
  }

  /** Runs until the signal fires; no error ends it. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        await this.#listAndWatch(signal);
      } catch (thrown) {
        if (signal.aborted) return;
        this.#fail(thrown);
      }
      if (this.#failures === 0) continue;
      const pauseMs = backoffMs(this.#failures, { ...retryLimits, random: this.#random });
      await this.#clock.sleep(pauseMs, signal).catch(() => {});
    }
  }

  async #listAndWatch(signal: AbortSignal): Promise<void> {
    const isOld = this.#clock.monotonicMs() - this.#listedAtMs > relistMs;
    if (this.#resourceVersion === undefined || isOld || (await this.#isRestored(signal)))
      this.#resourceVersion = await this.#list(signal);
    await this.#watch(this.#resourceVersion, signal);
  }

  /** One object of the list is enough: each answer has the version of the whole. */
  async #isRestored(signal: AbortSignal): Promise<boolean> {
    const { client, resource, namespace } = this.#options;
    const { resourceVersion } = await client.list<T>(resource, { namespace, limit: 1, signal });
    return isNewer(this.#newest, resourceVersion);
  }

  async #list(signal: AbortSignal): Promise<string> {
    const { client, resource, namespace, pageSize: limit = 500 } = this.#options;
    const next = new Map<string, T>();
    let page = await client.list<T>(resource, { namespace, limit, signal });
    this.#takePage(page.items, next);
    while (page.continue !== undefined) {
      page = await client.list<T>(resource, { namespace, limit, continue: page.continue, signal });
      this.#takePage(page.items, next);
    }
    const isRestored = isNewer(this.#newest, page.resourceVersion);
    this.#newest = page.resourceVersion;
    this.#replace(next);
    this.#listedAtMs = this.#clock.monotonicMs();
    this.#hasSynced = true;
    this.#options.onList?.();
    if (isRestored) this.#reportRestored();
    return page.resourceVersion;
  }

  /** Processes pages one by one, so that at most one is in memory in full. */
  #takePage(items: readonly T[], into: Map<string, T>): void {
    for (const item of items) {
      const key = keyOf(item.metadata);
      const known = this.#cache.get(key);
      into.set(key, known && isSameVersion(known, item) ? known : this.#transform(item));
    }
  }

  #replace(next: Map<string, T>): void {
    const previous = this.#cache;
    this.#cache = next;
    for (const [key, before] of previous) if (!next.has(key)) this.#notify({ key, before, after: undefined });
    for (const [key, after] of next) this.#notify({ key, before: previous.get(key), after });
  }

  async #watch(resourceVersion: string, signal: AbortSignal): Promise<void> {
    const { client, resource, namespace } = this.#options;
    const serverTimeoutMs = minWatchMs + this.#random() * (maxWatchMs - minWatchMs);
    const startedMs = this.#clock.monotonicMs();
    let hasEvents = false;
    for await (const event of client.watch<T>(resource, {
      namespace,
      resourceVersion,
      serverTimeoutMs,
      inactivityMs,
      signal,
    })) {
      const version = event.object.metadata.resourceVersion;
      hasEvents = true;
      this.#recover();
      if (isNewer(this.#newest, version)) {
        this.#resourceVersion = undefined;
        this.#failures++;
        return;
      }
      this.#take(event);
      this.#resourceVersion = version;
      this.#newest = version;
    }
    if (hasEvents || this.#clock.monotonicMs() - startedMs >= shortWatchMs) this.#recover();
    else this.#failures++;
  }

  #take(event: WatchEvent<T>): void {
    if (event.type === 'BOOKMARK') return;
    const key = keyOf(event.object.metadata);
    const before = this.#cache.get(key);
    if (event.type === 'DELETED') {
      this.#cache.delete(key);
      if (before) this.#notify({ key, before, after: undefined });
      return;
    }
    const after = this.#transform(event.object);
    this.#cache.set(key, after);
    this.#notify({ key, before, after });
  }

  #notify(change: Change<T>): void {
    const { key, before, after } = change;
    if (before && after) {
      if (isSameVersion(before, after)) return;
      if (before.metadata.uid !== after.metadata.uid) {
        this.#options.onChange({ key, before, after: undefined });
        this.#options.onChange({ key, before: undefined, after });
        return;
      }
    }
    this.#options.onChange(change);
  }

  #fail(thrown: unknown): void {
    this.#failures++;
    if (hasCode(thrown, 'KubernetesExpired')) {
      this.#resourceVersion = undefined;
      return;
    }
    if (this.#isReported) return;
    this.#isReported = true;
    const { resource, namespace, log } = this.#options;
    const error = asIdraError(thrown);
    const fields = { resource: resource.plural, namespace, code: error.code, error: describeError(error) };
    log.warn('cannot watch; will retry', fields);
  }

  #reportRestored(): void {
    const { resource, namespace, log, onRestored } = this.#options;
    log.warn('Kubernetes was restored to an earlier state: everything was read again', {
      resource: resource.plural,
      namespace,
    });
    onRestored?.();
  }

  #recover(): void {
    this.#failures = 0;
    if (!this.#isReported) return;
    this.#isReported = false;
    const { resource, namespace, log } = this.#options;
    log.info('watch restored', { resource: resource.plural, namespace });
  }
}

function isSameVersion(a: KubernetesObject, b: KubernetesObject): boolean {
  return a.metadata.uid === b.metadata.uid && a.metadata.resourceVersion === b.metadata.resourceVersion;
}
