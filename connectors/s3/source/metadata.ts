import type { Column, ColumnType, Value } from '../../../core/values.ts';
import type { ObjectEntry } from '../session.ts';

/** What is known of a record beside its content. */
export interface RecordFacts {
  readonly object: ObjectEntry;
  /** Counted from 1. */
  readonly record: number;
}

interface Metadata {
  readonly type: ColumnType;
  /** Undefined: it differs from record to record. */
  readonly ofObject: ((object: ObjectEntry) => Value) | undefined;
}

/** Names of `source.metadata`. */
const known: Readonly<Record<string, Metadata>> = {
  key: { type: { kind: 'text' }, ofObject: ({ key }) => key },
  etag: { type: { kind: 'text' }, ofObject: ({ etag }) => etag.replaceAll('"', '') },
  size: { type: { kind: 'int', bits: 64 }, ofObject: ({ size }) => BigInt(size) },
  lastModified: {
    type: { kind: 'timestamp', precision: 3, hasZone: true },
    ofObject: ({ modified }) => new Date(modified).toISOString().replace('T', ' '),
  },
  record: { type: { kind: 'int', bits: 64 }, ofObject: undefined },
};

export const metadataNames: readonly string[] = Object.keys(known);

/** The column of a row with the number of its record; -1: there is none. */
export function recordCounter(of: {
  readonly metadata: readonly string[];
  readonly request: { readonly columns: readonly { readonly column: Column }[] };
}): number {
  if (!of.metadata.includes('record')) return -1;
  return of.request.columns.findIndex(({ column }) => column.name === '_record');
}

export function metadataColumns(names: readonly string[]): readonly Column[] {
  return names.flatMap((name) => {
    const metadata = known[name];
    return metadata ? [{ name: `_${name}`, type: metadata.type, nativeType: name, isNullable: false }] : [];
  });
}

/** Values of the metadata columns that are the same for all records of an object. */
export function constantsOf(names: readonly string[], object: ObjectEntry): ReadonlyMap<string, Value> {
  return new Map(
    names.flatMap((name) => {
      const value = known[name]?.ofObject?.(object);
      return value === undefined ? [] : [[`_${name}`, value] as const];
    }),
  );
}

/** For the slow way of reading a record. */
export function metadataOf(names: readonly string[]): Readonly<Record<string, (of: RecordFacts) => Value>> {
  return Object.fromEntries(
    names.map((name) => [
      `_${name}`,
      ({ object, record }: RecordFacts) => known[name]?.ofObject?.(object) ?? BigInt(record),
    ]),
  );
}
