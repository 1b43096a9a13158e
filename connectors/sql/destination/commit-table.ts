import type { ClaimRequest, CommitRow } from '../../../core/connector.ts';
import { fenced, permanent } from '../../../core/errors.ts';
import { formatToken, type Token } from '../../../core/token.ts';
import { serverInteger } from '../connection/server-integer.ts';
import { joinName, splitName } from '../names.ts';

/**
 * `_idra_commits`, in the schema of the target table: one row per (uid, table), written in the same transaction as the rows that it
 * describes.
 *
 * | column  | meaning                                                                          |
 * |---------|----------------------------------------------------------------------------------|
 * | uid     | the Sync's uid                                                                   |
 * | table   | the target, in the format that splitName reads                                   |
 * | name    | namespace/name of the Sync                                                       |
 * | meaning | offset fingerprint                                                               |
 * | token   | fencing token, 64-bit: a lower one never writes (Invariant 3)                    |
 * | offset  | JSON of core/offset.ts, or NULL                                                  |
 * | rows    | rows written since the last restart                                              |
 * | session | holder of the claim, in the system's own format, so that a claimant can end it   |
 * | closed  | the Sync was deleted, or its row adopted by another uid                          |
 * | layout  | version of this table's layout                                                   |
 * | time    | of the last commit                                                               |
 * | target  | identity of the table that the offset belongs to, if the system has one          |
 */
export const commitTableName = '_idra_commits';
export const commitLayout = 1;

/** Check this for every row that is read: in a newer layout the columns may have another meaning (if they are missing, reading fails). */
export function requireKnownLayout(layout: unknown): void {
  if (!(Number(layout) > commitLayout)) return;
  throw permanent(
    'CommitTableNewer',
    `${commitTableName} has layout ${layout}, and this version of Idra knows ${commitLayout}`,
    { fix: 'run the version of Idra that wrote it, or a later one' },
  );
}

/** uid, table, name, meaning, token, offset, rows, closed, layout, time, target: as text from the server. */
export function toCommitRow(cells: readonly (string | null | undefined)[]): CommitRow {
  const [uid, table, name, meaning, token, offset, rows, closed, layout, time, target] = cells;
  requireKnownLayout(layout);
  return {
    uid: uid ?? '',
    table: table ?? '',
    name: name ?? '',
    fingerprint: meaning ?? '',
    token: serverInteger(token ?? 0, commitTableName),
    offset: offset ?? null,
    rows: Number(rows),
    isClosed: closed === 't' || closed === '1',
    time: time ?? '',
    ...(target !== null && target !== undefined && { target }),
  };
}

/** The names by which Syncs may refer to a table of this schema; their rows are in its single commit table. */
export function spellingsOf(schema: string, table: string): readonly [string, string] {
  const name = splitName(table, 'spec.destination.table').at(-1) ?? '';
  return [joinName([name]), joinName([schema, name])];
}

/** The row that a claim stores. `stored` is read under the row's lock, and so is `adopted` if requested. */
export function claimedRow(
  request: ClaimRequest,
  table: string,
  stored: CommitRow | undefined,
  adopted: CommitRow | undefined,
): Omit<CommitRow, 'time'> {
  const token = claimToken(request.token, stored, adopted);
  const kept = adopted ?? (stored?.isClosed ? undefined : stored) ?? request.startsFrom;
  const base = request.offset === 'restart' ? undefined : kept;
  return {
    uid: request.plan.uid,
    table,
    name: request.name,
    fingerprint: request.fingerprint,
    token,
    offset: base?.offset ?? null,
    rows: base?.rows ?? 0,
    isClosed: false,
  };
}

/** The token that the claim stores. Throws `fenced` if a higher one is stored (Invariants 3 and 4). */
function claimToken(wanted: Token | 'next', ...rows: readonly (CommitRow | undefined)[]): Token {
  const highest = rows.reduce((max, row) => (row && row.token > max ? row.token : max), 0n);
  if (wanted === 'next') return highest + 1n;
  if (highest > wanted) throw tokenIsHigher(highest, wanted);
  return wanted;
}

export function tokenIsHigher(stored: Token, ours: Token): Error {
  return fenced(
    `the destination has seen token ${formatToken(stored)}, but this token is ${formatToken(ours)}: a newer owner has claimed this sync`,
    {
      fix: 'nothing if another agent runs it; after a restored or new etcd: idra epoch raise',
    },
  );
}

/** The error of a write whose row no longer has its token. */
export function writeIsFenced(token: Token): Error {
  return fenced(
    `the destination refused token ${formatToken(token)}: a newer owner has claimed this sync, or its commit row is gone`,
  );
}
