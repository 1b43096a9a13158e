import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { mariadb, mysql, postgres } from './kit/servers.ts';
import { SingleMode, syncManifest } from './kit/single-mode.ts';
import { serverManifest } from './kit/systems.ts';
import { tempFolder } from './kit/temp.ts';

/** A user who has hardly any right is told by each error what to run as an administrator, until the Sync runs. */
interface Limited {
  readonly source: string;
  readonly destination: string;
  readonly table: string;
  readonly target: string;
  /** As an administrator, in the database of an end. */
  at(end: 'source' | 'destination', sql: string): Promise<unknown>;
  /** The name of the limited user, as in a grant. */
  readonly user: string;
  stop(): Promise<void>;
}

async function inPostgres(): Promise<Limited> {
  const server = await postgres();
  const [from, to] = [await server.createDatabase(), await server.createDatabase()];
  const user = `u_${randomBytes(5).toString('hex')}`;
  await server.query(`CREATE ROLE "${user}" LOGIN PASSWORD 'limited'`);
  const at = (end: 'source' | 'destination', sql: string) =>
    server.query(sql, (end === 'source' ? from : to).database);
  await at('source', 'CREATE SCHEMA sales; CREATE TABLE sales.orders (id int PRIMARY KEY)');
  await at('source', 'INSERT INTO sales.orders VALUES (1)');
  const limited = { user, password: 'limited' };
  return {
    source: serverManifest('source', 'postgres', { ...from, ...limited }),
    destination: serverManifest('destination', 'postgres', { ...to, ...limited }),
    table: 'sales.orders',
    target: 'public.orders',
    at,
    user: `"${user}"`,
    async stop() {
      for (const end of ['source', 'destination'] as const) await at(end, `DROP OWNED BY "${user}"`);
      await server.query(`DROP ROLE "${user}"`);
      await server.stop();
    },
  };
}

const inMysql = (start: typeof mysql) => async (): Promise<Limited> => {
  const server = await start();
  const [from, to] = [await server.createDatabase(), await server.createDatabase()];
  const user = `u_${randomBytes(5).toString('hex')}`;
  await server.query(`CREATE USER '${user}'@'%' IDENTIFIED BY 'limited'`);
  const at = (end: 'source' | 'destination', sql: string) =>
    server.query(sql, (end === 'source' ? from : to).database);
  await at('source', 'CREATE TABLE orders (id int PRIMARY KEY)');
  await at('source', 'INSERT INTO orders VALUES (1)');
  // The table can be seen, but not read.
  await at('source', `GRANT INSERT ON orders TO '${user}'@'%'`);
  const limited = { user, password: 'limited' };
  return {
    source: serverManifest('source', 'mysql', { ...from, ...limited }),
    destination: serverManifest('destination', 'mysql', { ...to, ...limited }),
    table: `${from.database}.orders`,
    target: `${to.database}.orders`,
    at,
    user: `'${user}'@'%'`,
    async stop() {
      await server.query(`DROP USER '${user}'@'%'`);
      await server.stop();
    },
  };
};

const systems = [
  ['PostgreSQL', inPostgres],
  ['MySQL', inMysql(mysql)],
  ['MariaDB', inMysql(mariadb)],
] as const;

for (const [name, open] of systems) {
  describe(name, () => {
    test('each error names the statement that grants the right, until the Sync runs', async () => {
      const limited = await open();
      try {
        const single = new SingleMode(join(await tempFolder('missing-grants'), name));
        const write = (name: string, source: object) =>
          single.write(
            limited.source +
              limited.destination +
              syncManifest(name, {
                source: { dataSource: 'source', ...source },
                destination: { dataSource: 'destination', table: `${limited.target}_${name}` },
                mode: 'Snapshot',
              }),
          );
        await write('whole', { table: limited.table });
        const granted = await followAdvice(single, limited);
        const all = granted.join('; ');
        for (const right of ['SELECT', 'CREATE']) assert.match(all, new RegExp(`\\b${right}\\b`));
        assert.deepEqual(
          granted.filter((each) => !each.endsWith(`TO ${limited.user}`)),
          [],
        );
        await limited.at('source', `REVOKE SELECT ON ${limited.table} FROM ${limited.user}`).catch(() => {});
        await write('query', { query: `SELECT id FROM ${limited.table}`, key: ['id'] });
        await followAdvice(single, limited);
      } finally {
        await limited.stop();
      }
    });
  });
}

test('PostgreSQL: a refusal of the destination never asks for a right at the source', async () => {
  const limited = await inPostgres();
  try {
    const { user, table, target } = limited;
    await limited.at('source', `GRANT USAGE ON SCHEMA sales TO ${user}; GRANT SELECT ON ${table} TO ${user}`);
    // Both ends have a table of this name; a trigger of the destination reads its own.
    for (const end of ['source', 'destination'] as const)
      await limited.at(end, 'CREATE TABLE salaries (id int PRIMARY KEY)');
    await limited.at(
      'destination',
      `GRANT CREATE ON SCHEMA public TO ${user}; CREATE TABLE ${target} (id int PRIMARY KEY); GRANT ALL ON ${target} TO ${user};
       CREATE FUNCTION asks() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM FROM public.salaries; RETURN NEW; END';
       CREATE TRIGGER asks BEFORE INSERT ON ${target} FOR EACH ROW EXECUTE FUNCTION asks()`,
    );
    const single = new SingleMode(join(await tempFolder('missing-grants'), 'trigger'));
    await single.write(
      limited.source +
        limited.destination +
        syncManifest('refused', {
          source: { dataSource: 'source', table },
          destination: { dataSource: 'destination', table: target },
          mode: 'Snapshot',
        }),
    );
    const { code, stderr } = await single.runQuietly();
    assert.notEqual(code, 0);
    assert.match(stderr, /permission denied for table salaries/);
    assert.doesNotMatch(stderr, /GRANT SELECT/);
  } finally {
    await limited.stop();
  }
});

/** Runs what the errors say, and returns it. */
async function followAdvice(single: SingleMode, limited: Limited): Promise<readonly string[]> {
  const granted: string[] = [];
  for (;;) {
    const { code, stderr } = await single.runQuietly();
    if (code === 0) return granted;
    const grants = stderr.match(/GRANT [A-Z]{2}[^;\n]*/g) ?? [];
    assert.ok(
      grants.length > 0 && grants.every((each) => !granted.includes(each)),
      `${granted.join()}\n${stderr}`,
    );
    // The message names the DataSource, but not which end of the Sync it is.
    for (const grant of grants)
      for (const end of ['source', 'destination'] as const) await limited.at(end, grant).catch(() => {});
    granted.push(...grants);
  }
}
