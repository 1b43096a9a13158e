import { createHash } from 'node:crypto';
import type { CommitRow } from '../../core/connector.ts';
import type { Address } from '../../core/definition.ts';
import {
  type DataSource,
  objectFields,
  offsetFields,
  qualifiedName,
  type Sync,
} from '../../core/sync-spec.ts';
import type { KnownEnds } from '../../core/sync-store.ts';
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
export function offsetFingerprint(sync: Sync, addresses: Addresses): string {
  const { spec } = sync;
  const parts = [
    ...fieldsOf(sync, addresses).map(([, value]) => value ?? null),
    // Appended only if set: stored fingerprints of tables must not change.
    ...objectFields
      .filter((field) => field !== 'table' && (spec.source[field] ?? spec.destination[field]) !== undefined)
      .map((field) => [field, spec.source[field] ?? null, spec.destination[field] ?? null]),
    ...offsetFields
      .filter((field) => spec.source[field] !== undefined)
      .map((field) => [field, spec.source[field]]),
  ];
  return hashOf(parts);
}

/** The fingerprint that the same Sync had while its columns were inferred. Undefined if they still are. */
export function inferredFingerprint({ spec, ...sync }: Sync, addresses: Addresses): string | undefined {
  const { columns, ...source } = spec.source;
  return columns && offsetFingerprint({ ...sync, spec: { ...spec, source } }, addresses);
}

/** Of every version; the order is that of stored fingerprints. */
function fieldsOf(
  { spec }: Sync,
  { source, destination }: Addresses,
): readonly (readonly [string, unknown])[] {
  return [
    ['spec.source.dataSource', source],
    ['spec.source.table', spec.source.table],
    ['spec.source.query', spec.source.query],
    ['spec.mode', spec.mode],
    ['spec.source.idField', spec.source.idField],
    ['spec.source.timestampField', spec.source.timestampField],
    ['spec.source.key', spec.source.key],
    ['spec.destination.dataSource', destination],
    ['spec.destination.table', spec.destination.table],
    ['spec.destination.key', spec.destination.key],
  ];
}

function hashOf(value: unknown): string {
  return createHash('sha256').update(JSON.stringify(value)).digest('hex');
}

/** Long enough that a change is seen; the fingerprint itself decides. */
const fieldHashLength = 8;

/** For KnownEnds.fields. */
export function fieldHashes(sync: Sync, addresses: Addresses): Readonly<Record<string, string>> {
  const { source, destination } = sync.spec;
  const all = [
    ...fieldsOf(sync, addresses),
    ...objectFields
      .filter((field) => field !== 'table')
      .flatMap((field) => [
        [`spec.source.${field}`, source[field]] as const,
        [`spec.destination.${field}`, destination[field]] as const,
      ]),
    ...offsetFields.map((field) => [`spec.source.${field}`, source[field]] as const),
  ];
  const set = all.filter(([, value]) => value !== undefined);
  return Object.fromEntries(set.map(([path, value]) => [path, hashOf(value).slice(0, fieldHashLength)]));
}

/** Paths of the fields that differ; empty if one side is not known. */
export function changedFields(before: KnownEnds | undefined, now: KnownEnds | undefined): readonly string[] {
  const [known, fields] = [before?.fields, now?.fields];
  if (!known || !fields) return [];
  const paths = new Set([...Object.keys(fields), ...Object.keys(known)]);
  return [...paths].filter((path) => known[path] !== fields[path]);
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
