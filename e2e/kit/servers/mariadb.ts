import { userInfo } from 'node:os';
import { join } from 'node:path';
import { runOrFail, startProcess } from '../processes.ts';
import { findServer, inDebian, onPath } from './find.ts';
import { type MysqlOptions, type MysqlRecipe, type MysqlServer, mysqlServer } from './mysql-family.ts';

const server = onPath(['mariadbd']);

const recipe: MysqlRecipe = {
  name: 'mariadb',
  find: () => findServer('mariadb', [server, inDebian(['mariadb-server'], server)]),
  initialise: async (_bin, { data, env }) => {
    const auth = [
      '--auth-root-authentication-method=normal',
      '--skip-test-db',
      `--user=${userInfo().username}`,
    ];
    await runOrFail('mariadb-install-db', ['--no-defaults', `--datadir=${data}`, ...auth], { env });
  },
  start: (bin, { data, env }, port, args) => {
    // The socket's path is relative to the data folder: the absolute one may exceed the length limit of a socket's path.
    const where = [`--datadir=${data}`, `--port=${port}`, '--bind-address=127.0.0.1', '--socket=mysql.sock'];
    const how = [`--user=${userInfo().username}`, '--skip-name-resolve', '--pid-file=pid'];
    return startProcess(join(bin, 'mariadbd'), ['--no-defaults', ...where, ...how, ...args], { env });
  },
};

/** A running MariaDB: shared by all test files, unless options require a separate server for this test. */
export async function mariadb(options: MysqlOptions = {}): Promise<MysqlServer> {
  return await mysqlServer(recipe, options);
}
