import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Relation } from '../../core/values.ts';
import { readerName } from './connection/open.ts';
import { connector } from './connector.ts';
import { listTables } from './describe.ts';
import { Session } from './session.ts';
import { openFlow, type TestDatabase, testDatabase } from './test-harness.ts';

const signal = new AbortController().signal;
let database: TestDatabase;
before(async () => {
  database = await testDatabase();
});
after(() => database.stop());

async function relationOf(object: { table?: string; query?: string }): Promise<Relation> {
  const source = await connector.openSource(database.access, object, signal);
  try {
    return await source.describe(signal);
  } finally {
    await source.close();
  }
}

async function keysOf(table: string): Promise<unknown> {
  const { keys, isOpaque } = await relationOf({ table });
  return { keys: keys.map(({ columns }) => columns.join()), isOpaque: isOpaque ?? false };
}

describe('keys that are unique for the rows of a SELECT', () => {
  test('a parent with children has no key, and a remedy; partitions do not count as children', async () => {
    await database.run(`CREATE TABLE animal (id int PRIMARY KEY); CREATE TABLE cat () INHERITS (animal); CREATE TABLE alone (id int PRIMARY KEY);
      CREATE TABLE parted (id int, day int, PRIMARY KEY (id, day)) PARTITION BY LIST (day); CREATE TABLE parted_1 PARTITION OF parted FOR VALUES IN (1)`);
    assert.deepEqual(await keysOf('animal'), { keys: [], isOpaque: true });
    assert.match((await relationOf({ table: 'animal' })).findings?.[0]?.fix ?? '', /ONLY "public"."animal"/);
    assert.deepEqual(await keysOf('cat'), { keys: [], isOpaque: false });
    assert.deepEqual(await keysOf('parted'), { keys: ['id,day'], isOpaque: false });
    await database.run('CREATE TABLE gone () INHERITS (alone); DROP TABLE gone');
    assert.deepEqual(await keysOf('alone'), { keys: ['id'], isOpaque: false });
  });

  test('deferrable keys are marked, and come last', async () => {
    await database.run(
      'CREATE TABLE later (id int PRIMARY KEY DEFERRABLE, other int NOT NULL UNIQUE, third int NOT NULL UNIQUE DEFERRABLE INITIALLY DEFERRED)',
    );
    const { keys } = await relationOf({ table: 'later' });
    assert.deepEqual(
      keys.map((key) => [key.columns.join(), key.isDeferrable ?? false]),
      [
        ['other', false],
        ['id', true],
        ['third', true],
      ],
    );
  });

  test('views, materialized views, foreign tables and queries are opaque', async () => {
    await database.run(`CREATE TABLE solid (id int PRIMARY KEY, body text NOT NULL); CREATE VIEW thin AS SELECT * FROM solid;
      CREATE MATERIALIZED VIEW stored AS SELECT * FROM solid; CREATE UNIQUE INDEX ON stored (id)`);
    await database.query(`CREATE EXTENSION IF NOT EXISTS file_fdw; CREATE SERVER files FOREIGN DATA WRAPPER file_fdw;
      CREATE FOREIGN TABLE afar (id int NOT NULL) SERVER files OPTIONS (filename '/dev/null'); GRANT ALL ON afar TO PUBLIC`);
    assert.deepEqual(await keysOf('thin'), { keys: [], isOpaque: true });
    assert.deepEqual(await keysOf('stored'), { keys: ['id'], isOpaque: true });
    assert.deepEqual(await keysOf('afar'), { keys: [], isOpaque: true });
    assert.equal((await relationOf({ table: 'afar' })).columns[0]?.isNullable, true);
    assert.equal((await relationOf({ query: 'SELECT * FROM solid' })).isOpaque, true);
  });

  test('an index with a coarser collation than its column is not a key', async () => {
    await database.run(`CREATE COLLATION IF NOT EXISTS any_case (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
      CREATE TABLE cased (name text NOT NULL); CREATE UNIQUE INDEX ON cased (name COLLATE any_case)`);
    assert.deepEqual(await keysOf('cased'), { keys: [], isOpaque: false });
  });
});

test('columns whose different values are equal name the rule', async () => {
  await database.query('CREATE EXTENSION IF NOT EXISTS citext');
  await database.run(`CREATE COLLATION no_accent (provider = icu, locale = 'und-u-ks-level1', deterministic = false);
    CREATE DOMAIN email AS citext; CREATE DOMAIN plain AS text COLLATE no_accent;
    CREATE TABLE rules (a text, b citext, c email, d char(5), e text COLLATE no_accent, f plain, g text COLLATE "en-x-icu", h citext[])`);
  const { columns } = await relationOf({ table: 'rules' });
  assert.deepEqual(
    columns.map((each) => each.equality),
    [
      undefined,
      'postgres:citext',
      'postgres:citext',
      'postgres:bpchar',
      'postgres:und-u-ks-level1',
      'postgres:und-u-ks-level1',
      undefined,
      'postgres:citext',
    ],
  );
});

test('a query names the collation by which its expressions are compared', async () => {
  await database.run(`CREATE COLLATION folds (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
    CREATE SCHEMA aside; CREATE COLLATION aside."Odd ""one" (provider = icu, locale = 'und-u-ks-level1', deterministic = false);
    CREATE TABLE folded (a text COLLATE folds, b text COLLATE "en-x-icu", c text COLLATE "C", n int); CREATE VIEW over AS SELECT a || '' AS v FROM folded`);
  const query = `SELECT lower(a), n + 1, b || 'x', c || 'x', c COLLATE aside."Odd ""one", a || b, ARRAY[a], (SELECT v FROM over LIMIT 1), 1 AS twice,
    'x'::text COLLATE "C" AS twice, a FROM folded`;
  const columns = (await relationOf({ query })).columns.map(({ collation, equality }) => [
    collation,
    equality,
  ]);
  const [folds, odd] = [
    ['folds', 'postgres:und-u-ks-level2'],
    ['Odd "one', 'postgres:und-u-ks-level1'],
  ];
  const none = [undefined, undefined];
  const standard = columns[5];
  assert.deepEqual(columns, [
    folds,
    none,
    ['en-x-icu', undefined],
    none,
    odd,
    standard,
    folds,
    folds,
    none,
    none,
    folds,
  ]);
});

describe('keys of every type are paged by', () => {
  const types: readonly (readonly [string, string])[] = [
    ['int[]', 'ARRAY[i % 4, i]'],
    ['text[]', `ARRAY['a"b,' || i % 3, NULL, 'c\\d' || i]`],
    ['timestamptz[]', "ARRAY[timestamptz '2026-01-01' + i * interval '1 hour']"],
    ['bytea[]', "ARRAY[decode(lpad(to_hex(i), 4, '0'), 'hex')]"],
    ['pair_key', "ROW(i % 3, 'b' || i)::pair_key"],
    ['int4range', 'int4range(i, i + 2)'],
    ['interval', "i * interval '1 day 1 month'"],
    ['timetz', "(timestamptz '2026-01-01' + i * interval '7 min')::timetz"],
    ['jsonb', "jsonb_build_object('k', i)"],
    ['inet', "inet '10.0.0.0' + i"],
    ['money', 'i::money'],
    ['bit(8)', 'i::bit(8)'],
    ['char(4)', "'k' || i"],
    ['float8', 'i / 3.0'],
    ['real', '(i / 3.0)::real'],
    ['numeric', '(i - 5) / 3.0'],
    ['bytea', "decode(lpad(to_hex(i), 4, '0'), 'hex')"],
    ['level_key', "(ARRAY['high', 'low', 'mid', 'a', 'b', 'c', 'd', 'e', 'f', 'g'])[i]::level_key"],
    ['"char"', 'chr(64 + i)::"char"'],
  ];
  before(() =>
    database.run(
      "CREATE TYPE pair_key AS (a int, b text); CREATE TYPE level_key AS ENUM ('high', 'low', 'mid', 'a', 'b', 'c', 'd', 'e', 'f', 'g')",
    ),
  );
  for (const [type, expression] of types) {
    test(type, async () => {
      const table = `by_${type.replaceAll(/\W/g, '_')}`;
      await database.run(
        `CREATE TABLE ${table} (k ${type} PRIMARY KEY, n int); INSERT INTO ${table} SELECT ${expression}, i FROM generate_series(1, 10) i;
         CREATE TABLE ${table}_to (LIKE ${table} INCLUDING ALL)`,
      );
      for (const rowFormat of ['best', 'values'] as const) {
        const flow = await openFlow(database, {
          from: table,
          to: `${table}_to`,
          maxRows: 3,
          rowFormat,
          uid: rowFormat,
        });
        await flow.claim();
        const { batches } = await flow.pass();
        assert.deepEqual(
          batches.map((each) => each.rowCount),
          [3, 3, 3, 1],
        );
        await flow.close();
      }
      const rows = (of: string) => database.run(`SELECT k::text, n FROM ${of} ORDER BY k`);
      assert.deepEqual(await rows(`${table}_to`), await rows(table));
    });
  }
});

test('texts of an extension are paged by its own order, in whatever schema it is', async () => {
  await database.query(
    'CREATE SCHEMA "odd.place"; CREATE EXTENSION IF NOT EXISTS citext SCHEMA "odd.place"; GRANT USAGE ON SCHEMA "odd.place" TO PUBLIC',
  );
  const [[type] = []] = await database.run(
    "SELECT format('%I.%I', n.nspname, typname) FROM pg_type t JOIN pg_namespace n ON n.oid = typnamespace WHERE typname = 'citext'",
  );
  for (const key of ['k', 'k, n', 'n, k']) {
    const table = `caseless_${key.replaceAll(/\W+/g, '_')}`;
    await database.run(`CREATE TABLE ${table} (k ${type} COLLATE "C", n int, PRIMARY KEY (${key}));
      INSERT INTO ${table} SELECT CASE i % 2 WHEN 0 THEN chr(64 + i) ELSE chr(96 + i) END, i / 4 FROM generate_series(1, 20) i;
      CREATE TABLE ${table}_to (LIKE ${table} INCLUDING ALL)`);
    for (const query of [undefined, `TABLE ${table}`]) {
      const options = { to: `${table}_to`, sourceKey: key.split(', '), maxRows: 3, uid: `${table} ${query}` };
      const flow = await openFlow(database, {
        from: table,
        ...(query !== undefined && { query }),
        ...options,
      });
      await flow.claim();
      await flow.pass();
      await flow.close();
      assert.deepEqual(await database.run(`SELECT count(*) FROM ${table}_to`), [['20']]);
      await database.run(`TRUNCATE ${table}_to`);
    }
  }
});

test('among very many tables those of a name come first, and no more are read than requested', async () => {
  await database.run('CREATE TABLE abundant (id int); CREATE TABLE "Wanted" (id int)');
  const session = await Session.open(database.access, readerName, signal);
  try {
    const tables = await listTables(session, { called: 'wanted', most: 1 });
    assert.deepEqual(tables, [{ schema: 'public', table: 'Wanted' }]);
  } finally {
    await session.close();
  }
});
