import type { Abilities, TestSpace, TestSystem } from '../../e2e/kit/conformance/harness.ts';
import { freePort } from '../../e2e/kit/free-port.ts';
import { sqlAbilities, sqlEnd, sqlLacks, type TestDialect, wrongServerAccess } from '../sql/test-end.ts';
import { definition } from './definition.ts';
import { TestDatabase } from './test-harness.ts';

export const systems: readonly TestSystem[] = [
  {
    name: 'SQL Server',
    definition,
    lacks: {
      ...sqlLacks,
      slowQuery:
        'the server that stands in for SQL Server in tests goes on with a statement whose connection is closed, until it sends rows; SQL Server ends it',
    },
    waivers: {
      'wrong input: an invalid query, or one that reads a missing object':
        'the server that stands in for SQL Server in tests reports a missing table of a query without its number',
    },
    hasRawFormat: false,
    safetyLagMs: 0,
    open: async () => openSpace(await TestDatabase.create()),
  },
];

async function openSpace(database: TestDatabase): Promise<TestSpace> {
  const dialect = dialectOf(database);
  const end = sqlEnd(database.access, dialect);
  return {
    source: end,
    destination: end,
    stop: () => database.stop(),
    abilities: {
      wrongAccess: wrongServerAccess(database.access, await freePort()),
      ...sessionAbilities(database),
      ...tableAbilities(database),
      ...sqlAbilities(dialect, dialect, () => dialect),
    },
  };
}

function dialectOf(database: TestDatabase): TestDialect {
  return {
    run: (sql) => database.run(sql),
    quote: (name) => `[${name}]`,
    lengthFunction: 'LEN',
    columns: ({ key, hasTime, hasNoBody, hasShortBody, isCaseless }) => [
      'id bigint',
      ...(hasNoBody ? [] : [bodyOf(hasShortBody || key === 'body', isCaseless)]),
      ...(hasTime ? ['at datetime2(6)'] : []),
    ],
    retype: (table) => `ALTER TABLE ${table} ALTER COLUMN body nvarchar(50)`,
    dropKey: (table) =>
      `DECLARE @key nvarchar(200) = (SELECT name FROM sys.key_constraints WHERE parent_object_id = OBJECT_ID('${table}'));
       EXEC('ALTER TABLE ${table} DROP CONSTRAINT ' + @key)`,
    change(table, change) {
      const rename = (from: string, to: string) => `EXEC sp_rename '${table}.${from}', '${to}', 'COLUMN'`;
      switch (change) {
        case 'a column is added':
          return `ALTER TABLE ${table} ADD n int`;
        case 'a column is renamed':
          return rename('body', 'words');
        case 'two columns swap their names':
          return [rename('body', 'x'), rename('id', 'body'), rename('x', 'id')].join('; ');
        default:
          return undefined;
      }
    },
  };
}

const bodyOf = (isShort: boolean | undefined, isCaseless?: boolean) =>
  isShort
    ? `body nvarchar(100) COLLATE ${isCaseless ? 'Latin1_General_CI_AS' : 'Latin1_General_BIN2'}`
    : 'body nvarchar(max) COLLATE Latin1_General_BIN2';

function tableAbilities(database: TestDatabase) {
  const run = async (sql: string) => void (await database.run(sql));
  return {
    changeNothing: (_, table) => run(`CREATE INDEX i_${table} ON ${table} (body)`),
    async replaceObject(_, table) {
      await run(`EXEC sp_rename '${table}', '${table}_old', 'OBJECT'`);
      await run(`CREATE TABLE ${table} (id bigint, ${bodyOf(false)}, PRIMARY KEY (id))`);
    },
    accessWithoutWriting: (table) => database.userWith(`SELECT ON ${table}`),
    async leftovers() {
      const rows = await database.run("SELECT name FROM sys.tables WHERE name LIKE '[_]idra[_]%'");
      return rows.map(([name]) => String(name)).filter((name) => name !== '_idra_commits');
    },
  } satisfies Partial<Abilities>;
}

function sessionAbilities(database: TestDatabase) {
  const sessions = async () =>
    (
      await database.run(
        `SELECT session_id FROM sys.dm_exec_sessions WHERE program_name LIKE 'idra%' AND DB_NAME(database_id) = '${database.name}'`,
      )
    ).map(([id]) => id);
  return {
    async countSessions() {
      await database.closeIdle();
      return (await sessions()).length;
    },
    async cutSessions() {
      await database.server.endSessions((await sessions()).map(Number));
      await database.closeIdle();
    },
    async openLateRow(table, late, passing) {
      const insert = (id: number, body: string) =>
        `INSERT INTO ${table} VALUES (${id}, '${body}', SYSUTCDATETIME())`;
      const writer = await database.client();
      await writer.query(`BEGIN TRANSACTION; ${insert(late, 'late')}`);
      await database.run(insert(passing, 'passing'));
      return {
        async commit() {
          await writer.query('COMMIT TRANSACTION');
          await writer.close();
        },
      };
    },
  } satisfies Partial<Abilities>;
}
