import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { projectFolder } from '../e2e/kit/processes.ts';
import { mysql, postgres } from '../e2e/kit/servers.ts';
import { serverManifest } from '../e2e/kit/systems.ts';
import { removeFolder, tempFolder } from '../e2e/kit/temp.ts';
import { judge, timed } from './_postgres.ts';

/** Peak memory of one process that copies a table as canonical values, the form between systems without a common row format. */
const { values: options } = parseArgs({
  options: {
    rows: { type: 'string', default: '2000000' },
    only: { type: 'string' },
    batch: { type: 'string' },
  },
});
const rows = Number(options.rows);
const limitMiB = 200;
/** In one INSERT. */
const fillRows = 500_000;

const folder = await tempFolder('values-memory');
const source = await postgres({ own: true, settings: { shared_buffers: '256MB', max_wal_size: '8GB' } });
const server = await mysql({ own: true, settings: { 'innodb-buffer-pool-size': '512M' } });
try {
  const [from, to] = [await source.createDatabase(), await source.createDatabase()];
  const between = await server.createDatabase();
  for (let first = 1; first <= rows; first += fillRows)
    await source.query(
      `SET ROLE "${from.user}"; CREATE TABLE IF NOT EXISTS orders (id bigint PRIMARY KEY, customer_id integer NOT NULL, status text NOT NULL,
        amount numeric(12,2) NOT NULL, reference uuid NOT NULL, note text NOT NULL, created_at timestamptz NOT NULL, is_paid boolean NOT NULL);
      INSERT INTO orders SELECT i, i % 100000, (ARRAY['new', 'paid', 'sent', 'done'])[1 + i % 4], (i % 1000000) / 100.0, gen_random_uuid(),
        repeat(md5(i::text), 2) || ' note', timestamptz '2026-01-01' + i * interval '1 s', i % 3 = 0
      FROM generate_series(${first}, ${Math.min(rows, first + fillRows - 1)}) i`,
      from.database,
    );
  const manifests = {
    postgres: serverManifest('source', 'postgres', from),
    mysql: serverManifest('between', 'mysql', between),
    again: serverManifest('again', 'postgres', to),
    sqlite: `apiVersion: idra.dev/v1alpha1
kind: DataSource
metadata: { name: file }
spec: { sqlite: { path: "${join(folder, 'orders.db')}" } }
---
`,
  };
  await copy('PostgreSQL to MySQL', manifests.postgres + manifests.mysql, 'source', 'between');
  await copy('MySQL to PostgreSQL', manifests.mysql + manifests.again, 'between', 'again');
  await copy('PostgreSQL to SQLite', manifests.postgres + manifests.sqlite, 'source', 'file');
} finally {
  await source.stop();
  await server.stop();
  await removeFolder(folder);
}

async function copy(title: string, sources: string, from: string, to: string): Promise<void> {
  if (options.only !== undefined && title !== options.only && from !== 'source') return;
  const [file, state] = [join(folder, 'sync.yaml'), join(folder, 'state.db')];
  await rm(state, { force: true });
  await writeFile(
    file,
    `${sources}apiVersion: idra.dev/v1alpha1
kind: Sync
metadata: { name: copy }
spec:
  source: { dataSource: ${from}, table: orders }
  destination: { dataSource: ${to}, table: orders }
  mode: Snapshot
  writeMode: Append
  schedule: { once: true }
${options.batch === undefined ? '' : `  batch: { maxRows: ${options.batch} }\n`}`,
  );
  const { ms, peakBytes, cpuMs } = await timed(`${projectFolder}/bin/idra`, [
    'run',
    '-f',
    file,
    '--once',
    '--state',
    state,
  ]);
  console.log(
    `       ${title}: ${rows} rows in ${(ms / 1_000).toFixed(1)} s, ${(cpuMs / 1_000).toFixed(1)} s of CPU`,
  );
  judge(`${title}, peak`, peakBytes / 2 ** 20, limitMiB, 'MiB');
}
