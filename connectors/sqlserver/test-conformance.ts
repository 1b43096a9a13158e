import type { Abilities, TestSpace, TestSystem } from '../../e2e/kit/conformance/harness.ts';
import { freePort } from '../../e2e/kit/free-port.ts';
import { sqlAbilities, sqlEnd, type TestDialect, wrongServerAccess } from '../sql/test-end.ts';
import { definition } from './definition.ts';
import { TestDatabase } from './test-harness.ts';

export const systems: readonly TestSystem[] = [
  {
    name: 'SQL Server',
    definition,
    lacks: {
      openLateRow:
        'the server that stands in for SQL Server in tests does not show its transactions; late-row-bound.test.ts tests the bound',
    },
    waivers: {},
    hasRawFormat: false,
    safetyLagMs: 0,
    open: async () => openSpace(await TestDatabase.create()),
  },
];

async function openSpace(database: TestDatabase): Promise<TestSpace> {
  const dialect = dialectOf(database);
  const end = sqlEnd(database.access, dialect);
  const abilities: Partial<Abilities> = {
    ...sqlAbilities(dialect, dialect, () => dialect),
    ...tableAbilities(database),
    ...sessionAbilities(database),
    wrongAccess: wrongServerAccess(database.access, await freePort()),
  };
  return { source: end, destination: end, abilities, stop: () => database.stop() };
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
      await run(
        `EXEC sp_rename '${table}', '${table}_old', 'OBJECT'; SELECT TOP (0) * INTO ${table} FROM ${table}_old; ALTER TABLE ${table} ALTER COLUMN id bigint NOT NULL`,
      );
      await run(`ALTER TABLE ${table} ADD PRIMARY KEY (id)`);
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
        `SELECT session_id, status FROM sys.dm_exec_sessions WHERE program_name LIKE 'idra%' AND DB_NAME(database_id) = '${database.name}'`,
      )
    ).map(([id, status]) => ({ id, status }));
  const ten = '(VALUES (0), (1), (2), (3), (4), (5), (6), (7), (8), (9))';
  const names = 'abcdefghijk'.split('');
  return {
    slowQuery: {
      text: `SELECT 1 AS id, COUNT_BIG(*) AS s FROM ${names.map((name) => `${ten} AS ${name} (x)`).join(' CROSS JOIN ')}`,
      isRunning: async () => (await sessions()).some(({ status }) => status === 'active' || status === 'running'),
    },
    async countSessions() {
      await database.closeIdle();
      return (await sessions()).length;
    },
    async cutSessions() {
      for (const { id } of await sessions()) await database.server.query(`KILL ${id}`).catch(() => {});
    },
  } satisfies Partial<Abilities>;
}
