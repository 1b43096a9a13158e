import type { Abilities, TestSpace, TestSystem } from '../../e2e/kit/conformance/harness.ts';
import { freePort } from '../../e2e/kit/free-port.ts';
import { sqlAbilities, sqlEnd, sqlLacks, type TestDialect, wrongServerAccess } from '../sql/test-end.ts';
import { definition } from './definition.ts';
import { servers, TestDatabase } from './test-harness.ts';

export const systems: readonly TestSystem[] = servers.map(([name, start]) => ({
  name,
  definition,
  lacks: sqlLacks,
  waivers: {},
  hasRawFormat: false,
  open: async () => openSpace(await TestDatabase.create(start)),
}));

async function openSpace(database: TestDatabase): Promise<TestSpace> {
  const dialect = dialectOf(database);
  const end = sqlEnd(database.access, dialect);
  // A user without rights on a database is not told whether it exists.
  await database.server.query(`GRANT SELECT ON nowhere.* TO '${database.name}'@'%'`);
  const abilities: Omit<Abilities, keyof typeof sqlLacks> = {
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
    quote: (name) => `\`${name}\``,
    columns: ({ key, hasTime, hasNoBody, hasShortBody, isCaseless }) => [
      'id BIGINT',
      ...(hasNoBody ? [] : [bodyOf(hasShortBody || key === 'body', isCaseless)]),
      ...(hasTime ? ['at DATETIME(6)'] : []),
    ],
    retype: (table) => `ALTER TABLE ${table} MODIFY body VARCHAR(50)`,
    dropKey: (table) => `ALTER TABLE ${table} DROP PRIMARY KEY`,
  };
}

const bodyOf = (isShort: boolean, isCaseless?: boolean) =>
  isShort ? `body VARCHAR(100) COLLATE utf8mb4_${isCaseless ? 'general_ci' : 'bin'}` : 'body TEXT';

function tableAbilities(database: TestDatabase) {
  const run = async (sql: string) => void (await database.run(sql));
  return {
    // Tables are distinguished by the second in which they were created, which any ALTER TABLE changes: the Sync plans again.
    changeNothing: (_, table) => run(`ANALYZE TABLE ${table}`),
    replaceObject: (_, table) =>
      run(
        `SELECT SLEEP(1.1); RENAME TABLE ${table} TO ${table}_old; CREATE TABLE ${table} LIKE ${table}_old`,
      ),
    accessWithoutWriting: (table) => database.userWith(`SELECT ON ${database.name}.${table}`),
    async leftovers() {
      const rows = await database.run("SHOW TABLES LIKE '\\_idra\\_%'");
      return rows.map(([name]) => String(name)).filter((name) => name !== '_idra_commits');
    },
  } satisfies Partial<Abilities>;
}

function sessionAbilities(database: TestDatabase) {
  const isIdra = `USER = SUBSTRING_INDEX(CURRENT_USER(), '@', 1) AND ID <> CONNECTION_ID()`;
  const processes = () => database.run(`SELECT ID, INFO FROM information_schema.PROCESSLIST WHERE ${isIdra}`);
  return {
    slowQuery: {
      text: 'SELECT i AS id, SLEEP(30) AS s FROM (SELECT 1 AS i UNION ALL SELECT 2) AS t',
      isRunning: async () => (await processes()).some(([, sql]) => sql?.includes('SLEEP(30)')),
    },
    countSessions: async () => (await processes()).length,
    async cutSessions() {
      for (const [id] of await processes()) await database.server.query(`KILL ${id}`).catch(() => {});
    },
    async openLateRow(table, late, passing) {
      const insert = (id: number, body: string) => `INSERT INTO ${table} VALUES (${id}, '${body}', NOW(6))`;
      const writer = await database.client();
      await writer.query(`START TRANSACTION; ${insert(late, 'late')}`);
      await database.run(insert(passing, 'passing'));
      return {
        async commit() {
          await writer.query('COMMIT');
          await writer.end();
        },
      };
    },
  } satisfies Partial<Abilities>;
}
