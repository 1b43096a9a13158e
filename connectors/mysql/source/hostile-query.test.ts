import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { ServerSessions } from '../../../core/session-pool.ts';
import { readOnly } from '../connection/read-only.ts';
import { connector } from '../connector.ts';
import { Session } from '../session.ts';
import { onEachServer } from '../test-harness.ts';
import { requireOneSelect } from './one-statement.ts';

const { signal } = new AbortController();

/** Leaves the transaction that it runs in. */
const empty = 'COMMIT; START TRANSACTION READ WRITE; DELETE FROM victim; COMMIT';

/** Texts that contain more than one SELECT, or another statement. */
const breakOuts: readonly string[] = [
  `SELECT 1 AS id) q; ${empty}; SELECT * FROM (SELECT 1 AS id`,
  `SELECT 1 AS id) AS \`q\` LIMIT 0; ${empty}; -- `,
  `SELECT 1 AS id; ${empty}`,
  `SELECT 1 AS id /*! ) q; ${empty}; SELECT * FROM (SELECT 1 AS id */`,
  `SELECT 1 AS id /*!50000 ) q; ${empty}; -- */`,
  'SELECT 1 AS id /*! ',
  'SELECT 1 AS id /* ',
  'SELECT 1 AS id INTO @leaked',
  "SELECT id FROM victim INTO OUTFILE '/tmp/idra-leaked'",
  "SELECT id FROM victim LIMIT 1 INTO DUMPFILE '/tmp/idra-leaked'",
  'DELETE FROM victim',
  'DELETE FROM victim RETURNING id',
  'CALL empty_victim()',
  'SET @leaked = 1',
  'COMMIT',
  'SHOW TABLES',
];

onEachServer(
  (database, name) => {
    const asRoot = (sql: string) => database.server.query(sql, database.name);
    before(async () => {
      const off = name === 'MySQL' ? 'transaction_read_only' : 'tx_read_only';
      await database.run('CREATE TABLE victim (id INT PRIMARY KEY); INSERT INTO victim VALUES (1), (2)');
      const create = (head: string, body: string) =>
        asRoot(`CREATE ${head} READS SQL DATA SQL SECURITY INVOKER BEGIN ${body} END`);
      await create('PROCEDURE empty_victim()', 'DELETE FROM victim;');
      await create('FUNCTION empties() RETURNS INT', 'DELETE FROM victim; RETURN 1;');
      await create('FUNCTION unlocks() RETURNS INT', `SET SESSION ${off} = 0; RETURN 1;`);
      await asRoot('CREATE SQL SECURITY INVOKER VIEW emptying AS SELECT empties() AS id');
    });

    test('settings that a function has changed are restored at the next page', async () => {
      await database.run(
        "CREATE TABLE kept (id INT PRIMARY KEY, at TIMESTAMP NOT NULL); SET time_zone = '+00:00'; INSERT INTO kept VALUES (1, '2026-01-01 08:00:00'), (2, '2026-01-01 08:00:00'), (3, '2026-01-01 08:00:00')",
      );
      const body = "SET SESSION time_zone = '+05:00', SESSION sql_select_limit = 0; RETURN 1;";
      await asRoot(
        `CREATE FUNCTION unsettles() RETURNS INT READS SQL DATA SQL SECURITY INVOKER BEGIN ${body} END`,
      );
      await asRoot(
        'CREATE SQL SECURITY INVOKER VIEW unsettling AS SELECT id, at, unsettles() AS n FROM kept',
      );
      const objects = [
        { query: 'SELECT id, at, unsettles() AS n FROM kept', key: ['id'] },
        { table: 'unsettling', key: ['id'], timeZone: 'UTC' },
      ];
      for (const object of objects) {
        const source = await connector.openSource(database.access, object, signal);
        const relation = await source.describe(signal);
        const request = {
          relation,
          columns: relation.columns.map((column) => ({ column })),
          mode: 'Snapshot',
          key: ['id'],
          timeZone: 'UTC',
          after: { mode: 'Snapshot', pass: 1, key: null, isComplete: false },
          limits: { maxRows: 1, maxBytes: 1_000_000 },
          rowFormat: { format: 'values' },
        } as const;
        const seen: unknown[] = [];
        for await (const batch of source.read(request, signal))
          if ('rows' in batch.rows) seen.push(...[...batch.rows.rows].map(([id, at]) => [id, at]));
        await source.close();
        const at = '2026-01-01 08:00:00Z';
        assert.deepEqual(
          seen,
          [1, 2, 3].map((id) => [id, at]),
        );
      }
    });

    const requireUntouched = async () =>
      assert.deepEqual(await database.run('SELECT id FROM victim ORDER BY id'), [['1'], ['2']]);
    const describeQuery = async (query: string) => {
      const source = await connector.openSource(database.access, { query, key: ['id'] }, signal);
      try {
        return await source.describe(signal);
      } finally {
        await source.close();
      }
    };

    test('a query that is more than one SELECT is refused before any of it runs', async () => {
      for (const query of breakOuts) {
        await assert.rejects(
          describeQuery(query),
          (thrown: Error & { code?: string }) =>
            /^(QueryInvalid|ServerError|SourceWrites)$/.test(thrown.code ?? ''),
          query,
        );
        await requireUntouched();
      }
    });

    test('a query may end with a semicolon or a comment', async () => {
      for (const query of [
        'SELECT 1 AS id;\n',
        'SELECT 1 AS id -- the end',
        'SELECT 1 AS id # the end',
        '/*! SELECT 1 AS id */',
        'WITH one AS (SELECT 1 AS id) SELECT id FROM one',
        "SELECT ';) q; DELETE FROM victim; -- ' AS id",
      ])
        assert.deepEqual(
          (await describeQuery(query)).columns.map((each) => each.name),
          ['id'],
          query,
        );
      await requireUntouched();
    });

    test('functions that write are refused in a query, in a view, and inside a function that allows writes', async () => {
      for (const query of ['SELECT id, empties() AS n FROM victim', 'SELECT id FROM victim FOR UPDATE']) {
        const flow = database.flow({ from: '', query, to: 'query_to', sourceKey: ['id'] });
        await assert.rejects(
          flow.then(async (each) => {
            await each.claim();
            await each.pass();
          }),
          { code: 'SourceWrites', disposition: 'permanent' },
          query,
        );
      }
      const view = { table: 'emptying', existingRows: 'Keep' } as const;
      const destination = await connector.openDestination(database.access, view, signal);
      await assert.rejects(destination.hasRows(signal), { code: 'SourceWrites' });
      await destination.close();
      await assert.rejects(database.flow({ from: 'emptying', to: 'view_to' }), { code: 'SourceWrites' });
      const session = await Session.open(database.access, 'reader', signal);
      assert.deepEqual(await readOnly(session, 'SELECT unlocks()'), [[1]]);
      await assert.rejects(readOnly(session, 'SELECT empties()'), { code: 'SourceWrites' });
      await session.close();
      await requireUntouched();
    });

    test('a session writes only after mayWrite', async () => {
      for (const role of ['reader', 'watch', 'writer'] as const) {
        const session = await Session.open(database.access, role, signal);
        for (const sql of ['DELETE FROM victim', 'CREATE TABLE made (id INT)', 'DROP TABLE victim'])
          await assert.rejects(session.query(sql, signal), { code: 'SourceWrites' });
        await session.close();
      }
      await requireUntouched();
    });

    test('a column may have a name that every object of JavaScript has', async () => {
      await database.run(
        "CREATE TABLE odd (id INT PRIMARY KEY, `__proto__` INT, `constructor` VARCHAR(9), `__defineGetter__` INT); INSERT INTO odd VALUES (1, 2, 'x', 3)",
      );
      for (const source of [{ from: 'odd' }, { from: '', query: 'SELECT * FROM odd', sourceKey: ['id'] }]) {
        const flow = await database.flow({
          ...source,
          to: 'odd_to',
          uid: JSON.stringify(source).slice(0, 60),
        });
        await flow.claim();
        await flow.pass();
        await flow.close();
        assert.deepEqual(await database.run('SELECT * FROM odd_to'), [['1', '2', 'x', '3']]);
        await database.run('DELETE FROM odd_to');
      }
    });

    test('state that a query leaves in its session is gone when the session is reused', async () => {
      const pools = new ServerSessions();
      const access = { ...database.access, sessions: pools };
      const first = await Session.open(access, 'reader', signal);
      const { id } = first;
      await readOnly(first, "SELECT @left := 1, GET_LOCK('left', 0), unlocks()");
      await first.query("SET SESSION time_zone = '+05:00', SESSION sql_select_limit = 1", signal);
      await first.close();
      const second = await Session.open(access, 'reader', signal);
      assert.equal(second.id, id);
      const sql = "SELECT @left, IS_USED_LOCK('left'), @@time_zone, @@sql_select_limit > 1";
      const [left = []] = await second.query(sql, signal);
      assert.deepEqual(left.map(String), ['null', 'null', '+00:00', '1']);
      await assert.rejects(second.query('DELETE FROM victim', signal), { code: 'SourceWrites' });
      await second.close();
      await pools.closeIdle();
    });
  },
  { rights: ['PROCESS', 'FILE'] },
);

test('each session proves a query by itself, once', async () => {
  const asked: string[] = [];
  const session = (name: string, columns: number) =>
    ({
      guard: (body: () => unknown) => body(),
      columnsOf: async () => {
        asked.push(name);
        return columns;
      },
    }) as unknown as Session;
  const [one, other] = [session('one', 1), session('other', 0)];
  await requireOneSelect(one, 'SELECT 1', signal);
  await requireOneSelect(one, 'SELECT 1', signal);
  await assert.rejects(requireOneSelect(other, 'SELECT 1', signal), { code: 'QueryInvalid' });
  assert.deepEqual(asked, ['one', 'other']);
});
