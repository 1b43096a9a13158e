import { createHash } from 'node:crypto';
import type { CommitRow } from '../../core/connector.ts';
import type { Address } from '../../core/definition.ts';
import { type DataSource, objectFields, qualifiedName, type Sync } from '../../core/sync-spec.ts';
import type { RunContext } from './context.ts';

/** The addresses of both ends of a Sync. */
export interface Addresses {
  readonly source: Address;
  readonly destination: Address;
}

/**
 * Hash of the settings that determine what an offset refers to: source, object, mode, field, key and destination. Credentials, batch
 * sizes, schedules and the like may change without affecting it.
 */
export function offsetFingerprint({ spec }: Sync, { source, destination }: Addresses): string {
  const parts = [
    source,
    spec.source.table ?? null,
    spec.source.query ?? null,
    spec.mode,
    spec.source.idField ?? null,
    spec.source.timestampField ?? null,
    spec.source.key ?? null,
    destination,
    spec.destination.table ?? null,
    spec.destination.key ?? null,
    // Appended only if set: stored fingerprints of tables must not change.
    ...objectFields
      .filter((field) => field !== 'table' && (spec.source[field] ?? spec.destination[field]) !== undefined)
      .map((field) => [field, spec.source[field] ?? null, spec.destination[field] ?? null]),
  ];
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex');
}

/** The systems behind both DataSources: another host or database is another address, another user is not. */
export function addressesOf({
  source,
  destination,
  definitionOf,
}: Pick<RunContext, 'source' | 'destination' | 'definitionOf'>): Addresses {
  const of = ({ spec }: DataSource) => [spec.type, ...definitionOf(spec.type).address(spec.config)];
  return { source: of(source), destination: of(destination) };
}

/** Other open Syncs on the table, for a warning; `rows` as returned by a destination: those of another uid are about its table. */
export function otherWriters(rows: readonly CommitRow[], sync: Sync): readonly string[] {
  return rows
    .filter((row) => row.uid !== sync.uid && !row.isClosed && row.name !== qualifiedName(sync))
    .map((row) => row.name);
}
