import { managedByAnnotation } from '../../core/manifest/names.ts';
import type { KubernetesClient } from '../runtime/client.ts';
import { addFinalizer, removeFinalizer } from '../runtime/finalizer.ts';
import { isBeingDeleted, type KubernetesObject, type Resource } from '../runtime/objects.ts';
import type { Change } from '../runtime/reflector.ts';
import { finalizer } from './objects.ts';

/** `namespace/name` of the installation that manages an object; undefined: it is unclaimed. */
export function ownerOf({ metadata }: KubernetesObject): string | undefined {
  return metadata.annotations?.[managedByAnnotation] || undefined;
}

/**
 * Determines which objects are ours if two installations of Idra watch one namespace. An object belongs to the installation that its
 * annotation names, whether or not that installation is running, since its agents may run even if its operator does not. An object that
 * names none goes to the first installation that claims it; but if every object in its namespace belongs to another installation, new
 * objects are left to that one, so that a Sync is not separated from its DataSources.
 */
export class Ownership {
  readonly installation: string;
  readonly #client: Pick<KubernetesClient, 'patch'>;
  /** Namespace -> owner -> number of objects. */
  readonly #counts = new Map<string, Map<string, number>>();

  constructor(client: Pick<KubernetesClient, 'patch'>, installation: string) {
    this.#client = client;
    this.installation = installation;
  }

  isOurs(object: KubernetesObject): boolean {
    return ownerOf(object) === this.installation;
  }

  /** The other installation that it is left to; undefined: it is ours, or may be claimed. */
  foreignOwner(object: KubernetesObject): string | undefined {
    const owner = ownerOf(object);
    if (owner !== undefined) return owner === this.installation ? undefined : owner;
    const owners = this.#counts.get(object.metadata.namespace ?? '');
    if (!owners || owners.has(this.installation)) return undefined;
    const [first] = [...owners.keys()].sort();
    return first;
  }

  /** Called on watch events. True: the namespace no longer has an owner, so its unclaimed objects may be claimed. */
  change({ before, after }: Change<KubernetesObject>): boolean {
    const [was, is] = [before && ownerOf(before), after && ownerOf(after)];
    if (was === is) return false;
    const namespace = (after ?? before)?.metadata.namespace ?? '';
    const owners = this.#counts.get(namespace) ?? new Map<string, number>();
    if (is !== undefined) owners.set(is, (owners.get(is) ?? 0) + 1);
    if (was !== undefined) {
      const left = (owners.get(was) ?? 1) - 1;
      if (left > 0) owners.set(was, left);
      else owners.delete(was);
    }
    if (owners.size > 0) this.#counts.set(namespace, owners);
    else this.#counts.delete(namespace);
    return was !== undefined && owners.size === 0;
  }

  /**
   * Writes our name and finalizer to the object: from then on no other installation touches it, and deletion waits for us. If two
   * installations try at the same time, one gets KubernetesConflict. An object that is being deleted cannot get a finalizer: without one,
   * nothing is to be done.
   */
  async claim<T extends KubernetesObject>(resource: Resource, object: T, signal: AbortSignal): Promise<T> {
    const { finalizers = [] } = object.metadata;
    if (isBeingDeleted(object) && !finalizers.includes(finalizer)) return object;
    const annotations = { [managedByAnnotation]: this.installation };
    return await addFinalizer(this.#client, resource, object, finalizer, { signal, annotations });
  }

  /** Any installation may claim it from then on. */
  async release(resource: Resource, object: KubernetesObject, signal: AbortSignal): Promise<void> {
    const annotations = { [managedByAnnotation]: null };
    await removeFinalizer(this.#client, resource, object, finalizer, { signal, annotations });
  }
}
