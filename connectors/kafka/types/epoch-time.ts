import { TypedNode } from './record-node.ts';

/** Units in which formats count times. */
export const units = { millis: 3, micros: 6, nanos: 9 } as const;
export type Unit = keyof typeof units;

const dayMs = 86_400_000;
const [leastDay, mostDay] = [-719_162, 2_932_896];
const daySeconds = 86_400n;

/** Days since 1970 as a date; undefined: outside of the years 1 to 9999. */
export function dateNode(days: bigint): TypedNode | undefined {
  if (days < BigInt(leastDay) || days > BigInt(mostDay)) return undefined;
  const text = new Date(Number(days) * dayMs).toISOString().slice(0, 10);
  return new TypedNode({ kind: 'date', text });
}

/** A count since midnight. */
export function timeNode(count: bigint, unit: Unit): TypedNode | undefined {
  const digits = units[unit];
  const perSecond = 10n ** BigInt(digits);
  if (count < 0n || count >= daySeconds * perSecond) return undefined;
  const seconds = Number(count / perSecond);
  const clock = [Math.floor(seconds / 3_600), Math.floor(seconds / 60) % 60, seconds % 60];
  const text = clock.map((each) => String(each).padStart(2, '0')).join(':');
  const fraction = String(count % perSecond).padStart(digits, '0');
  return new TypedNode({ kind: 'time', text: `${text}.${fraction}`, precision: digits, hasZone: false });
}

/** A count since 1970: an instant, or with `hasZone` false the time on a clock somewhere. */
export function timestampNode(count: bigint, unit: Unit, hasZone: boolean): TypedNode | undefined {
  const text = timestampText(count, unit, hasZone);
  if (text === undefined) return undefined;
  return new TypedNode({ kind: 'timestamp', text, precision: units[unit], hasZone });
}

export function timestampText(count: bigint, unit: Unit, hasZone: boolean): string | undefined {
  const digits = units[unit];
  const perSecond = 10n ** BigInt(digits);
  // Rounded down, also before 1970.
  let seconds = count / perSecond;
  if (count % perSecond < 0n) seconds -= 1n;
  const days = seconds / daySeconds;
  if (days < BigInt(leastDay) || days > BigInt(mostDay)) return undefined;
  const date = new Date(Number(seconds) * 1_000).toISOString().slice(0, 19).replace('T', ' ');
  const fraction = String(count - seconds * perSecond).padStart(digits, '0');
  return `${date}.${fraction}${hasZone ? 'Z' : ''}`;
}

/** The count of a canonical timestamp, date or time; undefined for infinities, years outside of 1 to 9999, and more digits than the unit has. */
export function countOf(text: string, unit: Unit): bigint | undefined {
  const match = /^(?:(\d{4}-\d{2}-\d{2}) )?(\d{2}):(\d{2}):(\d{2})(?:\.(\d+))?Z?$/.exec(text);
  if (!match) return undefined;
  const [, date, hours, minutes, seconds, fraction = ''] = match;
  const digits = units[unit];
  if (fraction.length > digits && !/^0*$/.test(fraction.slice(digits))) return undefined;
  const days = date === undefined ? 0n : daysOf(date);
  if (days === undefined) return undefined;
  const clock = BigInt(Number(hours) * 3_600 + Number(minutes) * 60 + Number(seconds));
  const part = BigInt(fraction.slice(0, digits).padEnd(digits, '0') || '0');
  return (days * daySeconds + clock) * 10n ** BigInt(digits) + part;
}

export function daysOf(text: string): bigint | undefined {
  const ms = /^\d{4}-\d{2}-\d{2}$/.test(text) ? Date.parse(`${text}T00:00:00Z`) : Number.NaN;
  return Number.isNaN(ms) ? undefined : BigInt(Math.round(ms / dayMs));
}

/** Two's complement, most significant byte first, as Avro and Connect write decimals. */
export function bigintFromBytes(bytes: Buffer): bigint {
  if (bytes.length === 0) return 0n;
  const value = BigInt(`0x${bytes.toString('hex')}`);
  return (bytes[0] as number) < 0x80 ? value : value - (1n << BigInt(8 * bytes.length));
}

export function bytesFromBigint(value: bigint): Buffer {
  let length = 1;
  while (value < -(1n << BigInt(8 * length - 1)) || value >= 1n << BigInt(8 * length - 1)) length += 1;
  const hex = BigInt.asUintN(8 * length, value)
    .toString(16)
    .padStart(2 * length, '0');
  return Buffer.from(hex, 'hex');
}

/** Larger ones are damaged or made to take time: a conversion grows with the square of the digits. */
const maxDecimalBytes = 512;

export function decimalText(bytes: Buffer, scale: number): string | undefined {
  if (bytes.length > maxDecimalBytes || !Number.isInteger(scale) || scale < 0 || scale > 1_000)
    return undefined;
  const value = bigintFromBytes(bytes);
  const digits = String(value < 0n ? -value : value).padStart(scale + 1, '0');
  const point = digits.length - scale;
  const text = scale === 0 ? digits : `${digits.slice(0, point)}.${digits.slice(point)}`;
  return value < 0n ? `-${text}` : text;
}
