import { orAborted } from '../../core/aborted.ts';
import { asIdraError, describeError } from '../../core/errors.ts';
import { type KubernetesObject, refOf } from './objects.ts';
import { type Change, Reflector, type ReflectorOptions } from './reflector.ts';

export interface InformerOptions<T extends KubernetesObject>
  extends Omit<ReflectorOptions<T>, 'namespace' | 'onChange' | 'onList'> {
  /** Omitted or empty: all namespaces, by one watch; else one watch for each. */
  readonly namespaces?: readonly string[] | undefined;
}

/** The cache that reconciles read, fed by one or more reflectors, with change handlers. */
export class Informer<T extends KubernetesObject> {
  readonly #reflectors = new Map<string | undefined, Reflector<T>>();
  readonly #handlers = new Set<(change: Change<T>) => void>();
  readonly #options: InformerOptions<T>;
  readonly #synced = Promise.withResolvers<void>();

  constructor(options: InformerOptions<T>) {
    this.#options = options;
    const namespaces = options.namespaces?.length ? options.namespaces : [undefined];
    for (const namespace of namespaces) {
      const onChange = (change: Change<T>) => this.#notify(change);
      const onList = () => {
        if (this.hasSynced) this.#synced.resolve();
      };
      this.#reflectors.set(namespace, new Reflector({ ...options, namespace, onChange, onList }));
    }
  }

  get hasSynced(): boolean {
    return [...this.#reflectors.values()].every((reflector) => reflector.hasSynced);
  }

  /** Resolves when the cache is complete; rejects with the signal's reason. */
  async whenSynced(signal: AbortSignal): Promise<void> {
    await orAborted(this.#synced.promise, signal);
  }

  /** The state after the last event. Must not be modified: change a copy. */
  get(key: string): T | undefined {
    const reflector = this.#reflectors.get(undefined) ?? this.#reflectors.get(refOf(key).namespace);
    return reflector?.cache.get(key);
  }

  *keys(): Generator<string> {
    for (const reflector of this.#reflectors.values()) yield* reflector.cache.keys();
  }

  *values(): Generator<T> {
    for (const reflector of this.#reflectors.values()) yield* reflector.cache.values();
  }

  get size(): number {
    return [...this.#reflectors.values()].reduce((sum, { cache }) => sum + cache.size, 0);
  }

  /** The handler must only enqueue keys. Returns the function that removes it. */
  onChange(handler: (change: Change<T>) => void): () => void {
    this.#handlers.add(handler);
    return () => this.#handlers.delete(handler);
  }

  async run(signal: AbortSignal): Promise<void> {
    await Promise.all([...this.#reflectors.values()].map((reflector) => reflector.run(signal)));
  }

  #notify(change: Change<T>): void {
    for (const handler of this.#handlers) {
      try {
        handler(change);
      } catch (thrown) {
        // A bug in one handler must not end the watch that all depend on; the resync will reach the object.
        const { resource, log } = this.#options;
        log.error('a change handler failed', {
          resource: resource.plural,
          key: change.key,
          error: describeError(asIdraError(thrown)),
        });
      }
    }
  }
}
