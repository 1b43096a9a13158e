import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import type { IdraError } from '../../../core/errors.ts';
import { ServerSessions } from '../../../core/session-pool.ts';
import { readerName, writerName } from '../connection/open.ts';
import { connector } from '../connector.ts';
import { Session } from '../session.ts';
import { openFlow, type TestDatabase, testDatabase } from '../test-harness.ts';
import { requireOneStatement } from './one-statement.ts';

const signal = new AbortController().signal;
let database: TestDatabase;
before(async () => {
  database = await testDatabase();
  await database.run(`CREATE TABLE victim (id int); CREATE TABLE rows_from (id int PRIMARY KEY, at timestamptz DEFAULT '2026-01-01Z');
    INSERT INTO rows_from SELECT generate_series(1, 9);
    CREATE SCHEMA evil;
    CREATE FUNCTION evil.take() RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN DELETE FROM public.victim; RETURN true; END $$;
    CREATE FUNCTION evil.pg_is_in_recovery() RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN DELETE FROM public.victim; RETURN false; END $$;
    CREATE FUNCTION evil.clock_timestamp() RETURNS timestamptz LANGUAGE plpgsql AS $$ BEGIN DELETE FROM public.victim; RETURN pg_catalog.now(); END $$`);
});
beforeEach(() => database.run('TRUNCATE victim; INSERT INTO victim VALUES (1)'));
after(() => database.stop());

async function isWhole(): Promise<void> {
  assert.deepEqual(await database.run('SELECT count(*) FROM victim'), [['1']]);
}

/** All queries of check and plan, and a read. */
async function tryAll(query: string): Promise<string> {
  const source = await connector.openSource(
    database.access,
    { query, key: ['id'], timestampField: 'at', timeZone: 'UTC' },
    signal,
  );
  try {
    await source.describe(signal);
    await source.check('Timestamp', signal);
    return 'none';
  } catch (thrown) {
    return (thrown as IdraError).code;
  } finally {
    await source.close();
  }
}

describe('a query that is more than one statement', () => {
  const texts = [
    'SELECT 1 AS id) q; DELETE FROM victim; SELECT * FROM (SELECT 1 AS id',
    'SELECT 1 AS id) q; COMMIT; BEGIN READ WRITE; DELETE FROM victim; COMMIT; SELECT * FROM (SELECT 1 AS id',
    'SELECT 1 AS id; DELETE FROM victim',
    'SELECT 1 AS id); COMMIT; DELETE FROM victim; --',
    'SELECT 1 AS id) TO STDOUT; COMMIT; DELETE FROM victim; COPY (SELECT 1 AS id',
    '; DELETE FROM victim',
    'WITH gone AS (DELETE FROM victim RETURNING id) SELECT * FROM gone',
    'DELETE FROM victim RETURNING id',
    'SELECT 1 AS id INTO other',
  ];
  for (const text of texts) {
    test(text, async () => {
      assert.match(await tryAll(text), /^(QueryInvalid|ServerError)$/);
      await isWhole();
    });
  }

  test('a WITH that writes is reported as the error of the query', async () => {
    const query = 'WITH gone AS (DELETE FROM victim RETURNING id) SELECT * FROM gone';
    const source = await connector.openSource(
      database.access,
      { query, key: ['id'], timeZone: 'UTC' },
      signal,
    );
    try {
      await assert.rejects(source.describe(signal), {
        code: 'QueryInvalid',
        path: 'spec.source.query',
        fix: /INSERT, UPDATE or DELETE/,
      });
    } finally {
      await source.close();
    }
  });

  test('is refused by the server before it is embedded in another statement', async () => {
    const session = await Session.open(database.access, readerName, signal);
    try {
      await assert.rejects(
        requireOneStatement(session, 'SELECT 1; SELECT 2', signal),
        /more than one statement/,
      );
      await requireOneStatement(session, "SELECT ';' -- ; DELETE", signal);
      assert.deepEqual(await session.query('SHOW transaction_read_only'), [['on']]);
    } finally {
      await session.close();
    }
  });

  test('a comment at the end hides nothing', async () => {
    const query = 'SELECT id FROM rows_from -- all of them;';
    const flow = await openFlow(database, { from: '', query, to: 'commented', sourceKey: ['id'] });
    await flow.claim();
    await flow.pass();
    await flow.close();
    assert.deepEqual(await database.run('SELECT count(*) FROM commented'), [['9']]);
  });
});

describe('a query that calls functions', () => {
  test('that write is refused', async () => {
    const query = 'SELECT id FROM rows_from WHERE evil.take()';
    const flow = await openFlow(database, { from: '', query, to: 'taken', sourceKey: ['id'], maxRows: 3 });
    await flow.claim();
    await assert.rejects(flow.pass(), { code: 'SourceWrites' });
    await flow.close();
    await isWhole();
  });

  test('that make the session read-write, or change its path or role, changes no later statement', async () => {
    const settings = [
      ['default_transaction_read_only', 'off'],
      ['search_path', 'evil, pg_catalog'],
    ];
    const calls = settings.map(
      ([name, value]) => `pg_catalog.set_config('${name}', '${value}', false) IS NOT NULL`,
    );
    const query = `SELECT id, at FROM rows_from WHERE ${calls.join(' AND ')}`;
    const access = { ...database.access, sessions: new ServerSessions() };
    const ends = { ...database, access };
    for (const rowFormat of ['best', 'values'] as const) {
      for (const mode of ['Snapshot', 'Timestamp', 'Id'] as const) {
        const to = `set_${rowFormat}_${mode}`.toLowerCase();
        const more = { sourceKey: ['id'], idField: 'id', timestampField: 'at', safetyLagMs: 1 };
        const flow = await openFlow(ends, { from: '', query, to, mode, rowFormat, maxRows: 3, ...more });
        await flow.claim();
        await flow.source.check(mode, signal);
        await flow.pass();
        await flow.pass();
        await flow.close();
        assert.deepEqual(await database.run(`SELECT count(*) FROM ${to}`), [['9']]);
      }
    }
    const session = await Session.open(access, readerName, signal);
    assert.deepEqual(await session.query('SHOW search_path'), [['pg_catalog, pg_temp']]);
    assert.deepEqual(await session.query('SHOW default_transaction_read_only'), [['on']]);
    await session.close();
    await access.sessions.closeIdle();
    await isWhole();
  });

  test('that make its own transaction read-write is refused', async () => {
    const query =
      "SELECT id FROM rows_from WHERE pg_catalog.set_config('transaction_read_only', 'off', true) IS NOT NULL AND evil.take()";
    const flow = await openFlow(database, { from: '', query, to: 'opened', sourceKey: ['id'] });
    await flow.claim();
    await assert.rejects(flow.pass());
    await flow.close();
    await isWhole();
  });
});

test('names in a query are those of its author, by parameters.search_path, the role or the database', async () => {
  await database.run(`CREATE SCHEMA mine; CREATE TABLE mine.only_here (id int PRIMARY KEY); INSERT INTO mine.only_here VALUES (1);
    CREATE SCHEMA "odd, \\""name"; CREATE TABLE "odd, \\""name".odd_here (id int PRIMARY KEY); INSERT INTO "odd, \\""name".odd_here VALUES (1)`);
  const config = (search_path: string) => ({ ...database.access.config, parameters: { search_path } });
  const read = async (access: TestDatabase['access'], from: string, table: boolean) => {
    const object = table ? { from } : { from: '', query: `TABLE ${from}`, sourceKey: ['id'] };
    const ends = { ...database, access };
    const flow = await openFlow(ends, { ...object, to: `mine.to_${from}_${table}` });
    await flow.claim();
    await flow.pass();
    await flow.close();
    assert.deepEqual(await database.run(`SELECT count(*) FROM mine."to_${from}_${table}"`), [['1']]);
  };
  for (const isTable of [true, false]) {
    await read({ ...database.access, config: config('mine, public') }, 'only_here', isTable);
    await read({ ...database.access, config: config('"odd, \\""name"') }, 'odd_here', isTable);
  }
  await database.query(`ALTER ROLE "${database.user}" SET search_path = mine`);
  await read(database.access, 'only_here', true);
  await read(database.access, 'only_here', false);
  await database.query(`ALTER ROLE "${database.user}" RESET search_path`);
});

describe('a destination that is only read', () => {
  test('is not written by functions of a view that has its name', async () => {
    await database.run('CREATE VIEW shown AS SELECT 1 AS id WHERE evil.take()');
    const object = { table: 'shown', existingRows: 'Keep' } as const;
    const destination = await connector.openDestination(database.access, object, signal);
    await destination.describe(signal);
    await destination.check('Upsert', signal);
    await assert.rejects(destination.hasRows(signal));
    await assert.rejects(async () => await destination.largest?.(['id'], signal));
    await destination.close();
    await isWhole();
  });

  test('is described by a session that cannot write', async () => {
    const session = await Session.open(database.access, writerName, signal);
    await assert.rejects(session.query('DELETE FROM public.victim', signal), { code: 'ReadOnlyServer' });
    await session.close();
    await isWhole();
  });
});
