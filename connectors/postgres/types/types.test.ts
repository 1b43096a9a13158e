import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { ColumnType, Value } from '../../../core/values.ts';
import { openFlow, type TestDatabase, testDatabase } from '../test-harness.ts';

let database: TestDatabase;
before(async () => {
  database = await testDatabase();
  await database.query('CREATE EXTENSION citext; CREATE EXTENSION hstore');
  await database.run(`CREATE TYPE mood AS ENUM ('sad', 'it''s "ok"', 'happy'); CREATE DOMAIN percent AS numeric(5,2) CHECK (value <= 100);
    CREATE DOMAIN name_of AS varchar(20) NOT NULL`);
});
after(() => database.stop());

/** Type of a column, values as SQL, and the canonical form of the first value. */
const columns: readonly (readonly [type: string, values: readonly string[], canonical: Value])[] = [
  ['boolean', ['true', 'false'], true],
  ['smallint', ['-32768', '32767'], -32768],
  ['integer', ['-2147483648', '2147483647'], -2147483648],
  ['bigint', ['9223372036854775807', '-9223372036854775808'], 9223372036854775807n],
  ['oid', ['4294967295'], 4294967295],
  ['real', ["'3.4028235e38'", "'1e-45'", "'NaN'", "'-Infinity'", '0.1', "'-0'"], 3.4028235e38],
  [
    'double precision',
    ["'1.7976931348623157e308'", "'5e-324'", "'NaN'", "'Infinity'", '0.1', "'-0'"],
    1.7976931348623157e308,
  ],
  [
    'numeric',
    [
      "'NaN'",
      "'Infinity'",
      "'-Infinity'",
      '12345678901234567890123456789012345678901234567890.00001',
      '-0.000',
      '1e-20',
    ],
    'NaN',
  ],
  [
    'numeric(38,10)',
    ['9999999999999999999999999999.9999999999', '-0.0000000001'],
    '9999999999999999999999999999.9999999999',
  ],
  ['numeric(3,-2)', ['12345'], '12300'],
  [
    'text',
    [
      "''",
      "E'tab\\t line\\n return\\r back\\\\slash \\\\N \\b\\f\\v'",
      "'quotes \" '' `'",
      "'é 漢 😀 \u2028'",
      "'\\N'",
    ],
    '',
  ],
  ['varchar(20)', ["'twenty characters 😀'", "''"], 'twenty characters 😀'],
  ['char(5)', ["'ab'", "'abcde'"], 'ab   '],
  ['"char"', ["'x'"], 'x'],
  ['name', ["'a name'"], 'a name'],
  ['bytea', ["'\\x00ff5c0a09'", "''"], Buffer.from('00ff5c0a09', 'hex')],
  [
    'date',
    ["'0001-01-01'", "'9999-12-31'", "'0044-03-15 BC'", "'infinity'", "'-infinity'", "'12345-06-07'"],
    '0001-01-01',
  ],
  ['time', ["'23:59:59.999999'", "'24:00:00'"], '23:59:59.999999'],
  ['time(3) with time zone', ["'23:59:59.999+05:30'", "'00:00:00-12'"], '23:59:59.999+05:30'],
  [
    'timestamp',
    [
      "'2026-11-24 08:00:00.123456'",
      "'0001-01-01'",
      "'9999-12-31 23:59:59.999999'",
      "'infinity'",
      "'0044-03-15 12:00 BC'",
    ],
    '2026-11-24 08:00:00.123456',
  ],
  [
    'timestamptz',
    ["'2026-11-24 08:00:00.123456+01'", "'infinity'", "'-infinity'", "'0044-03-15 12:00:00+00 BC'"],
    '2026-11-24 07:00:00.123456Z',
  ],
  ['timestamptz(0)', ["'2026-11-24 08:00:00+00'"], '2026-11-24 08:00:00Z'],
  ['interval', ["'1 year 2 mons 3 days 04:05:06.789'", "'-1 day +02:03:04'", "'0'"], 'P1Y2M3DT4H5M6.789S'],
  ['uuid', ["'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11'"], 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'],
  [
    'json',
    ['\'{"a" :  1, "a": 123456789012345678901234567890}\'', "'null'"],
    '{"a" :  1, "a": 123456789012345678901234567890}',
  ],
  [
    'jsonb',
    ['\'{"big": 123456789012345678901234567890, "t": "\\\\n"}\'', '\'""\''],
    '{"t": "\\\\n", "big": 123456789012345678901234567890}',
  ],
  ['xml', ["'<a>&amp;</a>'"], '<a>&amp;</a>'],
  ['bit(5)', ["B'10101'"], '10101'],
  ['varbit', ["B'1'", "B''"], '1'],
  ['integer[]', ["'{1,NULL,3}'", "'{}'", "'{{1,2},{3,4}}'"], [1, null, 3]],
  [
    'text[]',
    [`ARRAY['a,b', 'NULL', NULL, '', E'q"\\\\\\n', '{}']`],
    ['a,b', 'NULL', null, '', 'q"\\\n', '{}'],
  ],
  ['timestamptz[]', ["ARRAY['2026-01-01 00:00:00.5+00'::timestamptz]"], ['2026-01-01 00:00:00.5Z']],
  ['bytea[]', ["ARRAY['\\x5c22'::bytea]"], [Buffer.from('5c22', 'hex')]],
  ['varchar(3)[]', ["ARRAY['abc']"], ['abc']],
  ['inet', ["'10.0.0.1/8'", "'::1'"], '10.0.0.1/8'],
  ['int4range', ["'[1,5)'", "'empty'"], '[1,5)'],
  ['point', ["'(1.5,2)'"], '(1.5,2)'],
  ['box[]', ["ARRAY['(1,1),(0,0)'::box, '(2,2),(0,0)'::box]"], ['(1,1),(0,0)', '(2,2),(0,0)']],
  ['money', ["'12.34'"], '$12.34'],
  ['percent', ['99.99'], '99.99'],
  ['name_of', ["'domain'"], 'domain'],
];
/** Types without a portable binary form; the whole table is then transferred as values. */
const valuesOnly: typeof columns = [
  ['mood', [`'it''s "ok"'`, "'happy'"], 'it\'s "ok"'],
  ['mood[]', [`ARRAY['sad', 'it''s "ok"']::mood[]`], ['sad', 'it\'s "ok"']],
  ['citext', ["'MiXed'"], 'MiXed'],
  ['hstore', ["'a=>1'"], '"a"=>"1"'],
  ['regclass', ["'pg_class'"], 'pg_class'],
];

function tableSql(name: string, list: typeof columns): string {
  const count = Math.max(...list.map(([, values]) => values.length));
  const ddl = list.map(([type], index) => `c${index} ${type}`).join(', ');
  const rows = Array.from({ length: count + 1 }, (_, row) => {
    const items = list.map(([type, values]) =>
      row < count ? (values[row % values.length] ?? 'NULL') : type === 'name_of' ? "''" : 'NULL',
    );
    return `(${[row, ...items.map((item, index) => `(${item})::${list[index]?.[0]}`)].join(', ')})`;
  });
  return `DROP TABLE IF EXISTS ${name}; CREATE TABLE ${name} (id integer PRIMARY KEY, ${ddl}); INSERT INTO ${name} VALUES ${rows.join(', ')}`;
}

describe('every type arrives unchanged', () => {
  for (const [name, list, rowFormat] of [
    ['by binary', columns, 'best'],
    ['by values', columns, 'values'],
    ['by values, types of extensions and users', valuesOnly, 'best'],
  ] as const) {
    for (const isExisting of [false, true]) {
      test(`${name}, ${isExisting ? 'into a table of the same types' : 'into a created table'}`, async () => {
        await database.run(`${tableSql('types_from', list)}; DROP TABLE IF EXISTS types_to, _idra_commits`);
        if (isExisting) await database.run('CREATE TABLE types_to (LIKE types_from INCLUDING ALL)');
        const flow = await openFlow(database, { from: 'types_from', to: 'types_to', rowFormat });
        assert.equal(
          flow.rowFormat.format,
          list === columns && rowFormat === 'best' ? 'pgcopy-binary' : 'values',
        );
        assert.deepEqual(
          flow.plan.columns.findings.filter((each) => each.severity === 'error'),
          [],
        );
        await flow.claim();
        const { batches } = await flow.pass();
        const [first] = batches;
        if (first && 'rows' in first.rows)
          assert.deepEqual(
            first.rows.rows.at(0)?.slice(1),
            list.map(([, , value]) => value),
          );
        const asText = (table: string) =>
          database.run(
            `SELECT id, ${list.map((_, index) => `c${index}::text`).join(', ')} FROM ${table} ORDER BY id`,
          );
        assert.deepEqual(await asText('types_to'), await asText('types_from'));
        await flow.close();
      });
    }
  }
});

describe('columns', () => {
  test('generated, identity, defaults, collations, domains and names of every kind are described', async () => {
    const long = 'x'.repeat(63);
    await database.run(`CREATE TABLE "Odd ""Table" (id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY, "select" text COLLATE "C" NOT NULL,
      "${long}" text COLLATE "en-x-icu", twice integer GENERATED ALWAYS AS (id * 2) STORED, at timestamptz(3) DEFAULT now(), share percent,
      UNIQUE ("select"), UNIQUE (share))`);
    const flow = await openFlow(database, { from: '"Odd ""Table"', to: 'odd_to' });
    const { columns: found, keys } = flow.request.relation;
    assert.deepEqual(
      found.map(({ name, nativeType, isNullable, isGenerated, isIdentity, hasDefault, collation }) => [
        name,
        nativeType,
        isNullable,
        isGenerated ?? false,
        isIdentity ?? false,
        hasDefault ?? false,
        collation,
      ]),
      [
        ['id', 'integer', false, false, true, false, undefined],
        ['select', 'text', false, false, false, false, undefined],
        [long, 'text', true, false, false, false, 'en-x-icu'],
        ['twice', 'integer', true, true, false, false, undefined],
        ['at', 'timestamp(3) with time zone', true, false, false, true, undefined],
        ['share', 'numeric(5,2)', true, false, false, false, undefined],
      ],
    );
    assert.deepEqual(
      keys.map((key) => key.columns),
      [['id'], ['select']],
    );
    await database.run(`INSERT INTO "Odd ""Table" ("select", "${long}") VALUES ('a', 'b')`);
    await flow.claim();
    await flow.pass();
    assert.deepEqual(await database.run(`SELECT id, "select", "${long}", twice FROM odd_to`), [
      ['1', 'a', 'b', '2'],
    ]);
    await flow.close();
  });

  test('of a query are described by their types, and the query may end with a comment', async () => {
    await database.run(
      'CREATE TABLE joined (id bigint PRIMARY KEY, n numeric(6,2)); INSERT INTO joined VALUES (2, 3), (1, 9.5)',
    );
    const flow = await openFlow(database, {
      from: '',
      query: 'SELECT id, n * 2 AS twice, now()::date AS today FROM joined -- all',
      to: 'joined_to',
      sourceKey: ['id'],
    });
    const kinds = flow.request.relation.columns.map(({ type }): ColumnType['kind'] => type.kind);
    assert.deepEqual(kinds, ['int', 'decimal', 'date']);
    await flow.claim();
    await flow.pass();
    assert.deepEqual(await database.run('SELECT id, twice FROM joined_to ORDER BY id'), [
      ['1', '19.00'],
      ['2', '6.00'],
    ]);
    await flow.close();
  });
});

describe('paging by every type of key', () => {
  for (const [type, expression] of [
    ['smallint', 'i - 50'],
    ['numeric(20,4)', 'i * 1000.5 - 9999'],
    ['real', 'i / 7.0'],
    ['double precision', 'i / 7.0 - 3'],
    ['text', "'k''\\' || i"],
    ['char(6)', 'i'],
    ['uuid', 'md5(i::text)::uuid'],
    ['bytea', "decode(md5(i::text), 'hex')"],
    ['date', "date '0002-01-01 BC' + i * 20"],
    ['timestamp', "timestamp '0001-06-01 BC' + i * interval '100 hours 1.5 sec'"],
    ['timestamptz', "timestamptz '2026-01-01 00:00:00.000001+00' + i * interval '1.000003 sec'"],
    ['time', "time '00:00' + i * interval '1.000003 sec'"],
    ['inet', "'10.0.0.0'::inet + i"],
  ] as const) {
    for (const rowFormat of ['best', 'values'] as const) {
      test(`${type}, by ${rowFormat}`, async () => {
        await database.run(`DROP TABLE IF EXISTS paged, paged_to, _idra_commits; CREATE TABLE paged (k ${type} PRIMARY KEY, n int);
          INSERT INTO paged SELECT (${expression})::${type}, i FROM generate_series(1, 100) i`);
        const flow = await openFlow(database, { from: 'paged', to: 'paged_to', rowFormat, maxRows: 7 });
        await flow.claim();
        const { batches } = await flow.pass();
        assert.equal(batches.length, 15);
        assert.deepEqual(
          await database.run('SELECT * FROM paged_to ORDER BY n'),
          await database.run('SELECT * FROM paged ORDER BY n'),
        );
        await flow.close();
      });
    }
  }
});
