import { formatPath } from '../../../core/records/path.ts';
import type { RecordColumn } from '../../../core/records/record-column.ts';
import { formatType } from '../../../core/records/type-text.ts';
import type { ColumnType } from '../../../core/values.ts';
import type { AvroRecord, AvroType, Logical } from './avro-schema.ts';

/** The columns of a registered schema: more exact than those of a sample. Undefined: its values are not records. */
export function columnsOfSchema(schema: AvroType, isDebezium: boolean): readonly RecordColumn[] | undefined {
  const record = recordIn(schema);
  const rows = isDebezium ? recordIn(record?.fields.find(({ name }) => name === 'after')?.type) : record;
  return rows?.fields.map(({ name, type }) => ({
    name,
    path: formatPath([name]),
    type: formatType(columnType(type)) ?? 'json',
    nullable: true,
  }));
}

function recordIn(type: AvroType | undefined): AvroRecord | undefined {
  if (type?.kind === 'union') return recordIn(type.branches.find((each) => each.kind === 'record'));
  return type?.kind === 'record' ? type : undefined;
}

/** The canonical type for a type of Avro. */
export function columnType(type: AvroType): ColumnType {
  switch (type.kind) {
    case 'union': {
      const some = type.branches.filter((each) => each.kind !== 'null');
      return some.length === 1 && some[0] ? columnType(some[0]) : { kind: 'json' };
    }
    case 'record':
      return type.logical?.name.endsWith('VariableScaleDecimal') ? { kind: 'decimal' } : { kind: 'json' };
    case 'map':
    case 'null':
      return { kind: 'json' };
    case 'array': {
      const of = columnType(type.items);
      return of.kind === 'json' ? of : { kind: 'array', of };
    }
    case 'enum':
      return { kind: 'text' };
    case 'boolean':
      return { kind: 'boolean' };
    case 'int':
      return counted(type.logical) ?? { kind: 'int', bits: 32 };
    case 'long':
      return counted(type.logical) ?? { kind: 'int', bits: 64 };
    case 'float':
      return { kind: 'float', bits: 32 };
    case 'double':
      return { kind: 'float', bits: 64 };
    case 'fixed':
      if (type.logical?.name === 'uuid' && type.size === 16) return { kind: 'uuid' };
      return decimal(type.logical) ?? { kind: 'bytes', maxLength: type.size, isFixed: true };
    case 'bytes':
      return decimal(type.logical) ?? { kind: 'bytes' };
    case 'string':
      return textual(type.logical);
  }
}

function textual(logical: Logical | undefined): ColumnType {
  const name = logical?.name ?? '';
  if (name === 'uuid' || name.endsWith('.Uuid')) return { kind: 'uuid' };
  if (name.endsWith('.ZonedTimestamp')) return { kind: 'timestamp', precision: 9, hasZone: true };
  return name === 'io.debezium.data.Json' ? { kind: 'json' } : { kind: 'text' };
}

function decimal(logical: Logical | undefined): ColumnType | undefined {
  if (!/(^|\.)decimal$/i.test(logical?.name ?? '')) return undefined;
  const { precision, scale = '0', 'connect.decimal.precision': ofConnect } = logical?.parameters ?? {};
  const digits = Number(precision ?? ofConnect);
  if (!(digits >= 1 && digits <= 1_000) || !(Number(scale) <= digits)) return { kind: 'decimal' };
  return { kind: 'decimal', precision: digits, scale: Number(scale) };
}

function counted(logical: Logical | undefined): ColumnType | undefined {
  const name = logical?.name ?? '';
  if (name === 'date' || /\.Date$/.test(name)) return { kind: 'date' };
  const [, isLocal, what, unit] = /^(local-)?(timestamp|time)-(millis|micros|nanos)$/.exec(name) ?? [];
  const precision = { millis: 3, micros: 6, nanos: 9 }[unit ?? ''] ?? 3;
  if (what === 'timestamp') return { kind: 'timestamp', precision, hasZone: isLocal === undefined };
  if (what === 'time') return { kind: 'time', precision, hasZone: false };
  const [, size, kind] =
    /^(?:io\.debezium\.time|org\.apache\.kafka\.connect\.data)\.(Micro|Nano)?(Timestamp|Time)$/.exec(name) ??
    [];
  const digits = size === 'Nano' ? 9 : size === 'Micro' ? 6 : 3;
  if (kind === 'Timestamp') return { kind: 'timestamp', precision: digits, hasZone: false };
  if (kind === 'Time') return { kind: 'time', precision: digits, hasZone: false };
  return undefined;
}
