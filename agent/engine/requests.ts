import { namingSync, suspendCommand } from '../../core/commands.ts';
import { counted } from '../../core/counted.ts';
import { reach } from '../../core/crash-points.ts';
import { asIdraError, describeError, permanent } from '../../core/errors.ts';
import {
  decodeStored,
  describeEncoded,
  encodeOffset,
  formatOffset,
  isShortened,
  type Offset,
  parseOffset,
  showEncoded,
  shownOffset,
  withColumns,
  withOrder,
} from '../../core/offset.ts';
import { offsetMoved } from '../../core/offset-moved.ts';
import type { OffsetHistoryEntry, Request, RequestStatus } from '../../core/status.ts';
import { isLastDestination } from '../../core/sync-spec.ts';
import type { Token } from '../../core/token.ts';
import type { ColumnType } from '../../core/values.ts';
import type { RunContext } from './context.ts';
import type { OpenSync } from './open-sync.ts';
import { orderNames, orderTypes } from './order-types.ts';
import type { RunState } from './run-state.ts';

/** The parts of a claimed sync that a request needs. */
export interface Claimed {
  readonly context: RunContext;
  readonly open: OpenSync;
  readonly token: Token;
  readonly storedOffset: string | null;
}

/** Requests that must be known before the claim, because they decide it. */
export function decisionOf(requests: readonly Request[]): 'restart' | 'keep-offset' | undefined {
  const last = requests.findLast((request) => request.type === 'restart' || request.type === 'keep-offset');
  return last?.type === 'restart' || last?.type === 'keep-offset' ? last.type : undefined;
}

/** Executes `offset` and `undo-offset` under the claim; the other requests are handled by the loop. Returns the new stored offset. */
export async function changeOffset(
  claimed: Claimed,
  request: Request,
  signal: AbortSignal,
): Promise<string | null> {
  const { context, open, storedOffset } = claimed;
  if (!context.sync.spec.isSuspended) {
    throw permanent('NotSuspended', 'the offset can be changed only while the Sync is suspended', {
      path: 'spec.suspend',
      fix: `run ${suspendCommand} (in single mode set spec.suspend to true), then change the offset`,
    });
  }
  if (isLastDestination(context.sync.spec)) throw offsetNotKept(context.sync.spec.mode);
  const change =
    request.type === 'undo-offset'
      ? await undoChange(context, request)
      : wantedChange(open, request, storedOffset);
  // Already stored by an earlier attempt, which died between its commit and its answer.
  const expected = storedOffset === change.offset ? storedOffset : change.expected;
  const row = await open.destination.setOffset(
    { uid: context.sync.uid, token: claimed.token, expected, offset: change.offset },
    signal,
  );
  await context.lock.offsets.write(row.offset);
  await record(context, request, change);
  return row.offset;
}

export function offsetNotKept(mode: string): Error {
  return permanent(
    'OffsetNotKept',
    `mode ${mode} stores no offset: it reads the largest value at the destination`,
  );
}

interface Change {
  readonly expected: string | null;
  readonly offset: string | null;
}

function wantedChange(open: OpenSync, request: Request, storedOffset: string | null): Change {
  if (!request.offset)
    throw permanent('RequestInvalid', 'the request has no offset', {
      fix: 'use idra offset set SYNC VALUE --expect CURRENT',
    });
  const { mode } = open.plan.read;
  const stored = decodeStored(storedOffset);
  const given = withOrder(parseOffset(request.offset.value, mode), orderNames(open.plan.read));
  requireType(given, orderTypes(open.plan.read));
  const offset = withColumns(given, stored?.columns ?? open.plan.inferred);
  const wanted = encodeOffset(offset);
  const { expect } = request.offset;
  if (isSameOffset(expect, stored, mode)) return { expected: storedOffset, offset: wanted };
  if (storedOffset !== wanted) {
    throw offsetMoved(expect, shownOffset(stored));
  }
  // An earlier attempt has set it, over an offset that may be known only in short.
  const isUnknown = isNone(expect) || isShortened(expect.trim());
  return { expected: isUnknown ? null : encodeOffset(parseOffset(expect, mode)), offset: wanted };
}

function isNone(text: string): boolean {
  return text.trim() === '' || text.trim() === 'none';
}

function isSameOffset(text: string, stored: Offset | null, mode: Offset['mode']): boolean {
  if (stored === null) return isNone(text);
  if (isNone(text)) return false;
  if ([formatOffset(stored), shownOffset(stored)].includes(text.trim())) return true;
  return !isShortened(text.trim()) && formatOffset(parseOffset(text, mode)) === formatOffset(stored);
}

/** A request may say which change it means: another user may have made one since. */
async function undoChange(context: RunContext, { offset }: Request): Promise<Change> {
  const history = await context.lock.readHistory();
  const last = history.findLast((entry) => entry.action === 'set' || entry.action === 'undo');
  if (!last) throw permanent('NothingToUndo', 'no manual change of the offset is recorded for this Sync');
  const [from, to] = [describeEncoded(last.from), describeEncoded(last.to)];
  if (offset && (offset.value !== from || offset.expect !== to))
    throw permanent(
      'OffsetMoved',
      `the last manual change is ${showEncoded(last.from)} to ${showEncoded(last.to)}, and not the one to undo`,
      { fix: 'look at the history again' },
    );
  return { expected: last.to, offset: last.from };
}

/** Whether a request that was just executed undid an undo: undoing twice redoes the change. */
export async function undoesAnUndo(context: RunContext, request: Request): Promise<boolean> {
  if (request.type !== 'undo-offset') return false;
  const changes = (await context.lock.readHistory()).filter(
    ({ action }) => action === 'set' || action === 'undo',
  );
  return changes.at(-1)?.action === 'undo' && changes.at(-2)?.action === 'undo';
}

async function record(context: RunContext, request: Request, change: Change): Promise<void> {
  const entry: OffsetHistoryEntry = {
    time: new Date(context.clock.now()).toISOString(),
    by: request.by ?? 'unknown',
    action: request.type === 'undo-offset' ? 'undo' : 'set',
    from: change.expected,
    to: change.offset,
  };
  await context.lock.appendHistory(entry);
}

/**
 * An id of an integer column must be digits, and a timestamp must be a timestamp: values that the database would refuse at the next pass
 * are refused now.
 */
export function requireType(offset: Offset, types: readonly ColumnType[]): void {
  const texts =
    offset.mode === 'Id'
      ? [offset.id, ...(offset.key ?? [])]
      : offset.mode === 'Timestamp'
        ? [offset.at, ...offset.key]
        : offset.mode === 'Snapshot'
          ? (offset.key ?? [])
          : [];
  if (offset.mode !== 'Stream' && texts.length > 0 && texts.length !== types.length) {
    throw permanent(
      'OffsetInvalid',
      `the offset has ${counted(texts.length, 'value')}, but the mode reads by ${counted(types.length, 'column')}`,
    );
  }
  texts.forEach((text, index) => {
    const type = types[index];
    if (type && !fits(text, type))
      throw permanent('OffsetInvalid', `"${text}" is not a value of type ${type.kind}`);
  });
}

function fits(text: string, type: ColumnType): boolean {
  switch (type.kind) {
    case 'int':
      return /^-?\d{1,20}$/.test(text);
    case 'decimal':
      return /^-?\d+(\.\d+)?$/.test(text);
    case 'timestamp':
      return (
        /^\d{4,6}-\d{2}-\d{2} \d{2}:\d{2}:\d{2}(\.\d{1,9})?Z?$/.test(text) &&
        text.endsWith('Z') === type.hasZone
      );
    case 'date':
      return /^\d{4,6}-\d{2}-\d{2}$/.test(text);
    case 'uuid':
      return /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(text);
    default:
      return true;
  }
}

export async function finishRequest(
  { context, reporter }: RunState,
  request: Request,
  answer: 'Done' | 'Refused',
  message: string,
): Promise<void> {
  const status: RequestStatus = {
    type: request.type,
    id: request.id,
    state: answer,
    message: namingSync(message, context.sync),
    time: new Date(context.clock.now()).toISOString(),
  };
  await reach('request:before-finish');
  await context.lock.finishRequest(status);
  reporter.request(status);
  reporter.report();
}

/** A refusal is an answer, not a failure of the sync. */
export function refusal(error: unknown): string {
  const known = asIdraError(error);
  if (known.disposition === 'transient' || known.disposition === 'fenced') throw known;
  return describeError(known);
}
