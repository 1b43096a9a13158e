import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { MysqlServer } from '../../../e2e/kit/servers.ts';
import { openFlow } from '../../sql/test-flow.ts';
import { connector } from '../connector.ts';
import { Session } from '../session.ts';
import { accessOf, servers } from '../test-harness.ts';
import { settings } from './settings.ts';

const signal = new AbortController().signal;

/** Settings that an administrator may have changed globally. Each changes what a session sees unless the session sets it itself. */
const hostile: Readonly<Record<string, string>> = {
  sql_select_limit: '2',
  max_execution_time: '1',
  sql_safe_updates: '1',
  max_join_size: '1',
  group_concat_max_len: '8',
  completion_type: '2',
  sql_auto_is_null: '1',
  max_sort_length: '8',
  div_precision_increment: '0',
  transaction_isolation: "'READ-UNCOMMITTED'",
  tx_isolation: "'READ-UNCOMMITTED'",
  /** init_connect runs only for users without all rights, so the test's own sessions still commit. */
  init_connect: "'SET autocommit = 0'",
  foreign_key_checks: '0',
  unique_checks: '0',
  check_constraint_checks: '0',
  sql_quote_show_create: '0',
  sql_notes: '0',
  lc_time_names: "'it_IT'",
  sql_mode: "'ANSI_QUOTES,NO_BACKSLASH_ESCAPES,PIPES_AS_CONCAT'",
  time_zone: "'+09:00'",
  old_mode: "''",
  default_week_format: '3',
};

for (const [name, start] of servers) {
  describe(name, () => {
    let server: MysqlServer;
    before(async () => {
      server = await start({ own: true });
      const known = new Set(
        (await server.query('SHOW GLOBAL VARIABLES')).map((row) => String(row.Variable_name)),
      );
      for (const [variable, value] of Object.entries(hostile)) {
        if (known.has(variable)) await server.query(`SET GLOBAL ${variable} = ${value}`);
      }
    });
    after(() => server?.stop());

    /** On MariaDB the statement time limit is set for this user only, since the test's own statements take a while. */
    async function createDatabase() {
      const database = await server.createDatabase();
      if (name === 'MariaDB')
        await server.query(`ALTER USER '${database.user}'@'%' WITH MAX_STATEMENT_TIME 0.0001`);
      return database;
    }

    test('each setting has the value of the table, whatever the server is configured with', async () => {
      const access = accessOf(await createDatabase());
      const session = await Session.open(access, 'reader', signal);
      const rows = await session.query('SHOW SESSION VARIABLES', signal);
      await session.close();
      const now = new Map(rows.map(([variable, value]) => [String(variable), String(value)]));
      const asShown = (value: string) =>
        ({ ON: '1', OFF: '0' })[value] ?? value.split(',').sort().join().replace(/\.0+$/, '');
      for (const { name: variable, value } of settings.filter((each) => now.has(each.name))) {
        const wanted = value.replaceAll("'", '');
        assert.equal(asShown(now.get(variable) ?? ''), asShown(wanted), variable);
      }
    });

    test('all rows of a table without a key arrive, and a query is not cut off', async () => {
      const database = await createDatabase();
      const access = accessOf(database);
      const run = (sql: string) => server.query(`${sql}`, database.database);
      await run('CREATE TABLE nokey (a INT, b VARCHAR(10))');
      await run("INSERT INTO nokey VALUES (1, 'a'), (2, 'b'), (3, 'c'), (4, 'd'), (5, 'eeeeeeeeee')");
      const ends = { connector, source: access, destination: access };
      const flow = await openFlow(ends, { from: 'nokey', to: 'nokey_to', writeMode: 'Append' });
      await flow.claim();
      await flow.pass();
      await flow.close();
      const [[count] = []] = await rowsOf(access, 'SELECT COUNT(*) FROM nokey_to');
      assert.equal(Number(count), 5);
      const query =
        "SELECT 1 AS id, GROUP_CONCAT(b ORDER BY a SEPARATOR '') AS all_of_it, 1 / 3 AS part FROM nokey";
      const asked = await openFlow(ends, { from: '', query, to: 'asked_to', sourceKey: ['id'] });
      await asked.claim();
      await asked.pass();
      await asked.close();
      assert.deepEqual(await rowsOf(access, 'SELECT all_of_it, part FROM asked_to'), [
        ['abcdeeeeeeeeee', '0.3333'],
      ]);
    });

    test('pages by long keys are in order', async () => {
      const database = await createDatabase();
      const access = accessOf(database);
      await server.query('CREATE TABLE longs (k LONGTEXT, n INT)', database.database);
      await server.query(
        "INSERT INTO longs VALUES (CONCAT(REPEAT('a', 2000), '2'), 1), (CONCAT(REPEAT('a', 2000), '1'), 2), (CONCAT(REPEAT('a', 2000), '3'), 3)",
        database.database,
      );
      const source = await connector.openSource(access, { query: 'SELECT * FROM longs' }, signal);
      const relation = await source.describe(signal);
      const seen: unknown[] = [];
      const request = {
        relation,
        columns: relation.columns.map((column) => ({ column })),
        mode: 'Snapshot',
        key: ['k'],
        timeZone: 'UTC',
        after: { mode: 'Snapshot', pass: 1, key: null, isComplete: false },
        limits: { maxRows: 1, maxBytes: 1_000_000 },
        rowFormat: { format: 'values' },
      } as const;
      for await (const batch of source.read(request, signal)) {
        if ('rows' in batch.rows) seen.push(...[...batch.rows.rows].map((row) => row[1]));
      }
      await source.close();
      assert.deepEqual(seen, [2, 1, 3]);
    });
  });
}

async function rowsOf(access: ReturnType<typeof accessOf>, sql: string) {
  const session = await Session.open(access, 'reader', signal);
  try {
    return await session.query(sql, signal);
  } finally {
    await session.close();
  }
}
