import { existsSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { runOrFail, startProcess } from '../processes.ts';
import { findServer, inArchive, onPath, type Place } from './find.ts';
import { type MysqlOptions, type MysqlRecipe, type MysqlServer, mysqlServer } from './mysql-family.ts';

/** MariaDB's packages contain a `mysqld` too, which is not the one needed. */
const realMysql: Place = {
  ...onPath(['mysqld']),
  find: async () => {
    const folder = await onPath(['mysqld']).find();
    if (folder === undefined) return undefined;
    const version = await runOrFail(join(folder, 'mysqld'), ['--version']);
    return version.includes('MariaDB') ? undefined : folder;
  },
};

const recipe: MysqlRecipe = {
  name: 'mysql',
  find: () => findServer('mysql', [realMysql, inArchive('mysql', 'mysql/bin')]),
  initialise: async (bin, { data, env }) => {
    const args = [...options(bin), '--initialize-insecure', `--datadir=${data}`];
    await runOrFail(join(bin, 'mysqld'), args, { env });
  },
  start: (bin, { data, env }, port, args) => {
    const where = [`--datadir=${data}`, `--port=${port}`, '--bind-address=127.0.0.1', '--socket=mysql.sock'];
    const how = [
      '--pid-file=pid',
      '--mysqlx=OFF',
      '--skip-name-resolve',
      '--gtid-mode=ON',
      '--enforce-gtid-consistency=ON',
    ];
    return startProcess(join(bin, 'mysqld'), [...options(bin), ...where, ...how, ...args], { env });
  },
};

/** An unpacked archive does not know its location. */
function options(bin: string): string[] {
  const base = join(bin, '..');
  const common = ['--no-defaults', '--secure-file-priv=', `--user=${userInfo().username}`];
  if (!existsSync(join(base, 'share/charsets'))) return common;
  const shares = [`--lc-messages-dir=${base}/share`, `--character-sets-dir=${base}/share/charsets`];
  return [...common, `--basedir=${base}`, `--plugin-dir=${base}/plugin`, ...shares];
}

/** A running MySQL: shared by all test files, unless options require a separate server for this test. */
export async function mysql(options: MysqlOptions = {}): Promise<MysqlServer> {
  return await mysqlServer(recipe, options);
}
