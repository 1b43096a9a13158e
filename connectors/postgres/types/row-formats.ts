import type { RawRequest } from '../../../core/batch.ts';
import type { ColumnPlan } from '../../../core/column-plan.ts';
import type { Column, ColumnType } from '../../../core/values.ts';
import { quoteDouble } from '../../sql/names.ts';
import { castName, withoutModifiers } from './type-name.ts';

/**
 * The type that is transferred in COPY BINARY: its name without modifiers, which the receiving column applies. Texts of every kind
 * (varchar, bpchar, name, enums, citext) are the same bytes and are transferred as `text` without a cast, which could remove blanks.
 * Undefined if the type has no binary form that is valid in another database (it contains object ids, or has no binary form at all).
 */
export function binaryType(type: ColumnType, nativeType: string): string | undefined {
  switch (type.kind) {
    case 'text':
      return nativeType === '"char"' ? '"char"' : 'text';
    case 'enum':
      return 'text';
    case 'interval':
      return 'interval';
    case 'array':
      return binaryArray(type.of, nativeType);
    case 'other':
      return isPortable(type.name) ? withoutModifiers(nativeType) : undefined;
    default:
      return withoutModifiers(nativeType);
  }
}

/** What a destination would accept as COPY BINARY; empty if a column has no such form. */
export function binaryRequests({ columns }: ColumnPlan): readonly RawRequest[] {
  const as = columns.map(({ existing, ddl }) =>
    existing ? binaryType(existing.type, existing.nativeType) : createdType(ddl),
  );
  const isWhole = (types: (string | undefined)[]): types is string[] => !types.includes(undefined);
  return as.length > 0 && isWhole(as) ? [{ format: 'pgcopy-binary', as }] : [];
}

/** From the DDL of a column that the claim creates (types.ts). */
function createdType(ddl: string): string | undefined {
  if (/^(text|character|bpchar)/.test(ddl) && !ddl.endsWith(']')) return 'text';
  return ddl.includes('.') || !isPortable(ddl) ? undefined : withoutModifiers(ddl);
}

/** The header of a binary array has the object id of its element type, which is the same on all servers only for built-in types. */
function binaryArray(element: ColumnType, nativeType: string): string | undefined {
  if (element.kind === 'enum' || nativeType.includes('.')) return undefined;
  if (element.kind === 'other' && !isPortable(element.name)) return undefined;
  return withoutModifiers(nativeType);
}

function isPortable(name: string): boolean {
  return !name.includes('.') && !name.startsWith('reg') && name !== 'aclitem' && !name.startsWith('_');
}

/**
 * A column cast to the type with which it was described: if its type has changed, it is cast, or the statement fails. A type of an
 * extension or user is not named, because that requires a right on its schema.
 */
export function ownItem({ name, nativeType }: Column): string {
  return nativeType.includes('.')
    ? quoteDouble(name)
    : `${quoteDouble(name)}::${castName(withoutModifiers(nativeType))}`;
}

/** Select item that gives `as` in COPY BINARY; undefined if only canonical values preserve the value. */
export function binaryItem(column: Column, as: string): string | undefined {
  const name = quoteDouble(column.name);
  const own = binaryType(column.type, column.nativeType);
  if (own === as) return ownItem(column);
  return isWidening(column.type, as) ? `${name}::${castName(as)}` : undefined;
}

function isWidening(type: ColumnType, as: string): boolean {
  switch (type.kind) {
    case 'int':
    case 'decimal':
      return ['smallint', 'integer', 'bigint', 'numeric', 'text', 'double precision', 'real'].includes(as);
    case 'boolean':
    case 'uuid':
    case 'text':
      return as === 'text';
    case 'float':
      return as === 'double precision';
    case 'json':
      return as === 'json' || as === 'jsonb';
    case 'date':
      return as === 'timestamp without time zone';
    case 'bit':
      return as === 'bit varying';
    case 'array':
      return type.of.kind === 'text' && as === 'text[]';
    default:
      return false;
  }
}

/** Whether to_json writes such items like connectors/sql/types/array-json.ts, so that an array has the same form in every row format. */
function isJsonAlike({ kind }: ColumnType): boolean {
  return ['boolean', 'int', 'decimal', 'text', 'enum', 'uuid', 'json'].includes(kind);
}

/** Select item of a column in the encodings of `tsv`. */
export function tsvItem(column: Column, encoding: string): string | undefined {
  const name = quoteDouble(column.name);
  switch (encoding) {
    case 'text':
      return ownItem(column);
    case 'boolean01':
      return column.type.kind === 'boolean' ? `${name}::integer` : undefined;
    case 'hex':
      return column.type.kind === 'bytes' ? `pg_catalog.encode(${name}, 'hex')` : undefined;
    case 'utc':
      return column.type.kind === 'timestamp' ? `${name} AT TIME ZONE 'UTC'` : undefined;
    case 'json':
      return column.type.kind === 'json'
        ? ownItem(column)
        : column.type.kind === 'array' && isJsonAlike(column.type.of)
          ? `pg_catalog.to_json(${name})`
          : undefined;
    default:
      return undefined;
  }
}
