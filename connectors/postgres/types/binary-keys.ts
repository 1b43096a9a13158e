import { protocolError } from '../../../core/error-class.ts';
import { instantText } from './time-text.ts';

/** Decodes one value of COPY BINARY to canonical text (scalarText), by the type that is transferred. */
type DecodeKey = (value: Buffer) => string;

const textLike: DecodeKey = (value) => value.toString('utf8');
const microsPerDay = 86_400_000_000n;
/** Days from 1970 to 2000, PostgreSQL's epoch. */
const epochDays = 10_957n;

const decoders: Readonly<Record<string, DecodeKey>> = {
  boolean: ofLength(1, (value) => String(value[0] === 1)),
  smallint: ofLength(2, (value) => String(value.readInt16BE(0))),
  integer: ofLength(4, (value) => String(value.readInt32BE(0))),
  oid: ofLength(4, (value) => String(value.readUInt32BE(0))),
  bigint: ofLength(8, (value) => String(value.readBigInt64BE(0))),
  'double precision': ofLength(8, (value) => String(value.readDoubleBE(0))),
  real: ofLength(4, (value) => shortestSingle(value.readFloatBE(0))),
  numeric: decodeNumeric,
  text: textLike,
  json: textLike,
  uuid: ofLength(16, (value) =>
    value.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5'),
  ),
  bytea: (value) => value.toString('hex'),
  date: ofLength(4, decodeDate),
  'timestamp without time zone': ofLength(8, (value) => decodeTimestamp(value, '')),
  'timestamp with time zone': ofLength(8, (value) => decodeTimestamp(value, 'Z')),
};

/** Prevents bytes of another type from being read as this one. */
function ofLength(length: number, decode: DecodeKey): DecodeKey {
  return (value) => {
    if (value.length !== length)
      throw broken(`a key value of ${value.length} bytes, whose type has ${length}`);
    return decode(value);
  };
}

/** The caller that reads the keys of a row adds the system's name. */
function broken(what: string): Error {
  return protocolError('PostgreSQL', new Error(what));
}

/** Undefined if rows cannot be paged by such a column in the binary format. */
export function keyDecoderOf(type: string): DecodeKey | undefined {
  return decoders[type];
}

/** The fields of a row of COPY BINARY: int16 count, then int32 length (-1 for NULL) and bytes of each; views. */
export function fieldsOf(row: Buffer): (Buffer | null)[] {
  const count = row.length < 2 ? -1 : row.readInt16BE(0);
  if (count < 0) throw broken('a row without a number of fields');
  const fields: (Buffer | null)[] = [];
  let at = 2;
  for (let index = 0; index < count; index++) {
    const length = at + 4 > row.length ? -2 : row.readInt32BE(at);
    at += 4;
    if (length < -1 || at + length > row.length) throw broken('a row that ends in the middle of a field');
    if (length < 0) fields.push(null);
    else {
      fields.push(row.subarray(at, at + length));
      at += length;
    }
  }
  return fields;
}

/** numeric.c, numeric_send: digits in base 10,000. */
function decodeNumeric(value: Buffer): string {
  const count = value.length < 8 ? -1 : value.readInt16BE(0);
  if (value.length !== 8 + 2 * count)
    throw broken(`a numeric key value of ${value.length} bytes for ${count} digits`);
  const weight = value.readInt16BE(2);
  const sign = value.readUInt16BE(4);
  const scale = value.readUInt16BE(6);
  if (sign === 0xc000) return 'NaN';
  if (sign === 0xd000) return 'Infinity';
  if (sign === 0xf000) return '-Infinity';
  const digit = (index: number) =>
    index >= 0 && index < count ? String(value.readInt16BE(8 + 2 * index)).padStart(4, '0') : '0000';
  let whole = '';
  for (let index = 0; index <= weight; index++) whole += digit(index);
  let fraction = '';
  for (let index = weight + 1; fraction.length < scale; index++) fraction += digit(index);
  const text = whole.replace(/^0+(?=\d)/, '') || '0';
  return `${sign === 0x4000 ? '-' : ''}${text}${scale > 0 ? `.${fraction.slice(0, scale)}` : ''}`;
}

function decodeDate(value: Buffer): string {
  const days = value.readInt32BE(0);
  if (days === 2_147_483_647) return 'infinity';
  if (days === -2_147_483_648) return '-infinity';
  const text = instantText((BigInt(days) + epochDays) * microsPerDay, '');
  return text.replace(' 00:00:00', '');
}

function decodeTimestamp(value: Buffer, suffix: 'Z' | ''): string {
  const micros = value.readBigInt64BE(0);
  if (micros === 9_223_372_036_854_775_807n) return 'infinity';
  if (micros === -9_223_372_036_854_775_808n) return '-infinity';
  return instantText(micros + epochDays * microsPerDay, suffix);
}

/** As PostgreSQL writes a `real`: the fewest digits that read back as the same value. */
function shortestSingle(value: number): string {
  for (let digits = 1; digits < 9; digits++) {
    const text = value.toPrecision(digits);
    if (Math.fround(Number(text)) === value) return String(Number(text));
  }
  return String(value);
}
