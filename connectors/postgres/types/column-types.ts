import { lookUp } from '../../../core/look-up.ts';
import type { ColumnType } from '../../../core/values.ts';

/** A type as read from the catalog; domains are resolved to their base types. */
export interface CatalogType {
  readonly schema: string;
  readonly name: string;
  /** pg_type.typtype: b base, e enum, c composite, r range, m multirange, p pseudo. */
  readonly kind: string;
  readonly modifier: number;
  readonly labels: readonly string[];
  readonly element: CatalogType | undefined;
}

const plain: Readonly<Record<string, ColumnType>> = {
  bool: { kind: 'boolean' },
  int2: { kind: 'int', bits: 16 },
  int4: { kind: 'int', bits: 32 },
  int8: { kind: 'int', bits: 64 },
  oid: { kind: 'int', bits: 32, isUnsigned: true },
  float4: { kind: 'float', bits: 32 },
  float8: { kind: 'float', bits: 64 },
  text: { kind: 'text' },
  name: { kind: 'text', maxBytes: 63 },
  char: { kind: 'text', maxLength: 1, maxBytes: 1 },
  uuid: { kind: 'uuid' },
  json: { kind: 'json' },
  jsonb: { kind: 'json' },
  bytea: { kind: 'bytes' },
  date: { kind: 'date' },
  interval: { kind: 'interval' },
};

export function toColumnType(type: CatalogType): ColumnType {
  if (type.element) return { kind: 'array', of: toColumnType({ ...type.element, modifier: type.modifier }) };
  if (type.kind === 'e') return { kind: 'enum', values: type.labels };
  if (type.kind === 'p') return { kind: 'other', system: 'postgres', name: type.name };
  // Defined by an extension, which can be installed into any schema except pg_catalog.
  if (type.name === 'citext') return { kind: 'text' };
  if (type.schema !== 'pg_catalog')
    return { kind: 'other', system: 'postgres', name: `${type.schema}.${type.name}` };
  return (
    lookUp(plain, type.name) ??
    withModifier(type.name, type.modifier) ?? { kind: 'other', system: 'postgres', name: type.name }
  );
}

function withModifier(name: string, modifier: number): ColumnType | undefined {
  const isGiven = modifier >= 0;
  const precision = isGiven ? modifier : 6;
  switch (name) {
    case 'numeric':
      return { kind: 'decimal', ...(isGiven && numericModifier(modifier)) };
    case 'varchar':
      return { kind: 'text', ...(isGiven && { maxLength: modifier - 4 }) };
    case 'bpchar':
      return { kind: 'text', ...(isGiven && { maxLength: modifier - 4, isFixed: true }) };
    case 'time':
    case 'timetz':
      return { kind: 'time', precision, hasZone: name === 'timetz' };
    case 'timestamp':
    case 'timestamptz':
      return { kind: 'timestamp', precision, hasZone: name === 'timestamptz' };
    case 'bit':
      return { kind: 'bit', ...(isGiven && { length: modifier }) };
    case 'varbit':
      return { kind: 'bit', isVarying: true, ...(isGiven && { length: modifier }) };
    default:
      return undefined;
  }
}

/** numeric.c: make_numeric_typmod; the scale is signed in 11 bits since 15. */
function numericModifier(modifier: number): { readonly precision: number; readonly scale: number } {
  const packed = modifier - 4;
  return { precision: (packed >> 16) & 0xffff, scale: ((packed & 0x7ff) ^ 1024) - 1024 };
}
