import { hasCode } from '../runtime/api-errors.ts';
import type { CallOptions, KubernetesClient } from '../runtime/client.ts';
import { isNewer, type KubernetesObject, keyOf, type Resource } from '../runtime/objects.ts';
import { mergePatch } from './merge-patch.ts';

type Status = Readonly<Record<string, unknown>>;
type WithStatus<S> = KubernetesObject & { readonly status?: S };

export interface StatusWriterOptions {
  readonly client: Pick<KubernetesClient, 'patch'>;
  readonly resource: Resource;
  /** Called with the key of the object. */
  readonly onWrite?: ((key: string) => void) | undefined;
}

/**
 * Writes the status of objects of one kind: only the differences, one write per object at a time. It keeps its last write, because the
 * cache receives it slightly later.
 */
export class StatusWriter<S extends Status> {
  readonly #options: StatusWriterOptions;
  readonly #written = new Map<
    string,
    { readonly uid: string; readonly version: string; readonly status: S }
  >();
  readonly #lines = new Map<string, Promise<unknown>>();

  constructor(options: StatusWriterOptions) {
    this.#options = options;
  }

  /** The newest known status: from the object, or written since. */
  current(object: WithStatus<S>): S | undefined {
    const key = keyOf(object.metadata);
    const written = this.#written.get(key);
    if (written === undefined) return object.status;
    if (written.uid === object.metadata.uid && isNewer(written.version, object.metadata.resourceVersion))
      return written.status;
    this.#written.delete(key);
    return object.status;
  }

  /**
   * `change` computes the new status from the newest one; undefined or the same object: nothing to do. Returns the object after a write.
   * A deleted object is ignored; one recreated under its name is refused with KubernetesConflict.
   */
  async write<T extends WithStatus<S>>(
    object: T,
    change: (current: S | undefined) => S | undefined,
    options?: CallOptions,
  ): Promise<T | undefined> {
    const key = keyOf(object.metadata);
    const last = this.#lines.get(key);
    const turn = (last ?? Promise.resolve()).then(() => this.#write(key, object, change, options));
    const settled = turn.catch(() => {});
    this.#lines.set(key, settled);
    try {
      return await turn;
    } finally {
      if (this.#lines.get(key) === settled) this.#lines.delete(key);
    }
  }

  forget(key: string): void {
    this.#written.delete(key);
  }

  /** What was written may be lost, because the server was restored to an earlier state. */
  forgetAll(): void {
    this.#written.clear();
  }

  async #write<T extends WithStatus<S>>(
    key: string,
    object: T,
    change: (current: S | undefined) => S | undefined,
    options: CallOptions | undefined,
  ): Promise<T | undefined> {
    const current = this.current(object);
    const next = change(current);
    if (next === undefined || next === current) return undefined;
    const status = mergePatch(current ?? {}, next);
    if (status === undefined) return undefined;
    const { uid, name, namespace } = object.metadata;
    const { client, resource, onWrite } = this.#options;
    try {
      const patch = { metadata: { uid }, status };
      const answer = await client.patch<T>(resource, { name, namespace }, patch, {
        ...options,
        subresource: 'status',
      });
      this.#written.set(key, {
        uid,
        version: answer.metadata.resourceVersion,
        status: answer.status ?? next,
      });
      onWrite?.(key);
      return answer;
    } catch (thrown) {
      if (hasCode(thrown, 'KubernetesNotFound')) return undefined;
      throw thrown;
    }
  }
}
