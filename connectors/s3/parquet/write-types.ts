import type { SchemaElement } from 'hyparquet';
import type { ColumnType } from '../../../core/values.ts';

type Leaf = Pick<
  SchemaElement,
  'type' | 'type_length' | 'converted_type' | 'logical_type' | 'precision' | 'scale'
>;

const text: Leaf = { type: 'BYTE_ARRAY', converted_type: 'UTF8', logical_type: { type: 'STRING' } };
const json: Leaf = { type: 'BYTE_ARRAY', logical_type: { type: 'JSON' } };

/** The largest precision that readers of Parquet have. */
export const mostDecimalDigits = 38;

/**
 * The schema as it is stored. While rows are written, JSON has only its newer type: the driver would serialize values of the older one
 * again, but some readers know only the older one.
 */
export function storedElement(element: SchemaElement): SchemaElement {
  return element.logical_type?.type === 'JSON' ? { ...element, converted_type: 'JSON' } : element;
}

/** The columns of a file in which values of this type are stored. Types without an equal are stored as text. */
export function elementsOf(name: string, type: ColumnType, isNullable: boolean): SchemaElement[] {
  const repetition_type = isNullable ? ('OPTIONAL' as const) : ('REQUIRED' as const);
  if (type.kind !== 'array' || type.of.kind === 'array') return [{ name, repetition_type, ...leafOf(type) }];
  return [
    { name, repetition_type, num_children: 1, converted_type: 'LIST', logical_type: { type: 'LIST' } },
    { name: 'list', repetition_type: 'REPEATED', num_children: 1 },
    { name: 'element', repetition_type: 'OPTIONAL', ...leafOf(type.of) },
  ];
}

/** Bounds of JSON and bytes would be whole values in the footer, and no reader compares them. */
export function hasStatistics(type: ColumnType): boolean {
  const { kind } = type.kind === 'array' ? type.of : type;
  return !['json', 'bytes', 'array', 'untyped'].includes(kind);
}

function leafOf(type: ColumnType): Leaf {
  switch (type.kind) {
    case 'boolean':
      return { type: 'BOOLEAN' };
    case 'int':
      return intLeaf(type);
    case 'float':
      return { type: type.bits === 32 ? 'FLOAT' : 'DOUBLE' };
    case 'decimal':
      return isDecimal(type) ? decimalLeaf(type.precision, type.scale ?? 0) : text;
    case 'bytes':
      return { type: 'BYTE_ARRAY' };
    case 'date':
      return { type: 'INT32', converted_type: 'DATE', logical_type: { type: 'DATE' } };
    case 'time':
      return isTime(type) ? timeLeaf(type.precision) : text;
    case 'timestamp':
      return timestampLeaf(type.precision, type.hasZone);
    case 'uuid':
      return { type: 'FIXED_LEN_BYTE_ARRAY', type_length: 16, logical_type: { type: 'UUID' } };
    case 'json':
    case 'array':
    case 'untyped':
      return json;
    default:
      return text;
  }
}

/** By the older type, which all readers know: the driver writes the newer one in a way that Arrow refuses. */
function intLeaf({ bits, isUnsigned }: Extract<ColumnType, { kind: 'int' }>): Leaf {
  const width = bits === 24 ? 32 : bits;
  return { type: bits === 64 ? 'INT64' : 'INT32', converted_type: `${isUnsigned ? 'UINT' : 'INT'}_${width}` };
}

export function isDecimal(
  type: Extract<ColumnType, { kind: 'decimal' }>,
): type is Extract<ColumnType, { kind: 'decimal' }> & { readonly precision: number } {
  const { precision, scale = 0 } = type;
  return precision !== undefined && precision <= mostDecimalDigits && scale >= 0 && scale <= precision;
}

function decimalLeaf(precision: number, scale: number): Leaf {
  const shared = {
    converted_type: 'DECIMAL' as const,
    logical_type: { type: 'DECIMAL' as const, precision, scale },
    precision,
    scale,
  };
  if (precision <= 9) return { type: 'INT32', ...shared };
  if (precision <= 18) return { type: 'INT64', ...shared };
  return { type: 'FIXED_LEN_BYTE_ARRAY', type_length: 16, ...shared };
}

/** A zone of its own, and more than a day, have no equal in Parquet. */
export function isTime({ hasZone, isDuration }: Extract<ColumnType, { kind: 'time' }>): boolean {
  return !hasZone && !isDuration;
}

function timeLeaf(precision: number): Leaf {
  const unit = precision > 6 ? ('NANOS' as const) : ('MICROS' as const);
  return {
    type: 'INT64',
    ...(unit === 'MICROS' && { converted_type: 'TIME_MICROS' as const }),
    logical_type: { type: 'TIME', isAdjustedToUTC: false, unit },
  };
}

function timestampLeaf(precision: number, isAdjustedToUTC: boolean): Leaf {
  const unit = precision > 6 ? ('NANOS' as const) : ('MICROS' as const);
  // The older type means an instant, so it is not set for a local time.
  const older = unit === 'MICROS' && isAdjustedToUTC ? { converted_type: 'TIMESTAMP_MICROS' as const } : {};
  return { type: 'INT64', ...older, logical_type: { type: 'TIMESTAMP', isAdjustedToUTC, unit } };
}
