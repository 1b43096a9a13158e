import { boundedText } from '../../core/bounded-text.ts';
import type { BoundReport, Guarantee } from '../../core/connector.ts';
import type { StatusReason } from '../../core/error-codes.ts';
import { encodeOffset, type Offset, shownOffset, withoutColumns } from '../../core/offset.ts';
import type { SourcePart } from '../../core/pass-end.ts';
import type { LastError, RequestStatus, RowCounts, SyncState, SyncStatus } from '../../core/status.ts';
import type { Sync } from '../../core/sync-spec.ts';
import type { SkippedRows } from '../../core/sync-store.ts';
import { formatToken, type Token } from '../../core/token.ts';
import { describeSkipped, noSkippedRows } from './skipped-rows.ts';

/** How far the destination is behind: the time of the oldest waiting row, ms since 1970; undefined when it has caught up. */
export type BehindSince = number | undefined;

/** The known state of one Sync. A change makes a new draft; `statusOf` derives the reported status. */
export interface StatusDraft {
  readonly state: SyncState;
  readonly reason: StatusReason;
  readonly message: string;
  readonly nextPassMs?: number | undefined;
  readonly rows: RowCounts;
  readonly offset: Offset | null;
  readonly token?: Token;
  readonly guarantee?: Guarantee;
  readonly bound?: BoundReport;
  readonly parts?: readonly SourcePart[] | undefined;
  readonly behindSince: BehindSince;
  readonly isLagKnown: boolean;
  readonly lastError?: LastError | undefined;
  /** A pass that makes no progress. */
  readonly overdue?: Overdue | undefined;
  readonly requests: readonly RequestStatus[];
  readonly warnings: Warnings;
  readonly skipped: SkippedRows;
  readonly leftOutFields: readonly string[];
  readonly hasCaughtUp: boolean;
  readonly hasCaughtUpBefore: boolean;
  readonly lastSyncTime?: string | undefined;
  readonly lastPassTime?: string;
}

export interface Overdue {
  readonly since: string;
  /** Replaces the message until there is an error. */
  readonly message?: string;
}

/** By origin, in the order in which they are shown. */
export interface Warnings {
  readonly plan: readonly string[];
  readonly others: readonly string[];
  readonly unread: readonly string[];
}

export const emptyDraft: StatusDraft = {
  state: 'Pending',
  reason: 'WaitingForAgent',
  message: 'connecting to both systems',
  rows: { read: 0, written: 0, deleted: 0, rejected: 0 },
  offset: null,
  behindSince: undefined,
  isLagKnown: false,
  requests: [],
  warnings: { plan: [], others: [], unread: [] },
  skipped: noSkippedRows,
  leftOutFields: [],
  hasCaughtUp: false,
  hasCaughtUpBefore: false,
};

export interface StatusInput {
  readonly sync: Sync;
  readonly agent: string;
  readonly nowMs: number;
  readonly rowsPerSecond: number;
}

/** Pure. */
export function statusOf(draft: StatusDraft, { sync, agent, nowMs, rowsPerSecond }: StatusInput): SyncStatus {
  const { offset, token, nextPassMs, requests } = draft;
  const shown = shownState(draft);
  const warnings = warningsOf(draft);
  return defined({
    uid: sync.uid,
    observedGeneration: sync.generation,
    ...shown,
    agent,
    hasCaughtUp: draft.hasCaughtUp,
    hasCaughtUpBefore: draft.hasCaughtUpBefore && !draft.hasCaughtUp ? true : undefined,
    rows: draft.rows,
    rowsPerSecond: shown.state === 'Running' ? rowsPerSecond : undefined,
    offset: offset ? encodeOffset(withoutColumns(offset)) : undefined,
    offsetText: offset ? shownOffset(offset) : undefined,
    lagSeconds: draft.isLagKnown ? lagSeconds(draft.behindSince, nowMs) : undefined,
    observedAt: new Date(nowMs).toISOString(),
    lastSyncTime: draft.lastSyncTime,
    lastPassTime: draft.lastPassTime,
    fencingToken: token === undefined ? undefined : formatToken(token),
    guarantee: draft.guarantee,
    bound: draft.bound,
    parts: draft.parts && shownParts(draft.parts),
    lastError: draft.lastError,
    overdueSince: draft.overdue?.since,
    nextPassTime:
      nextPassMs === undefined || !Number.isFinite(nextPassMs)
        ? undefined
        : new Date(nextPassMs).toISOString(),
    requests: requests.length > 0 ? [...requests] : undefined,
    warnings: warnings.length > 0 ? warnings : undefined,
  });
}

/** Equal texts: nothing important has changed. A sync that is caught up and finds nothing new writes no status. */
export function significantParts(status: SyncStatus): string {
  return JSON.stringify({ ...status, observedAt: '', lastPassTime: '', nextPassTime: '', rowsPerSecond: 0 });
}

/** 0 only if nothing waits. */
export function lagSeconds(behindSince: BehindSince, nowMs: number): number {
  return behindSince === undefined ? 0 : Math.max(1, Math.round((nowMs - behindSince) / 1_000));
}

function shownState({ state, reason, message, overdue }: StatusDraft) {
  if (overdue?.message === undefined) return { state, reason, message };
  return {
    state: 'Waiting' as const,
    reason: 'PassOverdue' satisfies StatusReason,
    message: overdue.message,
  };
}

const mostParts = 100;

/** A topic may have thousands of partitions, and a status is limited. */
function shownParts(parts: readonly SourcePart[]): readonly SourcePart[] {
  if (parts.length <= mostParts) return parts;
  return parts.toSorted((one, other) => other.waiting - one.waiting).slice(0, mostParts);
}

const mostWarnings = 50;
const warningBytes = 1_024;

/** Plans of wide tables have many warnings, and each may quote a server. */
function warningsOf({ warnings, skipped, leftOutFields }: StatusDraft): readonly string[] {
  const { plan, others, unread } = warnings;
  return [...plan, ...others, ...unread, ...describeSkipped(skipped), ...leftOutWarning(leftOutFields)]
    .slice(0, mostWarnings)
    .map((each) => boundedText(each, warningBytes));
}

function leftOutWarning(fields: readonly string[]): readonly string[] {
  if (fields.length === 0) return [];
  return [
    `records have fields without a column, which are left out (schemaChanges: Ignore): ${fields.join(', ')}`,
  ];
}

type Defined<T> = { [K in keyof T as undefined extends T[K] ? never : K]: T[K] } & {
  [K in keyof T as undefined extends T[K] ? K : never]?: Exclude<T[K], undefined>;
};

/** Removes undefined properties: JSON would do the same, and exactOptionalPropertyTypes requires it. */
function defined<T extends object>(value: T): Defined<T> {
  return Object.fromEntries(Object.entries(value).filter(([, each]) => each !== undefined)) as Defined<T>;
}
