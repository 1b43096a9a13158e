import { createHash } from 'node:crypto';
import type { CommitRow } from '../../core/connector.ts';
import { type DataSource, qualifiedName, type Sync } from '../../core/sync-spec.ts';

type Address = readonly unknown[];

/**
 * Hash of what an offset means: source, table or query, mode, field, key and destination. Credentials, batch sizes, schedules and
 * the like may change without it.
 */
export function meaningOf(sync: Sync, source: DataSource, destination: DataSource): string {
  return meaningAt(sync, addressOf(source), addressOf(destination));
}

/** What the same offset means where the two systems are at these addresses. */
export function meaningAt({ spec }: Sync, source: Address, destination: Address): string {
  const parts = [
    source,
    spec.source.table ?? null,
    spec.source.query ?? null,
    spec.mode,
    spec.source.idField ?? null,
    spec.source.timestampField ?? null,
    spec.source.key ?? null,
    destination,
    spec.destination.table,
    spec.destination.key ?? null,
  ];
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex');
}

/** The system behind a DataSource: another host or database is another meaning, another user is not. */
export function addressOf(dataSource: DataSource): Address {
  const { host, port, database, path, instance } = dataSource.spec.config;
  return [dataSource.spec.type, host ?? null, port ?? null, database ?? null, path ?? null, instance ?? null];
}

/** Other open Syncs on the table, for a warning; `rows` as a destination gives them: those of another uid are about its table. */
export function otherWriters(rows: readonly CommitRow[], sync: Sync): readonly string[] {
  return rows
    .filter((row) => row.uid !== sync.uid && !row.isClosed && row.name !== qualifiedName(sync))
    .map((row) => row.name);
}

export function isLastDestination(sync: Sync): boolean {
  return sync.spec.mode === 'LastDestinationId' || sync.spec.mode === 'LastDestinationTimestamp';
}
