import type { Clock } from '../../core/clock.ts';
import type { Log } from '../../core/log.ts';
import { managedByAnnotation } from '../../core/manifest/names.ts';
import { type Condition, kstatusConditions, setConditions, unsettled } from '../runtime/conditions.ts';
import type { ReconcileResult } from '../runtime/controller.ts';
import type { EventRecorder } from '../runtime/events.ts';
import type { KubernetesObject, Resource } from '../runtime/objects.ts';
import type { Ownership } from './ownership.ts';
import type { StatusWriter } from './status-writer.ts';

interface ForeignObjectsDeps {
  readonly ownership: Pick<Ownership, 'installation'>;
  readonly events: EventRecorder;
  readonly clock: Clock;
  readonly log: Log;
}

type WithConditions = { readonly conditions?: readonly Condition[] };

export function managedElsewhere(installation: string, owner: string) {
  const message = `is managed by another installation of Idra, ${owner}: ${installation} does not change it. To hand it over, see the annotation ${managedByAnnotation} in docs/installations.md`;
  return { reason: 'ManagedElsewhere', message } as const;
}

/** Time in which another running installation writes the first status of its own objects. */
const defaultBlankMs = 30_000;

/**
 * Objects managed by another installation: reported once, in an event. Their status is written by the other installation; only a status
 * that stays blank gets conditions from this one, and a Sync that this one stops, because the named installation may not exist.
 */
export class ForeignObjects {
  readonly #blankMs: number;
  readonly #reported = new Map<string, { readonly owner: string; readonly atMs: number }>();

  constructor(blankMs = defaultBlankMs) {
    this.#blankMs = blankMs;
  }

  async report<S extends WithConditions & Readonly<Record<string, unknown>>>(
    deps: ForeignObjectsDeps,
    resource: Resource,
    object: KubernetesObject & { readonly status?: S },
    { owner, statuses, signal }: { owner: string; statuses: StatusWriter<S>; signal: AbortSignal },
  ): Promise<ReconcileResult | undefined> {
    const { uid, generation = 1, namespace, name } = object.metadata;
    const nowMs = deps.clock.monotonicMs();
    const { installation } = deps.ownership;
    const { reason, message } = managedElsewhere(installation, owner);
    const known = this.#reported.get(uid);
    if (known?.owner !== owner) {
      this.#reported.set(uid, { owner, atMs: nowMs });
      deps.events.record(resource, object, { type: 'Normal', reason, action: 'Leave', note: message });
      deps.log.info('an object is managed by another installation', {
        [resource.kind]: `${namespace}/${name}`,
        owner,
      });
    }
    if ((statuses.current(object)?.conditions ?? []).length > 0) return undefined;
    const leftMs = (this.#reported.get(uid)?.atMs ?? nowMs) + this.#blankMs - nowMs;
    if (leftMs > 0) return { requeueAfterMs: leftMs };
    const verdicts = kstatusConditions(unsettled({ reason, message }));
    const conditions = setConditions([], verdicts, { generation, nowMs: deps.clock.now() });
    const blank = (current: S | undefined) =>
      (current?.conditions ?? []).length > 0 ? undefined : ({ ...current, conditions } as unknown as S);
    await statuses.write(object, blank, { signal });
    return undefined;
  }

  forget(uid: string): void {
    this.#reported.delete(uid);
  }
}
