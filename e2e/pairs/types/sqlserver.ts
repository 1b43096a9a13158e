import { type Kind, type TypeCase, texts } from '../type-case.ts';

const quoted = (text: string) => `N'${text.replaceAll("'", "''")}'`;
/** A decimal literal with many digits would become a float. */
const exact = (type: string, text: string) => `CONVERT(${type}, '${text}')`;

function simple(name: string, ddl: string, kind: Kind, ...values: readonly string[]): TypeCase {
  return { name, ddl, kind, values };
}

const numbers: readonly TypeCase[] = [
  simple('c_bit', 'bit', 'boolean', '0', '1'),
  simple('c_tinyint', 'tinyint', 'int', '0', '255'),
  simple('c_smallint', 'smallint', 'int', '-32768', '32767'),
  simple('c_int', 'int', 'int', '-2147483648', '2147483647'),
  simple('c_bigint', 'bigint', 'int', '-9223372036854775808', '9223372036854775807', '9007199254740993'),
  {
    name: 'c_decimal38',
    ddl: 'decimal(38,10)',
    kind: 'decimal',
    values: ['-0.0000000001', '0', '123456789012345678901234.0123456789'].map((text) =>
      exact('decimal(38,10)', text),
    ),
    misfits: [
      { at: ['mongodb'], values: [exact('decimal(38,10)', '999999999999999999999999999.9999999999')] },
    ],
  },
  simple('c_numeric', 'numeric(10,2)', 'decimal', '99999999.99', '-0.01'),
  simple('c_money', 'money', 'decimal', exact('money', '-922337203685477.5807'), '0.0001'),
  simple('c_smallmoney', 'smallmoney', 'decimal', '214748.3647', '-214748.3648'),
  simple('c_real', 'real', 'float32', '1.5', 'CONVERT(real, 3.4028235e38)', '0.1e0', '16777217e0'),
  simple('c_float', 'float', 'float64', '1.7976931348623157e308', '2.2250738585072014e-308', '0.1e0'),
];

const strings: readonly TypeCase[] = [
  simple('c_char', 'char(5)', 'char', "'ab'", "'abcde'", "''"),
  simple('c_varchar', 'varchar(40)', 'text', "'plain'", "''", "' trailing  '", "'é ü'"),
  simple(
    'c_varchar_max',
    'varchar(max)',
    'text',
    "'plain'",
    "replicate(CONVERT(varchar(max), 'long '), 4000)",
  ),
  simple('c_nchar', 'nchar(5)', 'char', "N'ab'", "N'é🌊'"),
  simple('c_nvarchar', 'nvarchar(40)', 'text', ...texts.map(quoted)),
  simple(
    'c_nvarchar_max',
    'nvarchar(max)',
    'text',
    ...texts.map(quoted),
    "replicate(CONVERT(nvarchar(max), N'long é'), 9000)",
  ),
  simple('c_text', 'text', 'text', "'plain'"),
  simple('c_ntext', 'ntext', 'text', quoted('é🌊')),
  simple('c_binary', 'binary(4)', 'bytes', '0x00ff0000', '0x5c4e0a09'),
  simple('c_varbinary', 'varbinary(8)', 'bytes', '0x', '0x00ff5c0a'),
  simple('c_varbinary_max', 'varbinary(max)', 'bytes', '0x22275c', '0x00ff'),
  simple('c_image', 'image', 'bytes', '0x00ff'),
  simple('c_uuid', 'uniqueidentifier', 'text', "'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11'"),
  simple('c_xml', 'xml', 'other', `N'<a b="1">é</a>'`),
];

/** Compared only at a server that keeps the seventh digit. */
function ofSevenDigits(...type: Parameters<typeof simple>): TypeCase {
  return { ...simple(...type), hasSevenDigits: true };
}

const times: readonly TypeCase[] = [
  simple('c_date', 'date', 'date', "'0001-01-01'", "'9999-12-31'", "'2024-02-29'"),
  ofSevenDigits('c_time', 'time', 'time', "'23:59:59.9999999'", "'00:00:00'"),
  simple('c_time0', 'time(0)', 'time', "'23:59:59'"),
  // Its stand-in loses the last digit of 08:00:00.000001 when it receives it.
  simple('c_time6', 'time(6)', 'time', "'08:00:00.25'", "'23:59:59.999999'", "'00:00:00'"),
  simple('c_smalldatetime', 'smalldatetime', 'timestamp', "'1900-01-01 00:00:00'", "'2079-06-06 23:59:00'"),
  simple('c_datetime', 'datetime', 'timestamp', "'1753-01-01 00:00:00.003'", "'2026-11-24T23:59:59.997'"),
  ofSevenDigits('c_datetime2', 'datetime2', 'timestamp', "'2026-11-24 08:00:00.1234567'"),
  simple('c_datetime20', 'datetime2(0)', 'timestamp', "'9999-12-31 23:59:59'"),
  simple('c_datetime23', 'datetime2(3)', 'timestamp', "'2026-11-24 08:00:00.120'"),
  simple(
    'c_datetime26',
    'datetime2(6)',
    'timestamp',
    "'9999-12-31 23:59:59.999999'",
    "'0001-01-01 00:00:00'",
  ),
  ofSevenDigits('c_offset', 'datetimeoffset', 'timestamp', "'2026-11-24 08:00:00.1234567 +05:30'"),
  simple('c_offset3', 'datetimeoffset(3)', 'timestamp', "'2026-11-24 08:00:00.120 -08:00'"),
  simple('c_offset6', 'datetimeoffset(6)', 'timestamp', "'2026-11-24 08:00:00.123456 +00:00'"),
];

/** SQL Server: the types that its stand-in has as well, and those with seven digits. */
export const sqlserverTypes: readonly TypeCase[] = [...numbers, ...strings, ...times];
