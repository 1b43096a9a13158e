import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { connector } from '../connector.ts';
import { listTables } from '../describe.ts';
import { Session } from '../session.ts';
import { onEachServer } from '../test-harness.ts';

const signal = new AbortController().signal;

onEachServer((database, name) => {
  const run = (sql: string) => database.run(sql);
  const numbers = (rows: number) =>
    `WITH RECURSIVE n AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM n WHERE i < ${rows})`;

  if (name === 'MariaDB') {
    test('the current rows of a system-versioned table are read by its keys', async () => {
      await run(`CREATE TABLE past (id INT PRIMARY KEY, v VARCHAR(9)) WITH SYSTEM VERSIONING;
          CREATE TABLE periods (id INT PRIMARY KEY, v VARCHAR(9), since TIMESTAMP(6) GENERATED ALWAYS AS ROW START, till TIMESTAMP(6) GENERATED ALWAYS AS ROW END,
            PERIOD FOR SYSTEM_TIME (since, till)) WITH SYSTEM VERSIONING`);
      for (const from of ['past', 'periods']) {
        await run(`INSERT INTO ${from} (id, v) VALUES (1, 'a'), (2, 'b'), (3, 'c'), (4, 'd'); UPDATE ${from} SET v = 'new' WHERE id = 2;
            DELETE FROM ${from} WHERE id = 3`);
        const flow = await database.flow({ from, to: `of_${from}`, maxRows: 2 });
        const { keys, isOpaque } = await flow.source.describe(signal);
        assert.deepEqual([keys.map(({ columns }) => columns.join()), isOpaque], [['id'], undefined]);
        await flow.claim();
        await flow.pass();
        await flow.close();
        assert.deepEqual(await run(`SELECT id, v FROM of_${from} ORDER BY id`), [
          ['1', 'a'],
          ['2', 'new'],
          ['4', 'd'],
        ]);
      }
    });
  }

  describe('describe', () => {
    test('columns, keys that can page, and columns that the server fills', async () => {
      await run(`CREATE TABLE told (id BIGINT UNSIGNED AUTO_INCREMENT PRIMARY KEY, mail VARCHAR(20) COLLATE utf8mb4_bin NOT NULL, part VARCHAR(300), twice INT AS (1 + 1) STORED,
          at DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3), utc DATETIME(6) COMMENT 'UTC', kind ENUM('b','it''s','é, x'), flags SET('x','y'), doc JSON, place POINT, maybe INT,
          UNIQUE KEY by_mail (mail), UNIQUE KEY by_part (part(10)), UNIQUE KEY by_maybe (maybe))`);
      const source = await connector.openSource(database.access, { table: 'told', timeZone: 'UTC' }, signal);
      const relation = await source.describe(signal);
      await source.close();
      assert.equal(relation.name, `${database.name}.told`);
      assert.deepEqual(
        relation.keys.map((key) => [key.name, key.columns.join(), key.isPrimary]),
        [
          ['PRIMARY', 'id', true],
          ['by_mail', 'mail', false],
        ],
      );
      const column = (wanted: string) => relation.columns.find((each) => each.name === wanted);
      assert.deepEqual(column('id')?.type, { kind: 'int', bits: 64, isUnsigned: true });
      assert.equal(column('id')?.isIdentity, true);
      assert.equal(column('mail')?.collation, 'utf8mb4_bin');
      assert.equal(column('twice')?.isGenerated, true);
      assert.equal(column('at')?.hasDefault, true);
      assert.equal(column('maybe')?.hasDefault, undefined);
      assert.equal(column('doc')?.type.kind, 'json');
      assert.deepEqual(column('kind')?.type, { kind: 'enum', values: ['b', "it's", 'é, x'] });
      assert.deepEqual(column('flags')?.type, { kind: 'other', system: 'mysql', name: "set('x','y')" });
      assert.deepEqual(column('utc')?.type, {
        kind: 'timestamp',
        precision: 6,
        hasZone: true,
        canBeZero: true,
      });
      assert.deepEqual(column('place')?.type, { kind: 'other', system: 'mysql', name: 'point' });
    });

    test('which values are equal by the collation though they differ', async () => {
      await run(`CREATE TABLE equal_ones (ci VARCHAR(9) COLLATE utf8mb4_general_ci, bin VARCHAR(9) COLLATE utf8mb4_bin, latin VARCHAR(9) COLLATE latin1_swedish_ci,
          fixed CHAR(9) COLLATE utf8mb4_bin, fixed_ci CHAR(9) COLLATE utf8mb4_general_ci, bytes VARBINARY(9), label ENUM('a', 'b') COLLATE utf8mb4_general_ci, n INT,
          exact VARCHAR(9) COLLATE ${name === 'MySQL' ? 'utf8mb4_0900_bin' : 'utf8mb4_nopad_bin'})`);
      await run('CREATE VIEW equal_view AS SELECT * FROM equal_ones');
      for (const table of ['equal_ones', 'equal_view']) {
        const source = await connector.openSource(database.access, { table }, signal);
        const relation = await source.describe(signal);
        await source.close();
        assert.deepEqual(
          relation.columns.filter((each) => each.equality).map((each) => [each.name, each.equality]),
          [
            ['ci', 'mysql:utf8mb4_general_ci'],
            ['bin', 'mysql:utf8mb4_bin'],
            ['latin', 'mysql:latin1_swedish_ci'],
            ['fixed_ci', 'mysql:utf8mb4_general_ci'],
          ],
        );
        assert.equal(relation.isOpaque, table === 'equal_view' ? true : undefined);
      }
    });

    test('a query has the types of its columns', async () => {
      const query = `SELECT CAST(1 AS DECIMAL(10,3)) AS d, CAST(1 AS UNSIGNED) AS u, CAST('2026-01-01' AS DATETIME(3)) AS t, x'00' AS b, 'é' AS s, 1e0 AS f -- the end`;
      const source = await connector.openSource(database.access, { query, timeZone: 'UTC' }, signal);
      const { columns } = await source.describe(signal);
      await source.close();
      assert.deepEqual(
        columns.map(({ name, type }) => [name, type.kind]),
        [
          ['d', 'decimal'],
          ['u', 'int'],
          ['t', 'timestamp'],
          ['b', 'bytes'],
          ['s', 'text'],
          ['f', 'float'],
        ],
      );
      assert.deepEqual(columns[0]?.type, { kind: 'decimal', precision: 10, scale: 3 });
    });

    test('missing tables, missing schemas, and tables without transactions', async () => {
      const describeIt = async (table: string) => {
        const source = await connector.openSource(database.access, { table, timeZone: 'UTC' }, signal);
        try {
          return await source.describe(signal);
        } finally {
          await source.close();
        }
      };
      await assert.rejects(describeIt('nowhere.at_all'), { code: 'SchemaNotFound' });
      await run(
        'CREATE TABLE old_engine (id INT PRIMARY KEY) ENGINE = MyISAM; CREATE VIEW looks AS SELECT 1 AS id',
      );
      await assert.rejects(describeIt('lookz'), {
        code: 'TableNotFound',
        fix: new RegExp(`^did you mean ${database.name}.looks\\? Else correct the name, or GRANT`),
      });
      const session = await Session.open(database.access, 'reader', signal);
      try {
        const first = { called: 'OLD_ENGINE', most: 1 };
        const tables = await listTables(session, database.name, signal, first);
        assert.deepEqual(tables, [{ schema: database.name, table: 'old_engine' }]);
      } finally {
        await session.close();
      }
      const isMariaDb = name === 'MariaDB';
      if (isMariaDb) await run('CREATE TABLE with_past (id INT PRIMARY KEY) WITH SYSTEM VERSIONING');
      for (const [table, code, what] of [
        ['old_engine', 'NotTransactional', /MyISAM/],
        ['looks', 'NotATable', /is a view/],
        ...(isMariaDb ? [['with_past', 'NotATable', /is a system-versioned table/] as const] : []),
      ] as const) {
        const destination = await connector.openDestination(
          database.access,
          { table, existingRows: 'Keep' },
          signal,
        );
        const relation = await destination.describe(signal);
        await destination.close();
        assert.deepEqual(
          relation?.findings?.map((each) => [each.severity, each.code]),
          [['error', code]],
        );
        assert.match(relation?.findings?.[0]?.message ?? '', what);
      }
      const names = (await connector.discover(database.access, signal)).map((each) => each.name);
      assert.ok(names.includes(`${database.name}.looks`));
      assert.equal(names.includes(`${database.name}.with_past`), isMariaDb);
      assert.ok(
        names.every((each) => each.startsWith(`${database.name}.`)),
        names.join(),
      );
    });
  });

  describe('paging by keys of every kind reads each row once', () => {
    const cases: readonly (readonly [kind: string, ddl: string, value: string])[] = [
      ['negative and large integers', 'BIGINT', '(i - 20) * 461168601842738790'],
      ['unsigned', 'BIGINT UNSIGNED', '18446744073709551615 - i'],
      ['decimal', 'DECIMAL(38,10)', 'CAST(CONCAT(i, ".0000000001") AS DECIMAL(38,10)) - 20'],
      ['double', 'DOUBLE', '(i - 20) / 3e0'],
      ['float', 'FLOAT', '(i - 20) / 3e0'],
      ['text', 'VARCHAR(20)', "CONCAT('k', MOD(i * 7, 41), ' \\'\\\\é')"],
      [
        'text that heeds no case',
        'VARCHAR(20) COLLATE utf8mb4_general_ci',
        "CONCAT(IF(i % 2, 'K', 'k'), MOD(i * 7, 41))",
      ],
      ['text of latin1', 'VARCHAR(20) CHARACTER SET latin1', "CONCAT('é', MOD(i * 7, 41))"],
      ['bytes', 'VARBINARY(4)', 'UNHEX(LPAD(HEX(i * 6400), 8, "0"))'],
      ['times', 'DATETIME(6)', "'2026-01-01 00:00:00.000001' + INTERVAL MOD(i * 7, 41) MICROSECOND"],
      ['durations', 'TIME(3)', 'SEC_TO_TIME((i - 20) * 90000)'],
      ['dates', 'DATE', "'2026-01-01' + INTERVAL MOD(i * 7, 41) DAY"],
      ['bits', 'BIT(10)', 'MOD(i * 7, 41) * 20'],
      ['bits that no double keeps', 'BIT(64)', '(1 << 63) + MOD(i * 7, 41)'],
    ];
    for (const [kind, ddl, value] of cases) {
      test(kind, async () => {
        const table = `key_${cases.findIndex(([each]) => each === kind)}`;
        await run(
          `CREATE TABLE ${table} (k ${ddl} NOT NULL PRIMARY KEY); INSERT INTO ${table} ${numbers(40)} SELECT ${value} FROM n`,
        );
        const flow = await database.flow({
          from: table,
          to: `${table}_to`,
          maxRows: 7,
          writeMode: 'Append',
        });
        await flow.claim();
        const { batches } = await flow.pass();
        assert.equal(batches.length, 6);
        const rows = (of: string) => run(`SELECT HEX(CAST(k AS CHAR)) FROM ${of} ORDER BY k`);
        assert.deepEqual(await rows(`${table}_to`), await rows(table));
        await flow.close();
      });
    }

    test('enums and sets, which have an order of their own', async () => {
      await run(`CREATE TABLE own_order (e ENUM('z','a','m') NOT NULL, s SET('y','b','c') NOT NULL, n INT NOT NULL, PRIMARY KEY (e, s, n));
          INSERT INTO own_order ${numbers(48)} SELECT 1 + MOD(i, 3), MOD(i, 8), i FROM n`);
      const flow = await database.flow({
        from: 'own_order',
        to: 'own_order_to',
        maxRows: 5,
        writeMode: 'Append',
      });
      await flow.claim();
      await flow.pass();
      const rows = (of: string) => run(`SELECT * FROM ${of} ORDER BY n`);
      assert.deepEqual(await rows('own_order_to'), await rows('own_order'));
      await flow.close();
    });
  });

  test('a query is paged by an ENUM or a SET in the order that the server compares them in', async () => {
    await run(`CREATE TABLE labels (e ENUM('zeta', 'alpha', 'mid') NOT NULL, s SET('z', 'a') NOT NULL);
        INSERT INTO labels VALUES ('zeta', 'z'), ('alpha', 'a'), ('mid', 'z,a')`);
    for (const key of ['e', 's']) {
      const to = `labels_by_${key}`;
      const query = 'SELECT * FROM labels';
      const flow = await database.flow({ from: '', query, to, sourceKey: [key], maxRows: 1, uid: to });
      await flow.claim();
      await flow.pass();
      assert.deepEqual(await run(`SELECT e, s FROM ${to} ORDER BY e`), [
        ['alpha', 'a'],
        ['mid', 'z,a'],
        ['zeta', 'z'],
      ]);
      await flow.close();
    }
  });

  test('a geometry is not accepted as a key, whoever names it', async () => {
    await run('CREATE TABLE places (id INT PRIMARY KEY, g POINT NOT NULL)');
    for (const object of [{ table: 'places' }, { query: 'SELECT * FROM places' }]) {
      const source = await connector.openSource(
        database.access,
        { ...object, key: ['g'], timeZone: 'UTC' },
        signal,
      );
      const { columns } = await source.describe(signal);
      const refused = columns.filter((each) => connector.types.keyRefusal(each) !== undefined);
      assert.deepEqual(
        refused.map((each) => each.name),
        ['g'],
      );
      await source.close();
    }
  });

  test('a query names the collation by which its texts are compared', async () => {
    await run(`CREATE TABLE words (a VARCHAR(9) COLLATE utf8mb4_general_ci NOT NULL, b VARCHAR(9) COLLATE utf8mb4_bin NOT NULL, c VARBINARY(9), n INT);
        INSERT INTO words VALUES ('b', 'b', '', 1), ('B', 'B', '', 2)`);
    for (const rows of ['', 'WHERE n > 2', 'GROUP BY a']) {
      const query = `SELECT a, MAX(b) AS b, CONCAT(MAX(a), 'x') AS d, MAX(c) AS c, MAX(n) AS n FROM words ${rows}`;
      const source = await connector.openSource(database.access, { query, timeZone: 'UTC' }, signal);
      const { columns } = await source.describe(signal);
      assert.deepEqual(
        columns.map(({ collation, equality }) => [collation, equality]),
        [
          ['utf8mb4_general_ci', 'mysql:utf8mb4_general_ci'],
          ['utf8mb4_bin', 'mysql:utf8mb4_bin'],
          ['utf8mb4_general_ci', 'mysql:utf8mb4_general_ci'],
          [undefined, undefined],
          [undefined, undefined],
        ],
        rows,
      );
      await source.close();
    }
  });
});
