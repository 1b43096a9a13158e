import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import pg from 'pg';
import type { PassEnd } from '../../../core/connector.ts';
import type { Offset } from '../../../core/offset.ts';
import {
  type PostgresDatabase,
  type PostgresServer,
  postgres,
  postgresStandby,
} from '../../../e2e/kit/servers.ts';
import { until } from '../../../e2e/kit/wait.ts';
import { type Flow, openFlow } from '../../sql/test-flow.ts';
import { connector } from '../connector.ts';
import { accessOf } from '../test-harness.ts';

/**
 * Rows are read from a standby whose link to its primary is cut while a transaction is open there. The standby's clock continues, but
 * shows nothing about what it has not received.
 */
let primary: PostgresServer;
let standby: PostgresServer;
let database: PostgresDatabase;
let conninfo: string;

before(async () => {
  primary = await postgres({ own: true });
  database = await primary.createDatabase();
  standby = await postgresStandby(primary);
  [{ conninfo }] = (await standby.query("SELECT current_setting('primary_conninfo') AS conninfo")) as [
    { conninfo: string },
  ];
});
after(async () => {
  await standby?.stop();
  await primary?.stop();
});

function onPrimary(sql: string): Promise<Record<string, unknown>[]> {
  return primary.query(sql, database.database);
}

async function setLink(isUp: boolean): Promise<void> {
  await standby.query(`ALTER SYSTEM SET primary_conninfo = '${isUp ? conninfo.replaceAll("'", "''") : ''}'`);
  await standby.query('SELECT pg_reload_conf()');
  const isThere = async () => (await standby.query('SELECT 1 FROM pg_stat_wal_receiver')).length > 0;
  await until(async () => (await isThere()) === isUp, {
    what: `the link to be ${isUp ? 'up' : 'cut'}`,
  });
}

async function replayed(table: string, rows: number): Promise<void> {
  const count = async () =>
    (await standby.query(`SELECT count(*)::int AS n FROM ${table}`, database.database))[0]?.n;
  await until(async () => (await count()) === rows, { what: 'the standby to replay' });
}

async function open(table: string, mode: 'Id' | 'Timestamp'): Promise<Flow> {
  const server = { ...database, port: standby.port };
  const flow = await openFlow(
    { connector, source: accessOf(server), destination: accessOf(database) },
    {
      from: table,
      to: `${table}_to`,
      mode,
      safetyLagMs: 300,
      ...(mode === 'Id' ? { idField: 'id' } : { timestampField: 'at' }),
    },
  );
  await flow.claim();
  return flow;
}

for (const mode of ['Timestamp', 'Id'] as const) {
  test(`by ${mode}, a row that was committed while the link was broken arrives when the link is restored`, async () => {
    const table = `standby_${mode.toLowerCase()}`;
    await onPrimary(`CREATE TABLE ${table} (id bigserial PRIMARY KEY, at timestamptz DEFAULT now()); CREATE TABLE ${table}_tick (n int); GRANT ALL ON SCHEMA public TO PUBLIC;
      GRANT ALL ON ALL TABLES IN SCHEMA public TO "${database.user}"; CREATE TABLE ${table}_to (LIKE ${table} INCLUDING ALL); GRANT ALL ON ${table}_to TO "${database.user}"`);
    await replayed(`${table}_to`, 0);
    const flow = await open(table, mode);
    const url = new URL(primary.adminUrl);
    url.pathname = `/${database.database}`;
    const late = new pg.Client({ connectionString: url.href });
    await late.connect();
    await late.query(`BEGIN; SELECT now(), nextval('${table}_id_seq')`);
    await onPrimary(`INSERT INTO ${table} DEFAULT VALUES`);
    await replayed(table, 1);
    let offset: Offset | null = null;
    const pass = async (): Promise<PassEnd> => {
      const { end, batches } = await flow.pass(offset);
      offset = batches.at(-1)?.offset ?? offset;
      return end;
    };
    await pass();
    await setLink(false);
    await late.query(`INSERT INTO ${table} (id) VALUES (1); COMMIT`);
    await late.end();
    const arrived = async () =>
      (await onPrimary(`SELECT id::int FROM ${table}_to ORDER BY id`)).map(({ id }) => id);
    const startMs = Date.now();
    const held = [[], true, 'standby', true];
    const seen = await until(
      async () => {
        const { isHeldBack, bound } = await pass();
        const by = bound.heldBackBy?.what ?? '';
        const now = [await arrived(), isHeldBack, bound.because, by.includes('standby')];
        return (Date.now() - startMs > 1_000 || !isDeepStrictEqual(now, held)) && now;
      },
      { what: 'more than the lag to go by' },
    );
    assert.deepEqual(seen, held);
    await setLink(true);
    await until(
      async () => {
        await onPrimary(`INSERT INTO ${table}_tick VALUES (1)`);
        await pass();
        return (await arrived()).length === 2;
      },
      { what: 'both rows to arrive' },
    );
    assert.deepEqual(await arrived(), [1, 2]);
    await flow.close();
  });
}
