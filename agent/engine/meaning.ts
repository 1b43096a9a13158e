import { createHash } from 'node:crypto';
import type { CommitRow } from '../../core/connector.ts';
import { permanent } from '../../core/errors.ts';
import { type DataSource, qualifiedName, type Sync } from '../../core/sync-spec.ts';

/**
 * Hash of what an offset means: source, table or query, mode, field, key and destination. Credentials, batch sizes, schedules and
 * the like may change without it.
 */
export function meaningOf(sync: Sync, source: DataSource, destination: DataSource): string {
  const { spec } = sync;
  const parts = [
    whereIs(source),
    spec.source.table ?? null,
    spec.source.query ?? null,
    spec.mode,
    spec.source.idField ?? null,
    spec.source.timestampField ?? null,
    spec.source.key ?? null,
    whereIs(destination),
    spec.destination.table,
    spec.destination.key ?? null,
  ];
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex');
}

/** The system behind a DataSource: another host or database is another meaning, another user is not. */
function whereIs(dataSource: DataSource): unknown {
  const { host, port, database, path, instance } = dataSource.spec.config;
  return [dataSource.spec.type, host ?? null, port ?? null, database ?? null, path ?? null, instance ?? null];
}

export type Admission =
  | { readonly kind: 'go-on' }
  | { readonly kind: 'start' }
  /** Another Sync writes the same table: told, not refused. */
  | { readonly kind: 'adopt'; readonly uid: string };

export interface AdmitInput {
  readonly sync: Sync;
  readonly meaning: string;
  /** All rows about this table, and about this uid. */
  readonly rows: readonly CommitRow[];
  readonly table: string;
  readonly hasRows: boolean;
  /** A pending request that decides: `restart` or `keep-offset`. */
  readonly decision: 'restart' | 'keep-offset' | undefined;
}

/** Pure: whether the Sync may go on from what the destination holds (contract, Identity). Throws the two stops. */
export function admit(input: AdmitInput): Admission {
  const { sync, meaning, rows, decision } = input;
  const own = rows.find((row) => row.uid === sync.uid && !row.isClosed && row.table === input.table);
  if (decision === 'restart') return { kind: 'start' };
  if (own) {
    if (own.meaning === meaning || decision === 'keep-offset') return { kind: 'go-on' };
    throw offsetNoLongerFits(
      'what the offset means has changed (source, table, query, mode, field, key or destination)',
    );
  }
  const namesake = rows.find(
    (row) => row.uid !== sync.uid && !row.isClosed && row.name === qualifiedName(sync),
  );
  if (namesake) {
    if (decision === 'keep-offset') return { kind: 'adopt', uid: namesake.uid };
    throw offsetNoLongerFits(
      `the destination holds an offset of another Sync named ${qualifiedName(sync)} (uid ${namesake.uid}): a lost state file, or a rebuilt cluster`,
    );
  }
  const moved = rows.find((row) => row.uid === sync.uid && !row.isClosed);
  if (moved && decision !== 'keep-offset' && moved.meaning !== meaning) {
    throw offsetNoLongerFits(`this Sync wrote ${moved.table} before`);
  }
  if (
    sync.spec.writeMode === 'Append' &&
    input.hasRows &&
    sync.spec.destination.existingRows === 'Refuse' &&
    !isLastDestination(sync)
  ) {
    throw permanent(
      'DestinationNotEmpty',
      `${input.table} has rows and no offset of this Sync: Append would write beside them`,
      {
        path: 'spec.destination.existingRows',
        mend: 'set destination.existingRows to Keep, empty the table, or use Upsert',
      },
    );
  }
  return { kind: 'start' };
}

/** Other open Syncs on the table, for a warning. */
export function otherWriters(rows: readonly CommitRow[], sync: Sync, table: string): readonly string[] {
  return rows
    .filter(
      (row) =>
        row.uid !== sync.uid && !row.isClosed && row.table === table && row.name !== qualifiedName(sync),
    )
    .map((row) => row.name);
}

export function isLastDestination(sync: Sync): boolean {
  return sync.spec.mode === 'LastDestinationId' || sync.spec.mode === 'LastDestinationTimestamp';
}

function offsetNoLongerFits(why: string): Error {
  return permanent('OffsetNoLongerFits', `the stored offset no longer fits: ${why}`, {
    path: 'spec',
    mend: 'request restart to read from nothing (no row is deleted), or keep-offset to go on from the stored offset',
  });
}
