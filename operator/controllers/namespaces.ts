import type { Clock } from '../../core/clock.ts';
import { hasCode } from '../runtime/api-errors.ts';
import { isBeingDeleted, type KubernetesObject, type Resource } from '../runtime/objects.ts';
import type { OperatorClient } from './operator-client.ts';

export const namespaceResource: Resource = {
  group: '',
  version: 'v1',
  plural: 'namespaces',
  kind: 'Namespace',
};

const keptMs = 5_000;

interface Known {
  readonly atMs: number;
  readonly object: Promise<KubernetesObject | undefined>;
}

/**
 * Namespaces that are being deleted. The API server is asked at most once per few seconds for each, and only if something of a namespace
 * cannot be cleaned up: an operator that watches thousands of namespaces does not watch the namespaces themselves.
 */
export class Namespaces {
  readonly #client: Pick<OperatorClient, 'get'>;
  readonly #clock: Clock;
  readonly #known = new Map<string, Known>();

  constructor(client: Pick<OperatorClient, 'get'>, clock: Clock) {
    this.#client = client;
    this.#clock = clock;
  }

  /** The namespace, if it is being deleted; undefined also if the operator lacks the right to read it. */
  async terminating(name: string, signal: AbortSignal): Promise<KubernetesObject | undefined> {
    const nowMs = this.#clock.monotonicMs();
    for (const [key, { atMs }] of this.#known) if (nowMs - atMs >= keptMs) this.#known.delete(key);
    const known = this.#known.get(name);
    const object = known ? known.object : this.#get(name, signal);
    if (!known) this.#known.set(name, { atMs: nowMs, object });
    try {
      const found = await object;
      return isBeingDeleted(found) ? found : undefined;
    } catch (thrown) {
      this.#known.delete(name);
      throw thrown;
    }
  }

  async #get(name: string, signal: AbortSignal): Promise<KubernetesObject | undefined> {
    try {
      return await this.#client.get<KubernetesObject>(namespaceResource, { name }, { signal });
    } catch (thrown) {
      if (hasCode(thrown, 'KubernetesForbidden', 'KubernetesNotFound')) return undefined;
      throw thrown;
    }
  }
}
