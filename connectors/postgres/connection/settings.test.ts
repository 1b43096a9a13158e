import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Session } from '../session.ts';
import { openFlow, type TestDatabase, testDatabase } from '../test-harness.ts';
import { readerName, writerName } from './open.ts';
import { pinnedNames } from './settings.ts';

const signal = new AbortController().signal;
/** Unusual values for each setting. Settings that older versions do not know are skipped. */
const odd: Readonly<Record<string, string>> = {
  client_encoding: 'LATIN1',
  TimeZone: 'Asia/Tokyo',
  timezone_abbreviations: 'India',
  DateStyle: 'German',
  IntervalStyle: 'sql_standard',
  extra_float_digits: '-10',
  bytea_output: 'escape',
  xmlbinary: 'hex',
  xmloption: 'document',
  lc_monetary: 'C.UTF-8',
  quote_all_identifiers: 'on',
  standard_conforming_strings: 'off',
  array_nulls: 'off',
  transform_null_equals: 'on',
  gin_fuzzy_search_limit: '1',
  row_security: 'off',
  default_transaction_isolation: 'serializable',
  default_transaction_read_only: 'on',
  default_transaction_deferrable: 'on',
  exit_on_error: 'on',
  statement_timeout: '100',
  lock_timeout: '1',
  idle_session_timeout: '200',
  idle_in_transaction_session_timeout: '50',
  synchronous_commit: 'off',
  client_min_messages: 'debug5',
};
let database: TestDatabase;
before(async () => {
  database = await testDatabase();
});
after(() => database.stop());

test('values arrive unchanged, whatever server, database and role have set', async () => {
  await database.run(`CREATE TABLE odd_from (id int PRIMARY KEY, at timestamptz, d date, i interval, f float8, b bytea, a text[], m money, x xml, t text, v tsvector);
    INSERT INTO odd_from SELECT i, timestamptz '2026-03-04 05:06:07.891234+00' + i * interval '1 day', date '2026-02-03' + i, i * interval '1 day 2 hours',
      i / 3.0, '\\x00ff'::bytea, ARRAY['a', NULL, 'b'], (i * 100.01)::numeric::money, '<a/><b/>', E'back\\\\slash ''é' || i, to_tsvector('simple', 'word w' || i % 2)
    FROM generate_series(1, 500) i;
    CREATE INDEX ON odd_from USING gin (v); ANALYZE odd_from`);
  const truth = await database.run(
    "SELECT row_to_json(odd_from), m::numeric, encode(b, 'hex') FROM odd_from ORDER BY id",
  );
  for (const [name, value] of Object.entries(odd))
    await database.query(`ALTER ROLE "${database.user}" SET ${name} = '${value}'`);
  try {
    for (const rowFormat of ['best', 'values'] as const) {
      const to = `odd_to_${rowFormat}`;
      const flow = await openFlow(database, { from: 'odd_from', to, rowFormat, maxRows: 100 });
      await flow.claim();
      await flow.pass();
      await flow.close();
      assert.deepEqual(
        await database.run(
          `SELECT row_to_json(odd_from), m::numeric, encode(b, 'hex') FROM ${to} AS odd_from ORDER BY id`,
        ),
        truth,
      );
    }
    const query = "SELECT id, t FROM odd_from WHERE v @@ to_tsquery('simple', 'w1') AND id > 0";
    const flow = await openFlow(database, { from: '', query, to: 'odd_query_to', sourceKey: ['id'] });
    await flow.claim();
    await flow.pass();
    await flow.close();
    assert.deepEqual(await database.run('SELECT count(*) FROM odd_query_to'), [['250']]);
  } finally {
    await database.query(`ALTER ROLE "${database.user}" RESET ALL`);
  }
});

test('every pinned setting exists on the server, and sessions keep it after a reset', async () => {
  const known = new Set((await database.run("SELECT name FROM pg_settings WHERE context = 'user'")).flat());
  const newer = new Set(['transaction_timeout', 'idle_session_timeout']);
  assert.deepEqual(
    pinnedNames.filter((name) => !known.has(name) && !newer.has(name)),
    [],
  );
  for (const name of [readerName, writerName] as const) {
    const session = await Session.open(database.access, name, signal);
    const ask = () =>
      session.query(
        `SELECT name, setting FROM pg_settings WHERE name IN (${pinnedNames.map((each) => `'${each}'`).join(', ')}) ORDER BY 1`,
      );
    const first = await ask();
    // An endless wait would be a Sync that reports nothing.
    assert.deepEqual(
      first.find(([setting]) => setting === 'lock_timeout'),
      ['lock_timeout', '30000'],
    );
    await session.query(
      "SET DateStyle = 'SQL'; SET array_nulls = off; SET default_transaction_isolation = 'serializable'",
    );
    await session.reset();
    assert.deepEqual(await ask(), first);
    await session.close();
  }
});
