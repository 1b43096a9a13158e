import { Misfit } from '../../../core/records/misfit.ts';
import type { Column, ColumnType, Value } from '../../../core/values.ts';
import { bytesFromBigint, countOf, daysOf, type Unit } from './epoch-time.ts';

/** How a canonical type is written in Avro. */
interface AvroColumn {
  readonly schema: unknown;
  write(value: Exclude<Value, null>, to: AvroWriter): Misfit | undefined;
}

/** Writes Avro's binary encoding into a buffer that grows. */
export class AvroWriter {
  #buffer = Buffer.allocUnsafe(1_024);
  #length = 0;

  reset(): void {
    this.#length = 0;
  }

  /** A copy of what was written. */
  bytes(): Buffer {
    return Buffer.from(this.#buffer.subarray(0, this.#length));
  }

  byte(value: number): void {
    const at = this.#grow(1);
    this.#buffer[at] = value;
  }

  int32(value: number): void {
    const at = this.#grow(4);
    this.#buffer.writeInt32BE(value, at);
  }

  long(value: number | bigint): void {
    if (typeof value === 'number' && value >= -(2 ** 30) && value < 2 ** 30) {
      let rest = ((value << 1) ^ (value >> 31)) >>> 0;
      for (; rest > 0x7f; rest >>>= 7) this.byte((rest & 0x7f) | 0x80);
      this.byte(rest);
      return;
    }
    const signed = BigInt(value);
    let rest = BigInt.asUintN(64, (signed << 1n) ^ (signed >> 63n));
    for (; rest > 0x7fn; rest >>= 7n) this.byte(Number(rest & 0x7fn) | 0x80);
    this.byte(Number(rest));
  }

  text(value: string): void {
    const length = Buffer.byteLength(value);
    this.long(length);
    const at = this.#grow(length);
    this.#buffer.write(value, at);
  }

  data(value: Buffer): void {
    this.long(value.length);
    const at = this.#grow(value.length);
    value.copy(this.#buffer, at);
  }

  float(value: number, bits: 32 | 64): void {
    const at = this.#grow(bits / 8);
    if (bits === 32) this.#buffer.writeFloatLE(value, at);
    else this.#buffer.writeDoubleLE(value, at);
  }

  #grow(length: number): number {
    const at = this.#length;
    if (at + length > this.#buffer.length) {
      const larger = Buffer.allocUnsafe(Math.max(2 * this.#buffer.length, at + length));
      this.#buffer.copy(larger, 0, 0, at);
      this.#buffer = larger;
    }
    this.#length = at + length;
    return at;
  }
}

const validName = /^[A-Za-z_]\w*$/;

/** Columns that cannot be fields of Avro. */
export function unnameable(columns: readonly { readonly name: string }[]): readonly string[] {
  return columns.map(({ name }) => name).filter((name) => !validName.test(name));
}

/** Any text as a name of Avro: the record of a topic is named after it. */
export function avroName(text: string): string {
  const name = text.replace(/\W/g, '_');
  return validName.test(name) ? name : `_${name}`;
}

/**
 * Writes rows as records. Every field but those of a key may be null and is so by default: a column that is added or left out later agrees
 * with the readers and writers of the schema before.
 */
export function avroRecord(name: string, columns: readonly Pick<Column, 'name' | 'type'>[], isKey: boolean) {
  const fields = columns.map((column) => ({ name: column.name, ...avroColumn(column.type) }));
  const schema = JSON.stringify({
    type: 'record',
    name: avroName(name),
    namespace: 'idra',
    fields: fields.map((field) =>
      isKey
        ? { name: field.name, type: field.schema }
        : { name: field.name, type: ['null', field.schema], default: null },
    ),
  });
  const write = (row: readonly Value[], to: AvroWriter): { column: string; reason: string } | undefined => {
    for (const [index, field] of fields.entries()) {
      const value = row[index] ?? null;
      if (value === null) {
        if (isKey) return { column: field.name, reason: 'is NULL in a key' };
        to.byte(0);
        continue;
      }
      if (!isKey) to.byte(2);
      const misfit = field.write(value, to);
      if (misfit) return { column: field.name, reason: misfit.reason };
    }
    return undefined;
  };
  return { schema, write };
}

function avroColumn(type: ColumnType): AvroColumn {
  switch (type.kind) {
    case 'boolean':
      return { schema: 'boolean', write: plain((value, to) => to.byte(value ? 1 : 0)) };
    case 'int':
      return intColumn(type);
    case 'float':
      return {
        schema: type.bits === 32 ? 'float' : 'double',
        write: plain((value, to) => to.float(Number(value), type.bits)),
      };
    case 'decimal':
      return decimalColumn(type);
    case 'bytes':
      return { schema: 'bytes', write: plain((value, to) => to.data(Buffer.from(value as Buffer))) };
    case 'date':
      return {
        schema: { type: 'int', logicalType: 'date' },
        write: counted((text) => daysOf(text)),
      };
    case 'time':
      return type.hasZone || type.isDuration ? textColumn : timeColumn('time', type.precision);
    case 'timestamp':
      return timeColumn(type.hasZone ? 'timestamp' : 'local-timestamp', type.precision);
    case 'uuid':
      return { ...textColumn, schema: { type: 'string', logicalType: 'uuid' } };
    case 'array':
      return arrayColumn(type.of);
    default:
      return textColumn;
  }
}

function plain(write: (value: Exclude<Value, null>, to: AvroWriter) => void): AvroColumn['write'] {
  return (value, to) => {
    write(value, to);
    return undefined;
  };
}

const textColumn: AvroColumn = {
  schema: 'string',
  write: plain((value, to) =>
    to.text(value instanceof Uint8Array ? Buffer.from(value).toString('base64') : String(value)),
  ),
};

function intColumn({ bits, isUnsigned }: Extract<ColumnType, { kind: 'int' }>): AvroColumn {
  if (bits === 64 && isUnsigned) return decimalColumn({ kind: 'decimal', precision: 20, scale: 0 });
  const isLong = bits === 64 || (bits === 32 && isUnsigned);
  return { schema: isLong ? 'long' : 'int', write: plain((value, to) => to.long(value as number | bigint)) };
}

function decimalColumn({ precision, scale = 0 }: Extract<ColumnType, { kind: 'decimal' }>): AvroColumn {
  // Avro's decimals have a fixed scale.
  if (precision === undefined) return textColumn;
  return {
    schema: { type: 'bytes', logicalType: 'decimal', precision, scale },
    write(value, to) {
      const [, sign, whole = '', fraction = ''] = /^(-?)(\d+)(?:\.(\d+))?$/.exec(String(value)) ?? [];
      if (sign === undefined) return new Misfit('is NaN or infinite, which a decimal of Avro is not');
      if (/[1-9]/.test(fraction.slice(scale)))
        return new Misfit(`has more than ${scale} digits after the decimal point`);
      const digits = BigInt(whole + fraction.slice(0, scale).padEnd(scale, '0'));
      to.data(bytesFromBigint(sign === '-' ? -digits : digits));
      return undefined;
    },
  };
}

function timeColumn(logical: 'time' | 'timestamp' | 'local-timestamp', precision: number): AvroColumn {
  const unit: Unit = precision <= 3 ? 'millis' : precision <= 6 ? 'micros' : 'nanos';
  if (logical === 'time' && unit === 'nanos') return textColumn;
  const type = logical === 'time' && unit === 'millis' ? 'int' : 'long';
  return {
    schema: { type, logicalType: `${logical}-${unit}` },
    write: counted((text) => {
      const count = countOf(text, unit);
      return count !== undefined && BigInt.asIntN(64, count) === count ? count : undefined;
    }),
  };
}

function counted(count: (text: string) => bigint | undefined): AvroColumn['write'] {
  return (value, to) => {
    const found = count(String(value));
    if (found === undefined)
      return new Misfit('is infinite, or outside of the range or precision of its type');
    to.long(found);
    return undefined;
  };
}

function arrayColumn(of: ColumnType): AvroColumn {
  // Arrays of more dimensions than their type shows are not of one type in Avro.
  const item = avroColumn(of);
  return {
    schema: { type: 'array', items: ['null', item.schema] },
    write(value, to) {
      const items = value as readonly Value[];
      if (items.length > 0) to.long(items.length);
      for (const each of items) {
        if (each === null) {
          to.long(0);
          continue;
        }
        if (Array.isArray(each) && of.kind !== 'array') return new Misfit('is an array of more dimensions');
        to.long(1);
        const misfit = item.write(each, to);
        if (misfit) return new Misfit(`has an element that ${misfit.reason}`);
      }
      to.long(0);
      return undefined;
    },
  };
}
