import { chown, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import pg from 'pg';
import { freePort } from '../free-port.ts';
import { startProcess } from '../processes.ts';
import { findServer, inDebian, onPath } from './find.ts';
import { type PostgresDatabase, unprivilegedUser } from './postgres.ts';
import { dataFolder, ServerProcess } from './server-process.ts';

const installed = onPath(['pgbouncer']);

/** pgbouncer in transaction mode in front of a database; with the same user and password. */
export async function pgbouncer(
  database: PostgresDatabase,
): Promise<{ readonly port: number; stop(): Promise<void> }> {
  const bin = await findServer('pgbouncer', [installed, inDebian(['pgbouncer'], installed)]);
  const user = await unprivilegedUser();
  const folder = await dataFolder('pgbouncer', user);
  const port = await freePort();
  const { host, user: name, password } = database;
  const config = `[databases]
${database.database} = host=${host} port=${database.port} dbname=${database.database} user=${name} password=${password}
[pgbouncer]
listen_addr=127.0.0.1
listen_port=${port}
auth_type=any
pool_mode=transaction
default_pool_size=4
ignore_startup_parameters=extra_float_digits
unix_socket_dir=
`;
  const file = join(folder, 'pgbouncer.ini');
  await writeFile(file, config, { mode: 0o600 });
  if (user) await chown(file, user.uid, user.gid);
  const url = new URL(database.url);
  url.port = String(port);
  const server = await ServerProcess.start({
    folder,
    start: () => startProcess(join(bin, 'pgbouncer'), [file], { ...user, cwd: folder }),
    answers: async () => {
      const client = new pg.Client({ connectionString: url.href });
      client.on('error', () => {});
      await client.connect();
      await client.query('SELECT 1');
      await client.end();
    },
  });
  return { port, stop: () => server.stop() };
}
