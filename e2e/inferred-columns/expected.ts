/** What must arrive, computed from the JSON without Idra's parser, and without losing a digit. */
export type Kind = 'boolean' | 'decimal' | 'float64' | 'int64' | 'json' | 'text';

/** A number of JSON as its text; everything else as JSON.parse makes it. */
export class NumberText {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

export type Fields = Readonly<Record<string, unknown>>;

interface Source {
  readonly source?: string;
}

/** Numbers keep their text. */
export function parseExactly(json: string): unknown {
  const keep = (_name: string, value: unknown, { source }: Source) =>
    typeof value === 'number' ? new NumberText(source ?? '') : value;
  return (JSON.parse as (text: string, reviver: typeof keep) => unknown)(json, keep);
}

/** The documented type of each field: docs/columns.md. */
export function kindsOf(records: readonly Fields[], kindOf = jsonKind): ReadonlyMap<string, Kind> {
  const found = new Map<string, Set<Kind>>();
  for (const record of records) {
    for (const [name, value] of Object.entries(record)) {
      const kinds = found.get(name) ?? new Set();
      found.set(name, kinds);
      if (value !== null) kinds.add(kindOf(value));
    }
  }
  return new Map([...found].map(([name, kinds]) => [name, commonKind(kinds)]));
}

function commonKind(kinds: ReadonlySet<Kind>): Kind {
  const [first = 'json', ...more] = kinds;
  if (more.length === 0) return first;
  const isNumber = [...kinds].every((kind) => kind === 'int64' || kind === 'decimal' || kind === 'float64');
  if (!isNumber) return 'json';
  return kinds.has('decimal') ? 'decimal' : 'float64';
}

function jsonKind(value: unknown): Kind {
  if (value instanceof NumberText) return /^-?\d+$/.test(value.text) ? 'int64' : 'decimal';
  return typeof value === 'string' ? 'text' : typeof value === 'boolean' ? 'boolean' : 'json';
}

/** The driver of MongoDB stores a number as a 32-bit integer where it is one, else as a double. */
export function documentKind(value: unknown): Kind {
  if (typeof value === 'number') return (value | 0) === value ? 'int64' : 'float64';
  return typeof value === 'string' ? 'text' : typeof value === 'boolean' ? 'boolean' : 'json';
}

/** One form of each value of either side, for a comparison. */
export function comparable(value: unknown, kind: Kind): string | null {
  if (value === null || value === undefined) return null;
  if (kind === 'json') return JSON.stringify(inOneForm(value));
  if (kind === 'text' || kind === 'boolean') return value instanceof NumberText ? value.text : String(value);
  return digitsOf(value instanceof NumberText ? value.text : String(value));
}

/** What a database returned: PostgreSQL writes true as `t`, SQLite as 1. */
export function arrivedValue(text: string | null, kind: Kind): string | null {
  if (text === null) return null;
  switch (kind) {
    case 'json':
      return JSON.stringify(inOneForm(parseExactly(text)));
    case 'boolean':
      return String(['t', 'true', '1'].includes(text));
    case 'float64':
      return digitsOf(String(Number(text)));
    case 'text':
      return text;
    default:
      return digitsOf(text);
  }
}

function inOneForm(value: unknown): unknown {
  if (value instanceof NumberText) return { number: digitsOf(value.text) };
  if (typeof value === 'number') return { number: digitsOf(String(value)) };
  if (Array.isArray(value)) return value.map(inOneForm);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).toSorted(([one], [other]) => (one < other ? -1 : 1));
  return Object.fromEntries(entries.map(([name, each]) => [name, inOneForm(each)]));
}

/** `0.100` and `1e-1` are one number: its digits without zeros at the end, and its power of ten. */
function digitsOf(text: string): string {
  const [, sign = '', whole = '', fraction = '', exponent = '0'] =
    /^(-?)(\d+)(?:\.(\d+))?(?:e([+-]?\d+))?$/i.exec(text) ?? [];
  if (whole === '') throw new Error(`${text} is not a number`);
  const digits = `${whole}${fraction}`.replace(/^0+/, '');
  const kept = digits.replace(/0+$/, '');
  if (kept === '') return '0';
  return `${sign}${kept}e${Number(exponent) - fraction.length + digits.length - kept.length}`;
}
