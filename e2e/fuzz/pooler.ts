import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { freePort } from '../kit/free-port.ts';
import { type RunningProcess, startProcess } from '../kit/processes.ts';

const binary = ['/usr/sbin/pgbouncer', '/usr/bin/pgbouncer', '/usr/local/bin/pgbouncer'].find(existsSync);

export interface PooledDatabase {
  readonly host: string;
  readonly port: number;
  readonly database: string;
  readonly user: string;
  readonly password: string;
}

export interface Pooler {
  readonly host: string;
  readonly port: number;
  stop(): Promise<void>;
}

/** PgBouncer in transaction mode in front of one database; undefined if the machine has none. */
export async function startPooler(folder: string, to: PooledDatabase): Promise<Pooler | undefined> {
  if (binary === undefined) return undefined;
  const port = await freePort();
  await mkdir(folder, { recursive: true, mode: 0o755 });
  const file = join(folder, 'pgbouncer.ini');
  const { host, database, user, password } = to;
  const lines = [
    '[databases]',
    `${database} = host=${host} port=${to.port} dbname=${database} user=${user} password=${password}`,
    '[pgbouncer]',
    'listen_addr = 127.0.0.1',
    `listen_port = ${port}`,
    'unix_socket_dir =',
    'auth_type = any',
    'pool_mode = transaction',
    'default_pool_size = 4',
    'max_client_conn = 200',
    'ignore_startup_parameters = extra_float_digits,options,statement_timeout,idle_in_transaction_session_timeout',
  ];
  await writeFile(file, `${lines.join('\n')}\n`, { mode: 0o644 });
  const asUser = process.getuid?.() === 0 ? ['-u', 'postgres'] : [];
  const running: RunningProcess = await startProcess(binary, [...asUser, file]);
  await running.waitForLine(/listening on/);
  return { host: '127.0.0.1', port, stop: async () => void (await running.stop()) };
}
