import { parseArgs } from 'node:util';
import { AgentCluster } from '../e2e/kit/agents.ts';
import { onDatabase } from '../e2e/kit/ledger.ts';
import { postgres } from '../e2e/kit/servers.ts';
import { syncManifest } from '../e2e/kit/single-mode.ts';
import { serverManifest } from '../e2e/kit/systems.ts';
import { until } from '../e2e/kit/wait.ts';

/**
 * maxRowsPerSecond over three agents: six Syncs read a DataSource that allows 40,000 rows a second; one, three and then all of them have
 * rows. Reports rows per second over the middle of the work, and their share of the limit.
 */
const { values } = parseArgs({
  options: { limit: { type: 'string', default: '40000' }, seconds: { type: 'string', default: '20' } },
});
const [limit, seconds] = [Number(values.limit), Number(values.seconds)];
const batchRows = 2_000;
const tables = Array.from({ length: 6 }, (_, index) => `t${index}`);

const server = await postgres({ own: true });
const [source, destination] = [await server.createDatabase(), await server.createDatabase()];
await server.query(`GRANT pg_read_all_stats TO "${source.user}"`);
const cluster = await AgentCluster.start({ leaseTtlMs: 10_000 });

async function written(): Promise<number> {
  const { rows } = await onDatabase(destination.url, (client) =>
    client.query('SELECT coalesce(sum(rows), 0) AS total FROM _idra_commits'),
  );
  return Number(rows[0]?.total);
}

/** Rows for these tables, enough for the whole time. */
async function fill(busy: readonly string[]): Promise<void> {
  const rows = Math.ceil((limit * (seconds + 15)) / busy.length);
  const insert = (table: string) =>
    `INSERT INTO ${table} (body) SELECT 'row' FROM generate_series(1, ${rows});`;
  await onDatabase(source.url, (client) => client.query(busy.map(insert).join('')));
}

async function measure(count: number): Promise<void> {
  const before = await written();
  await fill(tables.slice(0, count));
  await until(async () => (await written()) > before + limit, { what: 'the first rows', timeoutMs: 60_000 });
  // Until all agents know each other.
  await new Promise((resolve) => setTimeout(resolve, 3_000));
  const [startMs, start] = [performance.now(), await written()];
  await new Promise((resolve) => setTimeout(resolve, seconds * 1_000));
  const [endMs, end] = [performance.now(), await written()];
  const rate = ((end - start) * 1_000) / (endMs - startMs);
  const most = limit + (count * batchRows * 1_000) / (endMs - startMs);
  const isMet = rate >= 0.9 * limit && rate <= most;
  if (!isMet) process.exitCode = 1;
  const text = `${count} busy of ${tables.length}: ${Math.round(rate)} rows/s, ${((100 * rate) / limit).toFixed(1)} %`;
  console.log(
    `${isMet ? 'ok    ' : 'MISSED'} ${text} of the limit (90 % to ${((100 * most) / limit).toFixed(1)} %)`,
  );
  const rows = await until(
    async () => {
      const last = await written();
      await new Promise((resolve) => setTimeout(resolve, 2_000));
      return last === (await written()) && last;
    },
    { what: 'the rest', timeoutMs: 120_000 },
  );
  if (rows < end) throw new Error('rows are gone');
}

try {
  const create = (table: string) =>
    `CREATE TABLE ${table} (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, body text);`;
  await onDatabase(source.url, (client) => client.query(tables.map(create).join('')));
  const shop = serverManifest('shop', 'postgres', source).replace(
    'spec:\n',
    `spec:\n  maxRowsPerSecond: ${limit}\n`,
  );
  const syncs = tables.map((table) =>
    syncManifest(table, {
      source: { dataSource: 'shop', table: `public.${table}`, idField: 'id' },
      destination: { dataSource: 'warehouse', table: `public.${table}` },
      mode: 'Id',
      writeMode: 'Append',
      schedule: { every: '1s' },
      batch: { maxRows: batchRows },
      placement: { weight: 1 },
    }),
  );
  await cluster.put(shop + serverManifest('warehouse', 'postgres', destination) + syncs.join(''));
  for (const name of ['a', 'b', 'c']) await cluster.agent(name);
  await cluster.untilSpread(tables.length, 3);
  for (const count of [1, 3, 6]) await measure(count);
} finally {
  await cluster.stop();
  await server.stop();
}
