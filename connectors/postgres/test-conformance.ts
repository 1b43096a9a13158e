import type { Abilities, TestSpace, TestSystem } from '../../e2e/kit/conformance/harness.ts';
import { freePort } from '../../e2e/kit/free-port.ts';
import { sqlAbilities, sqlEnd, sqlLacks, type TestDialect, wrongServerAccess } from '../sql/test-end.ts';
import { definition } from './definition.ts';
import { type TestDatabase, testDatabase } from './test-harness.ts';

export const systems: readonly TestSystem[] = [
  {
    name: definition.title,
    definition,
    lacks: {
      ...sqlLacks,
      slowQuery: 'a statement whose client has disconnected continues until it has rows to send',
    },
    waivers: {},
    hasRawFormat: true,
    open: openSpace,
  },
];

async function openSpace(): Promise<TestSpace> {
  const database = await testDatabase();
  await database.run(
    "SET TIME ZONE 'UTC'; CREATE COLLATION any_case (provider = icu, locale = 'und-u-ks-level2', deterministic = false)",
  );
  const dialect = dialectOf(database);
  const end = sqlEnd(database.access, dialect);
  const abilities: TestSpace['abilities'] = {
    ...sqlAbilities(dialect, dialect, () => dialect),
    ...tableAbilities(database),
    ...sessionAbilities(database),
    wrongAccess: wrongServerAccess(database.access, await freePort()),
  };
  return { source: end, destination: end, abilities, stop: () => database.stop() };
}

function dialectOf({ run }: TestDatabase): TestDialect {
  return {
    run,
    quote: (name) => `"${name}"`,
    columns: ({ hasTime, hasNoBody, isCaseless }) => [
      'id bigint',
      ...(hasNoBody ? [] : [`body text${isCaseless ? ' COLLATE any_case' : ''}`]),
      ...(hasTime ? ['at timestamptz'] : []),
    ],
    retype: (table) => `ALTER TABLE ${table} ALTER COLUMN body TYPE varchar(50)`,
    dropKey: (table) => `ALTER TABLE ${table} DROP CONSTRAINT ${table}_pkey`,
  };
}

function tableAbilities(database: TestDatabase) {
  const run = async (sql: string) => void (await database.run(sql));
  return {
    changeNothing: (_, table) =>
      run(`CREATE INDEX ON ${table} (body); ALTER TABLE ${table} ADD CHECK (id > 0)`),
    replaceObject: (_, table) =>
      run(
        `ALTER TABLE ${table} RENAME TO ${table}_old; CREATE TABLE ${table} (LIKE ${table}_old INCLUDING ALL)`,
      ),
    async accessWithoutWriting(table) {
      await run(`REVOKE INSERT, UPDATE ON ${table} FROM "${database.user}"`);
      return database.access;
    },
    async leftovers() {
      const rows = await database.run(
        "SELECT relname FROM pg_class WHERE relname ~ '^_idra_' AND relkind = 'r' ORDER BY 1",
      );
      return rows.map(([name]) => String(name)).filter((name) => name !== '_idra_commits');
    },
  } satisfies Partial<Abilities>;
}

function sessionAbilities({ run, client }: TestDatabase) {
  const sessions = `pg_stat_activity WHERE datname = current_database() AND application_name LIKE 'idra%'`;
  return {
    countSessions: async () => (await run(`SELECT 1 FROM ${sessions}`)).length,
    cutSessions: async () => void (await run(`SELECT pg_terminate_backend(pid, 5000) FROM ${sessions}`)),
    // It has taken its time before it gets a transaction id.
    async openLateRow(table, late, passing) {
      const writer = await client();
      await writer.query('BEGIN; SELECT now()');
      await run(`INSERT INTO ${table} VALUES (${passing}, 'passing', now())`);
      return {
        async commit() {
          await writer.query(`INSERT INTO ${table} VALUES (${late}, 'late', now()); COMMIT`);
        },
      };
    },
  } satisfies Partial<Abilities>;
}
