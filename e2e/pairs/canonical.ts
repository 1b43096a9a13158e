import type { Kind } from './type-case.ts';

/** One text for each value of a kind, whatever system it was read from; written for this comparison, independently of the tested code. */
export function canonical(kind: Kind, text: string): string {
  if (typeof kind !== 'string') return canonicalArray(kind.arrayOf, text);
  switch (kind) {
    case 'boolean':
      return /^(t|true|1)$/.test(text) ? 'true' : /^(f|false|0)$/.test(text) ? 'false' : text;
    case 'int':
      return /^-?\d+$/.test(text) ? String(BigInt(text)) : text;
    case 'decimal':
      return canonicalDecimal(text);
    case 'float32':
      return canonicalFloat(Math.fround(toNumber(text)));
    case 'float64':
      return canonicalFloat(toNumber(text));
    case 'char':
      return text.replace(/ +$/, '');
    case 'date':
      return text;
    case 'time':
      return canonicalTime(text);
    case 'duration':
      return canonicalDuration(text);
    case 'timestamp':
      return canonicalTimestamp(text);
    case 'json':
    case 'extended':
      return canonicalJson(text);
    case 'text':
    case 'bytes':
    case 'bit':
    case 'other':
      return text;
  }
}

function canonicalDecimal(given: string): string {
  const text = withoutExponent(given);
  const match = /^([+-]?)(\d+)(?:\.(\d+))?$/.exec(text);
  if (!match) return text;
  const [, sign, whole = '', fraction = ''] = match;
  const digits = `${whole.replace(/^0+(?=\d)/, '')}${`.${fraction}`.replace(/\.?0+$/, '')}`.replace(
    /\.$/,
    '',
  );
  return digits === '0' ? '0' : `${sign === '-' ? '-' : ''}${digits}`;
}

/** `-1.5E+3` is `-1500`. */
function withoutExponent(text: string): string {
  const [, sign = '', whole = '', fraction = '', exponent] =
    /^([+-]?)(\d+)(?:\.(\d+))?[eE]([+-]?\d+)$/.exec(text) ?? [];
  if (exponent === undefined) return text;
  const shift = Number(exponent);
  const digits = `${'0'.repeat(Math.max(0, -shift))}${whole}${fraction}${'0'.repeat(Math.max(0, shift - fraction.length))}`;
  const point = digits.length - Math.max(0, fraction.length - shift);
  return `${sign}${digits.slice(0, point)}.${digits.slice(point)}0`;
}

function toNumber(text: string): number {
  if (/^inf/i.test(text)) return Number.POSITIVE_INFINITY;
  if (/^-inf/i.test(text)) return Number.NEGATIVE_INFINITY;
  return Number(text);
}

function canonicalFloat(value: number): string {
  return Object.is(value, -0) ? '-0' : String(value);
}

/** Removes trailing zeros of a second's fraction. */
function trimFraction(text: string): string {
  return text.replace(/(:\d{2})\.(\d*?)0*(?=$|[Z+ -])/, (_, second: string, rest: string) =>
    rest === '' ? second : `${second}.${rest}`,
  );
}

function canonicalTime(text: string): string {
  return trimFraction(text).replace(/([+-]\d{2}):00$/, '$1');
}

function canonicalTimestamp(text: string): string {
  const plain = text.replace('T', ' ').replace(/(Z|\+00(:00)?)(?=$| BC$)/, '');
  return trimFraction(/^\d{4,}-\d{2}-\d{2}$/.test(plain) ? `${plain} 00:00:00` : plain);
}

/** Microseconds, from `-838:59:59.5` or an ISO interval of hours, minutes and seconds. */
function canonicalDuration(text: string): string {
  const clock = /^(-?)(\d+):(\d{2}):(\d{2})(?:\.(\d+))?$/.exec(text);
  if (clock) {
    const [, sign, hours = '0', minutes = '0', seconds = '0', fraction = ''] = clock;
    const total = (BigInt(hours) * 3600n + BigInt(minutes) * 60n + BigInt(seconds)) * 1_000_000n;
    const micros = total + BigInt(fraction.padEnd(6, '0'));
    return String(sign === '-' ? -micros : micros);
  }
  const iso = /^PT(?:(-?\d+)H)?(?:(-?\d+)M)?(?:(-?[\d.]+)S)?$/.exec(text);
  if (!iso) return text;
  const [, hours = '0', minutes = '0', seconds = '0'] = iso;
  return String(BigInt(hours) * 3_600_000_000n + BigInt(minutes) * 60_000_000n + microsOf(seconds));
}

function microsOf(seconds: string): bigint {
  const [whole = '0', fraction = ''] = seconds.replace('-', '').split('.');
  const micros = BigInt(whole) * 1_000_000n + BigInt(fraction.padEnd(6, '0'));
  return seconds.startsWith('-') ? -micros : micros;
}

/** Numbers keep their digits; keys of objects are sorted. */
export function canonicalJson(text: string): string {
  try {
    return JSON.stringify(sorted(parseKeepingDigits(text)));
  } catch {
    return text;
  }
}

/** A number becomes a text of its digits behind `#`. */
export function parseKeepingDigits(text: string): unknown {
  const keep = (_key: string, value: unknown, context: { readonly source?: string }) =>
    typeof value === 'number' ? `#${context.source}` : value;
  // The third argument is not in this TypeScript version's types yet.
  return JSON.parse(text, keep as (key: string, value: unknown) => unknown);
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([one], [other]) => (one < other ? -1 : 1))
      .map(([name, each]) => [name, sorted(each)]),
  );
}

function canonicalArray(of: Kind, text: string): string {
  const items = text.startsWith('[') && !/^\[-?\d+:/.test(text) ? jsonItems(text) : postgresItems(text);
  return JSON.stringify(itemTexts(of, items));
}

type Item = string | null | readonly Item[];

function itemTexts(of: Kind, item: Item): Item {
  if (item === null) return null;
  if (Array.isArray(item)) return item.map((each) => itemTexts(of, each));
  return canonical(of, (item as string).replace(/^\\x(?=[0-9a-f]*$)/, ''));
}

/** JSON values within an array's JSON are kept as they are. */
function jsonItems(text: string): Item {
  const plain = (value: unknown): Item => {
    if (value === null) return null;
    if (Array.isArray(value)) return value.map(plain);
    if (typeof value === 'object') return JSON.stringify(value).replace(/"#([^"]+)"/g, '$1');
    return String(value).replace(/^#/, '');
  };
  return plain(parseKeepingDigits(text));
}

/** PostgreSQL's text of an array: https://www.postgresql.org/docs/15/arrays.html#ARRAYS-IO */
function postgresItems(text: string): Item {
  let at = text.indexOf('{');
  const list = (): Item => {
    const items: Item[] = [];
    at++;
    while (text[at] !== '}') {
      if (text[at] === ',') at++;
      else items.push(text[at] === '{' ? list() : item());
    }
    at++;
    return items;
  };
  const item = (): Item => {
    if (text[at] !== '"') {
      const start = at;
      while (!',}'.includes(text[at] ?? '}')) at++;
      const bare = text.slice(start, at);
      return bare === 'NULL' ? null : bare;
    }
    let quoted = '';
    for (at++; text[at] !== '"'; at++) {
      if (text[at] === '\\') at++;
      quoted += text[at];
    }
    at++;
    return quoted;
  };
  return list();
}
