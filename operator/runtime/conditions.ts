import { conditionMessage } from '../../core/condition-message.ts';

/** `metav1.Condition`. */
export interface Condition {
  readonly type: string;
  readonly status: ConditionStatus;
  /** CamelCase, stable. */
  readonly reason: string;
  readonly message: string;
  readonly observedGeneration?: number;
  /** Time at which `status` last changed: RFC 3339, whole seconds. */
  readonly lastTransitionTime: string;
}

export type ConditionStatus = 'True' | 'False' | 'Unknown';
export type Verdict = Pick<Condition, 'type' | 'status' | 'reason' | 'message'>;

const maxMessageLength = 32_768;

/**
 * Updates the conditions with these verdicts. Other conditions stay; lastTransitionTime changes only with `status`; if nothing changed
 * the same array is returned, so that `===` shows that there is nothing to write.
 */
export function setConditions(
  existing: readonly Condition[],
  verdicts: readonly Verdict[],
  at: { readonly generation: number; readonly nowMs: number },
): readonly Condition[] {
  const fresh = verdicts.map((verdict) => next(findCondition(existing, verdict.type), verdict, at));
  if (fresh.every((condition) => existing.includes(condition))) return existing;
  const kept = existing.map((condition) => findCondition(fresh, condition.type) ?? condition);
  const added = fresh.filter(({ type }) => findCondition(existing, type) === undefined);
  return [...kept, ...added];
}

export function findCondition(conditions: readonly Condition[], type: string): Condition | undefined {
  return conditions.find((condition) => condition.type === type);
}

export interface KstatusVerdict {
  readonly ready: Omit<Verdict, 'type'>;
  /** Why it is not settled yet; omitted: it is. */
  readonly reconciling?: { readonly reason: string; readonly message: string } | undefined;
  /** Why it cannot continue without action; omitted: it can. */
  readonly stalled?: { readonly reason: string; readonly message: string } | undefined;
}

/** Neither ready nor failed: it is not settled yet. */
export function unsettled(why: { readonly reason: string; readonly message: string }): KstatusVerdict {
  return { ready: { status: 'Unknown', ...why }, reconciling: why };
}

/**
 * Ready, Reconciling and Stalled as kstatus (and with it `kubectl wait`, Argo CD, Flux) reads them: the last two are True only if there
 * is a problem. All three are always present, so that a wait for either value ends.
 */
export function kstatusConditions({ ready, reconciling, stalled }: KstatusVerdict): readonly Verdict[] {
  const { reason, message } = ready;
  return [
    { type: 'Ready', ...ready },
    { type: 'Reconciling', status: reconciling ? 'True' : 'False', ...(reconciling ?? { reason, message }) },
    { type: 'Stalled', status: stalled ? 'True' : 'False', ...(stalled ?? { reason, message }) },
  ];
}

function next(
  known: Condition | undefined,
  verdict: Verdict,
  at: { generation: number; nowMs: number },
): Condition {
  const { type, status, reason } = verdict;
  const message = conditionMessage(reason, verdict.message).slice(0, maxMessageLength);
  const isSame =
    known?.status === status &&
    known.reason === reason &&
    known.message === message &&
    known.observedGeneration === at.generation;
  if (isSame) return known;
  const lastTransitionTime = known?.status === status ? known.lastTransitionTime : wholeSeconds(at.nowMs);
  return { type, status, reason, message, observedGeneration: at.generation, lastTransitionTime };
}

function wholeSeconds(ms: number): string {
  return new Date(ms).toISOString().replace(/\.\d+Z$/, 'Z');
}
