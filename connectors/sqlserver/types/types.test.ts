import assert from 'node:assert/strict';
import { test } from 'node:test';
import { onServer } from '../test-harness.ts';

/** A type, its values as literals, and the canonical form of each. */
interface TypeCase {
  readonly type: string;
  readonly values: readonly (readonly [literal: string, canonical: unknown])[];
}

const bytes = (hex: string) => Buffer.from(hex, 'hex');

const cases: readonly TypeCase[] = [
  {
    type: 'bit',
    values: [
      ['1', true],
      ['0', false],
    ],
  },
  {
    type: 'tinyint',
    values: [
      ['0', 0],
      ['255', 255],
    ],
  },
  {
    type: 'smallint',
    values: [
      ['-32768', -32_768],
      ['32767', 32_767],
    ],
  },
  {
    type: 'int',
    values: [
      ['-2147483648', -2_147_483_648],
      ['2147483647', 2_147_483_647],
    ],
  },
  {
    type: 'bigint',
    values: [
      ['-9223372036854775808', -9_223_372_036_854_775_808n],
      ['9223372036854775807', 9_223_372_036_854_775_807n],
    ],
  },
  {
    type: 'decimal(38,10)',
    values: [
      [
        "CONVERT(decimal(38,10), '1234567890123456789012345678.0123456789')",
        '1234567890123456789012345678.0123456789',
      ],
      ["CONVERT(decimal(38,10), '-0.0000000001')", '-0.0000000001'],
    ],
  },
  {
    type: 'decimal(5,0)',
    values: [
      ['-99999', '-99999'],
      ['0', '0'],
    ],
  },
  {
    type: 'money',
    values: [
      ["CONVERT(money, '922337203685477.5807')", '922337203685477.5807'],
      ["CONVERT(money, '-922337203685477.5807')", '-922337203685477.5807'],
      ['0.0001', '0.0001'],
    ],
  },
  {
    type: 'smallmoney',
    values: [
      ['214748.3647', '214748.3647'],
      ['-214748.3648', '-214748.3648'],
    ],
  },
  {
    type: 'real',
    values: [
      ['CONVERT(real, 3.4028235e38)', Math.fround(3.4028235e38)],
      ['0.1e0', Math.fround(0.1)],
    ],
  },
  {
    type: 'float',
    values: [
      ['1.7976931348623157e308', 1.7976931348623157e308],
      ['0.1e0', 0.1],
      ['-5e-300', -5e-300],
    ],
  },
  {
    type: 'date',
    values: [
      ["'0001-01-01'", '0001-01-01'],
      ["'9999-12-31'", '9999-12-31'],
    ],
  },
  {
    type: 'time(6)',
    values: [
      ["'23:59:59.999999'", '23:59:59.999999'],
      ["'00:00:00'", '00:00:00'],
    ],
  },
  { type: 'time(0)', values: [["'08:00:05'", '08:00:05']] },
  {
    type: 'datetime',
    values: [
      ["'1753-01-01 00:00:00.003'", '1753-01-01 00:00:00.003'],
      ["'2026-11-24T23:59:59.997'", '2026-11-24 23:59:59.997'],
    ],
  },
  {
    type: 'smalldatetime',
    values: [
      ["'1900-01-01 00:00:00'", '1900-01-01 00:00:00'],
      ["'2079-06-06 23:59:00'", '2079-06-06 23:59:00'],
    ],
  },
  {
    type: 'datetime2(6)',
    values: [
      ["'0001-01-01 00:00:00.000001'", '0001-01-01 00:00:00.000001'],
      ["'9999-12-31 23:59:59.999999'", '9999-12-31 23:59:59.999999'],
    ],
  },
  {
    type: 'datetimeoffset(6)',
    values: [
      ["'2026-11-24 08:00:00.123456 +05:30'", '2026-11-24 02:30:00.123456Z'],
      ["'2026-11-24 08:00:00 -08:00'", '2026-11-24 16:00:00Z'],
    ],
  },
  { type: 'char(5)', values: [["'ab'", 'ab   ']] },
  {
    type: 'varchar(8000)',
    values: [
      ["'plain'", 'plain'],
      ["''", ''],
    ],
  },
  {
    type: 'nvarchar(40)',
    values: [
      ["N'日本 😀 ß'", '日本 😀 ß'],
      ["N'a\\' + N'\nb'", 'a\\\nb'],
      ["N'trailing  '", 'trailing  '],
    ],
  },
  { type: 'nvarchar(max)', values: [["REPLICATE(CONVERT(nvarchar(max), N'x'), 20000)", 'x'.repeat(20_000)]] },
  {
    type: 'varbinary(16)',
    values: [
      ['0x', bytes('')],
      ['0x00ff0000', bytes('00ff0000')],
    ],
  },
  { type: 'varbinary(max)', values: [['0x0102030405', bytes('0102030405')]] },
  { type: 'binary(4)', values: [['0x01020304', bytes('01020304')]] },
  {
    type: 'uniqueidentifier',
    values: [["'6F9619FF-8B86-D011-B42D-00C04FC964FF'", '6f9619ff-8b86-d011-b42d-00c04fc964ff']],
  },
  { type: 'xml', values: [['N\'<a b="1">é</a>\'', '<a b="1">é</a>']] },
  { type: 'text', values: [["'long text'", 'long text']] },
  { type: 'ntext', values: [["N'lange Texte ß'", 'lange Texte ß']] },
  { type: 'image', values: [['0x0102', bytes('0102')]] },
];

onServer((database) => {
  for (const [index, { type, values }] of cases.entries()) {
    test(`${type}: every value is canonical, and arrives as it is`, async () => {
      const [from, to] = [`source_${index}`, `target_${index}`];
      await database.run(`CREATE TABLE ${from} (id int PRIMARY KEY, v ${type} NULL)`);
      const rows = [
        ...values.map(([literal], at) => `(${at + 1}, ${literal})`),
        `(${values.length + 1}, NULL)`,
      ];
      for (const row of rows) await database.run(`INSERT INTO ${from} VALUES ${row}`);
      const flow = await database.flow({ from, to });
      const read = (await flow.batches()).flatMap(({ rows: batch }) =>
        'rows' in batch ? [...batch.rows] : [],
      );
      assert.deepEqual(
        read.map(([, value]) => value),
        [...values.map(([, canonical]) => canonical), null],
      );
      await flow.claim();
      await flow.pass();
      const back = await database.flow({ from: to, to: `${to}_again` });
      const arrived = (await back.batches()).flatMap(({ rows: batch }) =>
        'rows' in batch ? [...batch.rows] : [],
      );
      assert.deepEqual(arrived, read);
      const described = await back.source.describe(new AbortController().signal);
      assert.equal(described.columns[1]?.nativeType, type);
      await Promise.all([flow.close(), back.close()]);
    });
  }

  test('a sql_variant is refused, with what to do', async () => {
    await database.run('CREATE TABLE variants (id int PRIMARY KEY, v sql_variant)');
    const flow = await database.flow({ from: 'variants', to: 'no_variants' });
    const { findings = [] } = await flow.source.describe(new AbortController().signal);
    assert.deepEqual(
      findings.map(({ severity, code }) => [severity, code]),
      [['error', 'TypeNotKept']],
    );
  });

  test('identity, computed and rowversion columns: values are kept, and what the server computes is left out', async () => {
    await database.run(
      'CREATE TABLE numbered (id int IDENTITY(10, 5) PRIMARY KEY, n int NOT NULL, twice AS (n * 2)); INSERT INTO numbered (n) VALUES (1), (2), (3)',
    );
    await database.run(
      'CREATE TABLE numbered_target (id int IDENTITY(1, 1) PRIMARY KEY, n int NOT NULL, twice AS (n * 2), rv rowversion)',
    );
    const flow = await database.flow({ from: 'numbered', to: 'numbered_target' });
    await flow.claim();
    await flow.pass();
    const all = 'SELECT id, n, twice FROM numbered_target ORDER BY id';
    assert.deepEqual(await database.run(all), [
      ['10', '1', '2'],
      ['15', '2', '4'],
      ['20', '3', '6'],
    ]);
    await database.run('UPDATE numbered SET n = 7 WHERE id = 15');
    await flow.pass({ mode: 'Snapshot', pass: 2, key: null, isComplete: false });
    assert.deepEqual((await database.run(all))[1], ['15', '7', '14']);
  });
});
