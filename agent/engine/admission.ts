import { keepOffsetCommand, restartCommand } from '../../core/commands.ts';
import type { CommitRow } from '../../core/connector.ts';
import { countedWere } from '../../core/counted.ts';
import { permanent } from '../../core/errors.ts';
import { decodeStored, type Offset } from '../../core/offset.ts';
import { isSameColumns } from '../../core/records/columns.ts';
import { isLastDestination, objectPath, qualifiedName, type Sync } from '../../core/sync-spec.ts';
import type { KnownEnds } from '../../core/sync-store.ts';
import type { Relation } from '../../core/values.ts';
import { changedFields } from './offset-fingerprint.ts';
import { readMode } from './plan.ts';
import type { SystemChange } from './system-change.ts';

export type Admission =
  /** hasNewTable: the next pass fills it, and earlier progress no longer applies. */
  | { readonly kind: 'go-on'; readonly hasNewTable: boolean }
  | { readonly kind: 'start' }
  /** Continues from the row of another uid, and closes that row. */
  | { readonly kind: 'adopt'; readonly uid: string }
  /** Continues from the progress of this Sync at another table. */
  | { readonly kind: 'move'; readonly from: Reached };

/** The progress of a Sync at some table. */
export interface Reached {
  readonly offset: string | null;
  readonly rows: number;
}

export interface AdmitInput {
  readonly sync: Sync;
  readonly fingerprint: string;
  /** How the two systems relate to those at the last claim. */
  readonly systems: SystemChange;
  /** Both systems and the fields of the Sync at its last claim, and now; only for messages. */
  readonly known?: KnownEnds | undefined;
  readonly now?: KnownEnds;
  /** All rows for this table, and for this uid. */
  readonly rows: readonly CommitRow[];
  readonly table: string;
  /** The destination's existing table; null: there is none. */
  readonly existing: Pick<Relation, 'identity'> | null;
  readonly hasRows: boolean;
  /** An unfinished pass restarts: its rows are not in the table. */
  readonly restartsPass: boolean;
  /** The order that the plan reads by (Offset.by). */
  readonly order: readonly string[];
  /** A pending request that decides: `restart` or `keep-offset`. */
  readonly decision: 'restart' | 'keep-offset' | undefined;
  /** Progress of this Sync recorded outside of the destination, with another offset fingerprint. */
  readonly elsewhere?: Reached | undefined;
}

/** Pure: whether the Sync may continue from what the destination holds (contract, Identity). Throws if it must stop. */
export function admit({ rows, ...given }: AdmitInput): Admission {
  // Rows with another name for the table belong to other Syncs and are only reported.
  const about = rows.filter((row) => row.uid === given.sync.uid || row.table === given.table);
  const input = { ...given, rows: about };
  const admission = admitRow(input);
  if (admission.kind === 'start') return admission;
  const kept = admission.kind === 'move' ? admission.from.offset : keptRow(input)?.offset;
  const offset = decodeStored(kept ?? null);
  if (input.decision === 'keep-offset') requireMode(input.sync, offset);
  requireOrder(input, offset);
  return admission;
}

/** A position in one order is meaningless in another: after a changed primary key, or an id that became a text. */
function requireOrder({ sync, order, restartsPass, decision }: AdmitInput, offset: Offset | null): void {
  if (offset === null || offset.mode === 'Stream' || isLastDestination(sync.spec) || restartsPass) return;
  const by = offset.by ?? [];
  if (by.every((each, index) => each === order[index])) return;
  const isKept = decision === 'keep-offset' && by.length === order.length;
  if (isKept) return;
  const field = offset.mode === 'Snapshot' ? 'key' : offset.mode === 'Id' ? 'idField' : 'timestampField';
  throw offsetNoLongerFits(
    `it is a position in the order (${by.join(', ')}), and the source is now read in the order (${order.join(', ')})`,
    { path: `spec.source.${field}`, ...(by.length !== order.length && { fix: restartRemedy }) },
  );
}

/** The row to continue from, if it is about this table. */
function keptRow({ rows, sync, table }: AdmitInput): CommitRow | undefined {
  const open = rows.filter((row) => !row.isClosed);
  return (
    open.find((row) => row.uid === sync.uid && row.table === table) ??
    open.find((row) => row.uid !== sync.uid && row.name === qualifiedName(sync))
  );
}

function requireMode(sync: Sync, offset: Offset | null): void {
  const mode = readMode(sync.spec.mode);
  if (offset === null || offset.mode === mode || isLastDestination(sync.spec)) return;
  throw offsetNoLongerFits(
    `it is an offset of mode ${offset.mode}, and mode ${mode} cannot continue from it`,
    { path: 'spec.mode', fix: `${restartRemedy}, or set mode back` },
  );
}

function admitRow(input: AdmitInput): Admission {
  const { sync, rows, decision } = input;
  const own = rows.find((row) => row.uid === sync.uid && !row.isClosed && row.table === input.table);
  if (decision === 'restart') return { kind: 'start' };
  if (own) return admitOwn(input, own);
  const namesake = rows.find(
    (row) => row.uid !== sync.uid && !row.isClosed && row.name === qualifiedName(sync),
  );
  if (namesake) {
    if (decision === 'keep-offset') return { kind: 'adopt', uid: namesake.uid };
    throw offsetNoLongerFits(
      `the destination holds an offset of another Sync named ${qualifiedName(sync)} (uid ${namesake.uid}): the state file was lost, or the cluster was rebuilt`,
      { path: 'metadata.name' },
    );
  }
  const moved = rows
    .filter((row) => row.uid === sync.uid && !row.isClosed && !fits(input, row))
    .reduce<CommitRow | undefined>((last, row) => (last && last.time > row.time ? last : row), undefined);
  if (decision === 'keep-offset') {
    const from = moved ?? input.elsewhere;
    if (from) return { kind: 'move', from: { offset: from.offset, rows: from.rows } };
  } else if (moved) {
    const path = objectPath('destination', sync.spec.destination);
    throw offsetNoLongerFits(`this Sync wrote ${moved.table} before`, { path, fix: otherSyncRemedy });
  } else if (input.elsewhere?.offset != null) {
    const [path = 'spec.destination'] = changedFields(input.known, input.now);
    throw offsetNoLongerFits('this Sync wrote to another destination before', { path, fix: otherSyncRemedy });
  }
  requireEmpty(input);
  return { kind: 'start' };
}

function admitOwn(input: AdmitInput, own: CommitRow): Admission {
  const { decision, existing, hasRows, sync } = input;
  if (decision !== 'keep-offset' && !fits(input, own)) throw fieldsChanged(input, own);
  if (decision !== 'keep-offset' && input.systems.isOtherSource && restsOnSource(sync, own)) {
    throw offsetNoLongerFits(
      `the source that answers at the address of ${sync.spec.source.dataSource} is a different system than the one the offset belongs to`,
      { path: 'spec.source.dataSource' },
    );
  }
  // A Replace itself swaps in another table at the end of each pass.
  const change =
    sync.spec.writeMode === 'Replace' && existing !== null ? undefined : tableChange(own, existing, hasRows);
  if (change === undefined || decision === 'keep-offset')
    return { kind: 'go-on', hasNewTable: change !== undefined };
  const offset = decodeStored(own.offset);
  const path = objectPath('destination', sync.spec.destination);
  if (offset && restsOnTable(input, offset)) throw offsetNoLongerFits(change, { path });
  return { kind: 'go-on', hasNewTable: true };
}

/** Names the fields if those of the stored offset are known. */
function fieldsChanged({ sync, known, now }: AdmitInput, own: CommitRow): Error {
  requireMode(sync, decodeStored(own.offset));
  const changed = own.fingerprint === known?.fingerprint ? changedFields(known, now) : [];
  const what =
    changed.length === 0 ? 'the source, table, query, mode, field, key or destination' : changed.join(', ');
  return offsetNoLongerFits(`${what} changed since the offset was stored`, {
    path: changed[0] ?? 'spec',
    fix: otherSyncRemedy,
  });
}

/** A system that is now known by another address is still the same. */
function fits({ sync, fingerprint, systems }: AdmitInput, row: CommitRow): boolean {
  if (row.fingerprint === fingerprint || systems.formerFingerprints.includes(row.fingerprint)) return true;
  // The inferred columns were written into the manifest as they are.
  return (
    systems.inferredFingerprints?.includes(row.fingerprint) === true &&
    isSameColumns(decodeStored(row.offset)?.columns, sync.spec.source.columns)
  );
}

/** Whether rows of the source are skipped by this offset. A Snapshot between two passes reads all of them again. */
function restsOnSource(sync: Sync, own: CommitRow): boolean {
  const offset = decodeStored(own.offset);
  if (offset === null) return isLastDestination(sync.spec) && own.rows > 0;
  return offset.mode !== 'Snapshot' || (!offset.isComplete && offset.key !== null);
}

/** What happened to the table that the rows of this offset were written to; undefined: it still exists. */
export function tableChange(
  own: Pick<CommitRow, 'offset' | 'rows' | 'target'>,
  existing: Pick<Relation, 'identity'> | null,
  hasRows: boolean,
): string | undefined {
  if (own.offset === null && own.rows === 0) return undefined;
  if (existing === null) return 'the table that the offset belongs to is gone';
  if (own.target !== undefined && existing.identity !== undefined) {
    return own.target === existing.identity
      ? undefined
      : 'the table that the offset belongs to was replaced by another table of the same name';
  }
  // If tables have no identity, a recreated one is recognized by being empty.
  return hasRows || own.rows === 0
    ? undefined
    : `the table that the offset belongs to is empty, and ${countedWere(own.rows, 'row')} written to it: it was recreated or emptied`;
}

/**
 * Whether rows before this offset exist only in the table. A Snapshot between two passes reads all of them again, and the rows of an
 * unfinished Replace are in its shadow table.
 */
function restsOnTable({ sync: { spec }, restartsPass }: AdmitInput, offset: Offset): boolean {
  if (offset.mode !== 'Snapshot') return true;
  return spec.writeMode !== 'Replace' && !restartsPass && !offset.isComplete && offset.key !== null;
}

function requireEmpty({ sync, hasRows, table }: AdmitInput): void {
  const { writeMode, destination } = sync.spec;
  if (
    writeMode !== 'Append' ||
    !hasRows ||
    destination.existingRows !== 'Refuse' ||
    isLastDestination(sync.spec)
  )
    return;
  throw permanent(
    'DestinationNotEmpty',
    `${table} has rows and no offset of this Sync: Append would add to them`,
    {
      path: 'spec.destination.existingRows',
      fix: 'set destination.existingRows to Keep, empty the table, or use Upsert',
    },
  );
}

function offsetNoLongerFits(
  why: string,
  { path, fix = bothRemedies }: { readonly path: string; readonly fix?: string },
): Error {
  return permanent('OffsetNoLongerFits', `the stored offset no longer fits: ${why}`, { path, fix });
}

const restartRemedy = `run ${restartCommand} to read from the beginning (no row is deleted)`;
const bothRemedies = `${restartRemedy}, or ${keepOffsetCommand} to continue from the stored offset`;
const otherSyncRemedy = `${bothRemedies}; to copy another table, leave this Sync as it was and add one with another name`;
