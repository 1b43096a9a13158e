import { createReadStream } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import mysqlDriver from 'mysql2/promise';
import { projectFolder } from '../e2e/kit/processes.ts';
import {
  type MysqlDatabase,
  type MysqlServer,
  mariadb,
  mysql,
  type PostgresDatabase,
  postgres,
} from '../e2e/kit/servers.ts';
import { serverManifest } from '../e2e/kit/systems.ts';
import { removeFolder, tempFolder } from '../e2e/kit/temp.ts';
import { judge, median, type Run, timed } from './_postgres.ts';

/**
 * A snapshot from PostgreSQL to MySQL and to MariaDB, with offsets committed batch by batch, compared with one `LOAD DATA LOCAL` of a
 * prepared file into the same table of the same server, which stores durably (redo log and binary log). Pairs are run alternately.
 */
const { values } = parseArgs({
  options: {
    rows: { type: 'string', default: '2000000' },
    pairs: { type: 'string', default: '5' },
    only: { type: 'string' },
    write: { type: 'string', default: 'Append' },
  },
});
const [rows, pairs] = [Number(values.rows), Number(values.pairs)];
const limit = 2;

const durable = {
  'innodb-flush-log-at-trx-commit': '1',
  'sync-binlog': '1',
  'innodb-buffer-pool-size': '512M',
};
const servers = {
  mysql: () => mysql({ own: true, settings: { ...durable, 'innodb-redo-log-capacity': '2G' } }),
  mariadb: () =>
    mariadb({
      own: true,
      settings: { ...durable, 'innodb-log-file-size': '1G', 'log-bin': 'binlog', 'server-id': '1' },
    }),
} as const;

const createTarget = `CREATE TABLE orders (id BIGINT PRIMARY KEY, customer_id INT NOT NULL, status LONGTEXT NOT NULL, amount DECIMAL(12,2) NOT NULL,
  reference CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL, note LONGTEXT NOT NULL, created_at DATETIME(6) NOT NULL, is_paid TINYINT(1) NOT NULL)
  ENGINE = InnoDB CHARACTER SET utf8mb4`;

const source = await postgres({ own: true, settings: { shared_buffers: '512MB', max_wal_size: '8GB' } });
const folder = await tempFolder('mysql-load');
try {
  const database = await source.createDatabase();
  const file = join(folder, 'orders.tsv');
  await fill(database);
  await timed('sh', ['-c', `psql -qc "copy (${tsvQuery()}) to stdout" '${database.url}' > '${file}'`]);
  for (const [name, start] of Object.entries(servers)) {
    if (values.only === undefined || values.only === name) await compare(name, await start(), database, file);
  }
} finally {
  await source.stop();
  await removeFolder(folder);
}

async function compare(
  name: string,
  server: MysqlServer,
  from: PostgresDatabase,
  file: string,
): Promise<void> {
  try {
    const to = await server.createDatabase();
    const ratios: number[] = [];
    for (let nr = 0; nr < pairs; nr++) {
      const { load, idra } = await pair(server, from, to, file, nr % 2 === 0);
      ratios.push(idra.ms / load);
      console.log(
        `  ${name}: LOAD DATA ${(load / 1000).toFixed(2)} s, idra ${(idra.ms / 1000).toFixed(2)} s, ratio ${(idra.ms / load).toFixed(2)}, VmHWM ${Math.round(idra.peakBytes / 2 ** 20)} MiB`,
      );
    }
    judge(`${name}, ${rows} rows: time of idra to that of LOAD DATA`, median(ratios), limit);
  } finally {
    await server.stop();
  }
}

async function pair(
  server: MysqlServer,
  from: PostgresDatabase,
  to: MysqlDatabase,
  file: string,
  isFirst: boolean,
): Promise<{ load: number; idra: Run }> {
  if (!isFirst) {
    const idra = await byIdra(server, from, to);
    return { idra, load: await byLoad(server, to, file) };
  }
  return { load: await byLoad(server, to, file), idra: await byIdra(server, from, to) };
}

async function fresh(server: MysqlServer, to: MysqlDatabase): Promise<void> {
  for (const sql of ['DROP TABLE IF EXISTS orders, _idra_commits', createTarget])
    await server.query(sql, to.database);
}

async function byLoad(server: MysqlServer, to: MysqlDatabase, file: string): Promise<number> {
  await fresh(server, to);
  const connection = await mysqlDriver.createConnection({ uri: to.url });
  const start = performance.now();
  await connection.query({
    sql: "LOAD DATA LOCAL INFILE 'orders' INTO TABLE orders CHARACTER SET utf8mb4",
    infileStreamFactory: () => createReadStream(file, { highWaterMark: 1_048_576 }),
  });
  const ms = performance.now() - start;
  await connection.end();
  await requireRows(server, to);
  return ms;
}

async function byIdra(server: MysqlServer, from: PostgresDatabase, to: MysqlDatabase): Promise<Run> {
  await fresh(server, to);
  const [manifests, state] = [join(folder, 'sync.yaml'), join(folder, 'state.db')];
  await rm(state, { force: true });
  await writeFile(
    manifests,
    serverManifest('source', 'postgres', from) + serverManifest('destination', 'mysql', to) + sync(),
  );
  const run = await timed(`${projectFolder}/bin/idra`, ['run', '-f', manifests, '--once', '--state', state]);
  await requireRows(server, to);
  return run;
}

async function requireRows(server: MysqlServer, to: MysqlDatabase): Promise<void> {
  const [{ n } = { n: 0 }] = await server.query('SELECT count(*) AS n FROM orders', to.database);
  if (Number(n) !== rows) throw new Error(`${n} rows arrived of ${rows}`);
}

function sync(): string {
  return `apiVersion: idra.dev/v1alpha1
kind: Sync
metadata: { name: load }
spec:
  source: { dataSource: source, table: public.orders }
  destination: { dataSource: destination, table: orders }
  mode: Snapshot
  writeMode: ${values.write}
  schedule: { once: true }
`;
}

async function fill({ user, database }: PostgresDatabase): Promise<void> {
  await source.query(
    `SET ROLE "${user}"; CREATE TABLE orders (id bigint PRIMARY KEY, customer_id integer NOT NULL, status text NOT NULL,
      amount numeric(12,2) NOT NULL, reference uuid NOT NULL, note text NOT NULL, created_at timestamptz NOT NULL, is_paid boolean NOT NULL);
    INSERT INTO orders SELECT i, i % 100000, (ARRAY['new', 'paid', 'sent', 'done'])[1 + i % 4], (i % 1000000) / 100.0, gen_random_uuid(),
      repeat(md5(i::text), 2) || ' note', timestamptz '2026-01-01' + i * interval '1 s', i % 3 = 0
    FROM generate_series(1, ${rows}) i`,
    database,
  );
  await source.query('VACUUM ANALYZE orders', database);
}

function tsvQuery(): string {
  return "select id, customer_id, status, amount, reference, note, created_at at time zone 'UTC', is_paid::int from orders order by id";
}
