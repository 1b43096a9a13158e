import type { DataSystem } from '../../kit/systems.ts';
import { type Kind, type TypeCase, texts, withoutMinusZero } from '../type-case.ts';

const mysqls = ['mysql', 'mariadb'] as const;
/** Systems with a limited range of decimals and years, and without NaN. */
const limited: readonly DataSystem[] = [...mysqls, 'sqlserver'];

/** A value as canonical Extended JSON: `{"$numberLong":"7"}`. */
function of(tag: string): (text: string) => string {
  return (text) => JSON.stringify({ [tag]: text });
}
const int = of('$numberInt');
const long = of('$numberLong');
const double = of('$numberDouble');
const decimal = of('$numberDecimal');
const date = (ms: number) => JSON.stringify({ $date: { $numberLong: String(ms) } });
const binary = (base64: string, subType: string) => JSON.stringify({ $binary: { base64, subType } });

function simple(name: string, ddl: string, kind: Kind, ...values: readonly string[]): TypeCase {
  return { name, ddl, kind, values };
}

const numbers: readonly TypeCase[] = [
  simple('c_int', 'int', 'int', int('-2147483648'), int('2147483647')),
  simple(
    'c_long',
    'long',
    'int',
    long('-9223372036854775808'),
    long('9223372036854775807'),
    long('9007199254740993'),
    long('7'),
  ),
  {
    name: 'c_double',
    ddl: 'double',
    kind: 'float64',
    values: ['1.5', '5.0', '1.7976931348623157E+308', '2.2250738585072014E-308', '0.1', '-0.0'].map(double),
    misfits: [
      { at: [...limited, 'sqlite'], values: [double('NaN')] },
      { at: limited, values: [double('Infinity'), double('-Infinity')] },
    ],
    announced: { sqlite: withoutMinusZero, mariadb: withoutMinusZero },
  },
  {
    name: 'c_decimal',
    ddl: 'decimal',
    kind: 'decimal',
    values: ['1.10', '0', '-0.0000000001', '1E+3', '123456789012345678901234567'].map(decimal),
    misfits: [
      { at: limited, values: ['NaN', 'Infinity', '-Infinity', '9.999E+100', '1E-31'].map(decimal) },
      { at: limited, values: [decimal('0.1234567890123456789012345678901234')] },
      { at: ['sqlserver'], values: [decimal('9999999999999999999999999999999999')] },
    ],
  },
  simple('c_int_double', 'int, double', 'float64', int('7'), double('2.5')),
  simple('c_int_decimal', 'long, decimal', 'decimal', long('9007199254740993'), decimal('2.50')),
  simple('c_bool', 'bool', 'boolean', 'true', 'false'),
];

const scalars: readonly TypeCase[] = [
  simple(
    'c_string',
    'string',
    'text',
    ...texts.map((text) => JSON.stringify(text)),
    JSON.stringify('long é'.repeat(9_000)),
  ),
  simple('c_oid', 'objectId', 'text', JSON.stringify({ $oid: '65f0c0ffee65f0c0ffee65f0' })),
  simple('c_binary', 'binData', 'bytes', binary('', '00'), binary('AP9cTgoJDSI=', '00')),
  // The server in memory closes the connection at this subtype, and forgets those of users.
  {
    ...simple('c_old_binary', 'binData, subtype 2', 'bytes', binary('AP9c', '02')),
    inMemory: [binary('AP9c', '00')],
  },
  simple('c_uuid', 'binData, subtype 4', 'text', binary('oO68mZwLTvi7bWu5vTgKEQ==', '04')),
  {
    ...simple('c_custom', 'binData, other subtypes', 'extended', binary('eA==', '80')),
    inMemory: ['{"x":true}'],
  },
  {
    name: 'c_date',
    ddl: 'date',
    kind: 'timestamp',
    values: [
      date(Date.UTC(2026, 10, 24, 8, 0, 0, 123)),
      date(-62_135_596_800_000),
      date(253_402_300_799_999),
      date(-1),
    ],
    misfits: [{ at: limited, values: [date(-62_135_596_800_001)] }],
  },
];

const nested = JSON.stringify({
  z: { $numberInt: '1' },
  a: [{ $numberLong: '9007199254740993' }, { $numberDouble: '5.0' }, null, { deep: [[true]] }],
  price: { $numberDecimal: '1.10' },
  at: { $date: { $numberLong: '1795507200123' } },
  by: { $oid: '65f0c0ffee65f0c0ffee65f0' },
  raw: { $binary: { base64: 'AP8=', subType: '00' } },
  id: { $binary: { base64: 'oO68mZwLTvi7bWu5vTgKEQ==', subType: '04' } },
  text: 'é🌊 "quoted"\n',
  none: { $numberDouble: 'NaN' },
});

const others: readonly TypeCase[] = [
  simple('c_object', 'object', 'extended', nested, '{}'),
  simple('c_array', 'array', 'extended', `[${nested}, {"$numberInt":"2"}]`, '[]'),
  simple('c_mixed', 'several types', 'extended', int('1'), '"text"', '{"a":{"$numberInt":"1"}}', '"1"'),
  simple('c_timestamp', 'timestamp', 'extended', '{"$timestamp":{"t":4294967295,"i":2}}'),
  simple('c_regex', 'regex', 'extended', '{"$regularExpression":{"pattern":"^a/b","options":"im"}}'),
  simple('c_code', 'javascript', 'extended', '{"$code":"return 1"}'),
  simple('c_min_key', 'minKey', 'extended', '{"$minKey":1}'),
  simple('c_max_key', 'maxKey', 'extended', '{"$maxKey":1}'),
];

/** Types as the operator $type names them. Without deprecated ones. */
export const mongodbTypes: readonly TypeCase[] = [...numbers, ...scalars, ...others];
