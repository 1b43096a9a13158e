import { nowLiteral } from '../document-session.ts';
import type { Random } from '../prng.ts';
import { hexKey, uuidKey, wordKey } from '../systems/key-values.ts';

/** Literals of documents: Extended JSON. */
const long = (text: string) => `{"$numberLong":"${text}"}`;
const double = (text: string) => `{"$numberDouble":"${text}"}`;
const decimal = (text: string) => `{"$numberDecimal":"${text}"}`;
const date = (ms: number) => `{"$date":{"$numberLong":"${ms}"}}`;
const binary = (hex: string, subType = '00') =>
  `{"$binary":{"base64":"${Buffer.from(hex, 'hex').toString('base64')}","subType":"${subType}"}}`;
const objectId = (n: number) => `{"$oid":"65f0c0ffee65f0c0${n.toString(16).padStart(8, '0')}"}`;

/** Values of one kind of field; a column of a SQL system keeps all of them. */
export interface FieldKind {
  readonly name: string;
  /** Of a named column. */
  readonly column: string;
  readonly values: readonly string[];
  /** Values that a column inferred from `values`, or named, does not keep. */
  readonly misfits: readonly string[];
}

export const fieldKinds: readonly FieldKind[] = [
  { name: 'int', column: 'int64', values: ['1', '-5', '2147483647', long('7')], misfits: ['"seven"', '1.5'] },
  {
    name: 'long',
    column: 'int64',
    values: [long('9007199254740993'), long('-9223372036854775808'), '0'],
    misfits: [double('0.5')],
  },
  {
    name: 'double',
    column: 'float64',
    values: [double('1.5'), double('0.1'), double('-2.5e300'), double('5.0')],
    misfits: ['"much"', double('NaN'), double('-Infinity'), double('-0.0')],
  },
  {
    name: 'decimal',
    column: 'decimal(30,10)',
    values: [decimal('12.50'), decimal('-0.0000000001'), decimal('12345678901234567890.123')],
    misfits: [
      ...['NaN', '-Infinity', '-0', '1E+6144', '1E-6176', '1234567890123456789012345678901234'].map(decimal),
      'true',
    ],
  },
  {
    name: 'text',
    column: 'text',
    values: [
      '"plain"',
      '""',
      '"it\'s \\"quoted\\" \\\\ back"',
      '"ünïcödé 東京 🌊"',
      '"a\\tb\\nc"',
      '" trailing  "',
      '"0042"',
    ],
    misfits: ['{"a":1}', '"a\\u0000b"', '"\\ufffd"', '{"$symbol":"s"}'],
  },
  { name: 'bool', column: 'boolean', values: ['true', 'false'], misfits: ['2'] },
  {
    name: 'date',
    column: 'timestamp(3) with time zone',
    values: [date(1_764_000_000_123), date(0), date(951_782_400_000)],
    // After the year 9999, and before the year 1.
    misfits: ['5', date(253_402_300_800_000), date(-62_200_000_000_000), '{"$timestamp":{"t":5,"i":1}}'],
  },
  { name: 'bytes', column: 'bytes', values: [binary('00ff5c4e0a'), binary('')], misfits: ['12'] },
  {
    name: 'uuid',
    column: 'uuid',
    values: [binary('6f9619ff8b86d011b42d00c04fc964ff', '04')],
    misfits: ['"no"'],
  },
  { name: 'oid', column: 'text', values: [objectId(1), objectId(2)], misfits: ['[1]'] },
  {
    name: 'doc',
    column: 'json',
    values: ['{"x":1,"y":{"z":[1,2.5,"three",null]}}', '{}', `{"at":${date(86_400_000)},"n":${long('5')}}`],
    misfits: [],
  },
  {
    name: 'odd names',
    column: 'json',
    values: ['{"a.b":1}', '{"$x":1,"":2}', '{"A":1,"a":2}', '{"__proto__":{"x":1},"toString":3}'],
    misfits: [],
  },
  {
    name: 'odd types',
    column: 'json',
    values: [
      '{"$regularExpression":{"pattern":"^a","options":"i"}}',
      '{"$timestamp":{"t":1764000000,"i":2}}',
      '{"$minKey":1}',
      '{"$code":"return 1"}',
      double('NaN'),
      double('-0.0'),
      decimal('-Infinity'),
      date(-62_200_000_000_000),
    ],
    misfits: [],
  },
  { name: 'list', column: 'json', values: ['[]', '[1,"two",{"three":3}]', '[[1],[2]]'], misfits: [] },
  {
    name: 'mixed',
    column: 'json',
    values: ['1', '"one"', 'true', '{"a":1}', '[1]', decimal('1.10'), date(1_000), objectId(3)],
    misfits: [],
  },
];

export interface IdKind {
  readonly name: string;
  /** Undefined: no column of another system has such keys. */
  readonly column?: string;
  value(n: number): string;
}

/** Each may be the `_id` of one document. */
const rareIds: Readonly<Record<number, string>> = {
  3: 'null',
  4: double('NaN'),
  7: 'true',
  9: '{"$minKey":1}',
  11: decimal('-Infinity'),
  12: '{"$timestamp":{"t":12,"i":1}}',
  14: '{"a":[1]}',
};

const uuid = (n: number) => binary(uuidKey(n).replaceAll(/['-]/g, ''), '04');
const word = (n: number) => JSON.stringify(wordKey(n).slice(1, -1).replaceAll("''", "'"));

export const idKinds: readonly IdKind[] = [
  { name: 'int', column: 'int64', value: (n) => String(n) },
  { name: 'long', column: 'int64', value: (n) => long(String(9_007_199_254_740_990n + BigInt(n))) },
  { name: 'objectId', column: 'text', value: objectId },
  { name: 'text', column: 'text', value: word },
  { name: 'uuid', column: 'uuid', value: uuid },
  { name: 'date', column: 'timestamp(3) with time zone', value: (n) => date(1_764_000_000_000 + n) },
  { name: 'bytes', column: 'bytes', value: (n) => binary(hexKey(n)) },
  {
    name: 'numbers',
    column: 'decimal(20,4)',
    value: (n) => [String(n), long(String(n)), double(`${n}.5`)][n % 3] ?? '0',
  },
  { name: 'document', value: (n) => `{"a":${n % 3},"b":"x${n}"}` },
  {
    name: 'mixed',
    value: (n) =>
      rareIds[n] ?? [String(n), word(n), objectId(n), uuid(n), double(`${n}.5`), date(n)][n % 6] ?? '0',
  },
];

/** A number for mode Id: all its types are in one order. */
export function idLiteral(random: Random, n: number): string {
  return random.weighted([
    [4, String(n)],
    [2, long(String(n))],
    [1, double(`${n}.0`)],
    [0.3, decimal(String(n))],
  ]);
}

export const now = nowLiteral;
