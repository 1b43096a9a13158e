import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { ManySyncs } from './kit/many-syncs.ts';
import { mariadb, mysql, postgres } from './kit/servers.ts';
import { mysqlDatabase, postgresDatabase, type TestDatabase } from './kit/systems.ts';
import { removeFolder, tempFolder } from './kit/temp.ts';

/** More Syncs than the server has connections. */
const count = 40;
const maxConnections = 20;

let folder: string;
before(async () => {
  folder = await tempFolder('connections');
});
after(() => removeFolder(folder));

interface Case {
  readonly source: TestDatabase;
  readonly destination: TestDatabase;
  readonly connections: () => Promise<number>;
}

async function requireFew(name: string, ends: Case): Promise<void> {
  const many = new ManySyncs({ ...ends, folder: `${folder}/${name}`, count, schedule: { every: '3s' } });
  try {
    await many.start();
    await many.untilAllArrived(240_000);
    await many.addRows();
    await many.untilAllArrived(120_000);
    assert.ok(many.peak > 0 && many.peak <= maxConnections, `${many.peak} connections at one time`);
    assert.deepEqual(
      many.errors.filter((line) => line.includes('TooManyConnections')),
      [],
    );
  } finally {
    await many.stop();
  }
}

test('PostgreSQL: more Syncs than connections use few connections, all rows arrive, and a user can log in', async () => {
  const server = await postgres({ own: true, settings: { max_connections: '30' } });
  try {
    const [source, destination] = [await server.createDatabase(), await server.createDatabase()];
    await server.query(`GRANT pg_read_all_stats TO "${source.user}"`);
    await requireFew('postgres', {
      source: postgresDatabase(source),
      destination: postgresDatabase(destination),
      connections: async () => {
        const sql = "SELECT count(*) AS n FROM pg_stat_activity WHERE application_name LIKE 'idra%'";
        return Number((await server.query(sql))[0]?.n);
      },
    });
  } finally {
    await server.stop();
  }
});

for (const [system, start] of Object.entries({ mysql, mariadb })) {
  test(`${system}: more Syncs than connections use few connections, all rows arrive, and a user can log in`, async () => {
    const server = await start({ own: true, settings: { 'max-connections': '30' } });
    try {
      const [source, destination] = [await server.createDatabase(), await server.createDatabase()];
      await server.query(`GRANT PROCESS ON *.* TO '${source.user}'@'%'`);
      // The test's own connections are not counted.
      const asAdmin = (to: { database: string }) => new URL(`/${to.database}`, server.adminUrl).href;
      await requireFew(system, {
        source: mysqlDatabase('mysql', { ...source, url: asAdmin(source) }),
        destination: mysqlDatabase('mysql', { ...destination, url: asAdmin(destination) }),
        connections: async () => {
          const users = `'${source.user}', '${destination.user}'`;
          const sql = `SELECT COUNT(*) AS n FROM information_schema.PROCESSLIST WHERE USER IN (${users})`;
          return Number((await server.query(sql))[0]?.n);
        },
      });
    } finally {
      await server.stop();
    }
  });
}
