import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import pg from 'pg';
import type { IdraError } from '../../../core/errors.ts';
import { pgbouncer } from '../../../e2e/kit/servers.ts';
import { openFlow as openSqlFlow } from '../../sql/test-flow.ts';
import { connector } from '../connector.ts';
import { accessOf, openFlow, type TestDatabase, testDatabase } from '../test-harness.ts';

const signal = new AbortController().signal;
let database: TestDatabase;
before(async () => {
  database = await testDatabase();
});
after(() => database.stop());

async function failure(work: Promise<unknown>): Promise<IdraError> {
  return await work.then(
    () => assert.fail('an error was expected'),
    (thrown: IdraError) => thrown,
  );
}

test('a pooler is refused, and its connections stay as they were', async () => {
  const pooler = await pgbouncer(database);
  try {
    const behind = accessOf({ ...database, port: pooler.port });
    const source = await connector.openSource(behind, { table: 'public.t' }, signal);
    const destination = await connector.openDestination(
      behind,
      { table: 'public.t', existingRows: 'Keep' },
      signal,
    );
    const withPath = {
      ...behind,
      config: { ...behind.config, parameters: { search_path: 'public' } },
    };
    for (const work of [
      () => connector.check(behind, signal),
      () => connector.check(withPath, signal),
      () => source.describe(signal),
      () => destination.describe(signal),
    ]) {
      const error = await failure(work());
      assert.deepEqual(
        [error.code, error.disposition, error.path],
        ['PoolerNotSupported', 'permanent', 'spec.postgres.host'],
      );
    }
    const url = new URL(database.url);
    url.port = String(pooler.port);
    const other = new pg.Client({ connectionString: url.href });
    await other.connect();
    const { rows } = await other.query<{ default_transaction_read_only: string }>(
      'SHOW default_transaction_read_only',
    );
    assert.deepEqual(rows, [{ default_transaction_read_only: 'off' }]);
    await other.end();
    await Promise.all([source.close(), destination.close()]);
  } finally {
    await pooler.stop();
  }
});

test('an error that only a user can fix is not retried', async () => {
  await database.run('CREATE MATERIALIZED VIEW empty AS SELECT 1 AS id WITH NO DATA');
  const error = await failure(openFlow(database, { from: 'empty', to: 'empty_to', sourceKey: ['id'] }));
  assert.deepEqual([error.code, error.disposition], ['ObjectNotReady', 'permanent']);
  assert.match(error.fix ?? '', /REFRESH/);
});

describe('a refused row has a reason', () => {
  async function refusal(setup: string): Promise<string> {
    await database.run(setup);
    const flow = await openFlow(database, { from: 'refused_from', to: 'refused_to' });
    await flow.claim();
    try {
      const error = await failure(flow.pass());
      return `${error.code}: ${error.message}`;
    } finally {
      await flow.close();
      await database.run('DROP TABLE refused_from, refused_to CASCADE');
    }
  }
  const from =
    'CREATE TABLE refused_from (id int PRIMARY KEY, day int); INSERT INTO refused_from SELECT i, i FROM generate_series(1, 9) i;';

  test('no partition', async () => {
    const error =
      await refusal(`${from} CREATE TABLE refused_to (id int PRIMARY KEY, day int) PARTITION BY RANGE (id);
      CREATE TABLE refused_1 PARTITION OF refused_to FOR VALUES FROM (0) TO (5)`);
    assert.match(error, /^PartitionMissing: .*id 5.*no partition of refused_to accepts the row/s);
  });

  test('a foreign key, by its constraint', async () => {
    const error = await refusal(
      `${from} CREATE TABLE refused_day (day int PRIMARY KEY); INSERT INTO refused_day SELECT generate_series(1, 6);
       CREATE TABLE refused_to (id int PRIMARY KEY, day int CONSTRAINT day_is_there REFERENCES refused_day)`,
    );
    assert.match(error, /^ConstraintViolated: .*id 7.*foreign key references a missing row.*day_is_there/s);
  });
});

test('arrays arrive at other systems in the same form by every row format', async () => {
  await database.run(`CREATE TYPE pair_item AS (a int, b text);
    CREATE TABLE listed (id int PRIMARY KEY, i int[], n numeric[], t text[], u uuid[], o boolean[], f float8[], c pair_item[], ts timestamptz[], b bytea[], d date[])`);
  const flow = await openFlow(database, { from: 'listed', to: 'listed_to' });
  const canServe = (name: string) => {
    const columns = flow.request.columns.filter(({ column }) => column.name === name);
    return flow.source.canServe({ format: 'tsv', as: ['json'] }, columns);
  };
  assert.deepEqual(flow.request.columns.map(({ column }) => column.name).filter(canServe), [
    'i',
    'n',
    't',
    'u',
    'o',
  ]);
  await flow.close();
});

test('a text of the source that is not UTF-8 is reported with its column', async () => {
  const name = `${database.database}_ascii`;
  await database.query(
    `CREATE DATABASE ${name} OWNER "${database.user}" ENCODING 'SQL_ASCII' TEMPLATE template0 LC_COLLATE 'C' LC_CTYPE 'C'`,
  );
  const ascii = { ...database, database: name, url: database.url.replace(/[^/]*$/, name) };
  const client = new pg.Client({ connectionString: ascii.url });
  await client.connect();
  try {
    await client.query("SET client_encoding = 'SQL_ASCII'");
    await client.query(`CREATE TABLE bytes (id int PRIMARY KEY, good text, bad text);
      INSERT INTO bytes VALUES (1, 'a', 'b'), (2, 'c', convert_from('\\xff', 'SQL_ASCII'))`);
    for (const rowFormat of ['best', 'values'] as const) {
      const flow = await openSqlFlow(
        { connector, source: accessOf(ascii), destination: database.access },
        { from: 'bytes', to: `bytes_${rowFormat}`, rowFormat },
      );
      await flow.claim();
      const error = await failure(flow.pass());
      assert.deepEqual([error.code, error.disposition], ['ValueNotKept', 'permanent']);
      assert.match(`${error.message} ${error.fix}`, /column bad of public\.bytes .*UTF-8.*convert_to/s);
      await flow.close();
    }
  } finally {
    await client.end();
    await database.query(`DROP DATABASE ${name} WITH (FORCE)`);
  }
});
