import { parseArgs } from 'node:util';
import { type Bench, judge, median, openBench, type Run, timed } from './_postgres.ts';

/**
 * Changed rows in mode Timestamp with Upsert into a large table, compared with the time PostgreSQL itself needs for one COPY of the same
 * rows into a temporary table and one INSERT .. SELECT .. ON CONFLICT. Pairs are run alternately, on two tables with the same rows. A
 * sync normally runs continuously, so the time of a run that finds nothing, measured right after, is subtracted; both are shown.
 */
const { values } = parseArgs({
  options: {
    rows: { type: 'string', default: '2000000' },
    changed: { type: 'string', default: '200000' },
    pairs: { type: 'string', default: '5' },
  },
});
const [rows, changed, pairs] = [Number(values.rows), Number(values.changed), Number(values.pairs)];

const columns = `id bigint PRIMARY KEY, customer_id integer NOT NULL, status text NOT NULL, amount numeric(12,2) NOT NULL,
  reference uuid NOT NULL, note text NOT NULL, updated_at timestamptz NOT NULL, is_paid boolean NOT NULL`;
const names = 'id, customer_id, status, amount, reference, note, updated_at, is_paid';
const set = names
  .split(', ')
  .slice(1)
  .map((name) => `${name} = excluded.${name}`)
  .join(', ');
const sync = `apiVersion: idra.dev/v1alpha1
kind: Sync
metadata: { name: upsert }
spec:
  source: { dataSource: source, table: orders, timestampField: updated_at }
  destination: { dataSource: destination, table: orders }
  mode: Timestamp
`;

async function fill(bench: Bench): Promise<void> {
  await bench.sql(
    bench.source,
    `CREATE TABLE orders (${columns}); INSERT INTO orders SELECT i, i % 100000, 'new', (i % 1000000) / 100.0, gen_random_uuid(),
      repeat(md5(i::text), 2) || ' note', timestamptz '2026-01-01' + i * interval '1 ms', i % 3 = 0 FROM generate_series(1, ${rows}) i;
    CREATE INDEX ON orders (updated_at, id)`,
  );
  await bench.idra(sync);
  await bench.sql(
    bench.destination,
    `CREATE TABLE by_psql (LIKE orders INCLUDING ALL); INSERT INTO by_psql SELECT * FROM orders`,
  );
}

interface Pair {
  readonly psql: Run;
  readonly idra: Run;
  /** A run that finds nothing. */
  readonly idle: Run;
}

async function pair(bench: Bench, nr: number): Promise<Pair> {
  const { server, source, destination } = bench;
  const [{ start } = { start: '' }] = await bench.sql(
    source,
    'SELECT max(updated_at)::text AS start FROM orders',
  );
  await bench.sql(
    source,
    `UPDATE orders SET amount = amount + 1, status = 'changed', updated_at = now() WHERE id % ${Math.floor(rows / changed)} = ${nr}`,
  );
  const file = `${bench.folder}/changed.txt`;
  await timed('psql', [
    source.url,
    '-qc',
    `\\copy (SELECT ${names} FROM orders WHERE updated_at > '${start}') to '${file}'`,
  ]);
  for (const [database, tables] of [
    [source, 'orders'],
    [destination, 'orders, by_psql'],
  ] as const) {
    await server.query(`VACUUM ANALYZE ${tables}`, database.database);
  }
  const byPsql = async () => {
    await server.query('CHECKPOINT');
    const load = `\\copy stage from '${file}'`;
    const begin = 'BEGIN; CREATE TEMP TABLE stage ON COMMIT DROP AS SELECT * FROM by_psql WITH NO DATA';
    const merge = `INSERT INTO by_psql (${names}) SELECT ${names} FROM stage ON CONFLICT (id) DO UPDATE SET ${set}; COMMIT`;
    return await timed('psql', [destination.url, '-qc', begin, '-c', load, '-c', merge]);
  };
  const byIdra = async () => {
    await server.query('CHECKPOINT');
    return { idra: await bench.idra(sync), idle: await bench.idra(sync) };
  };
  if (nr % 2 === 0) return { psql: await byPsql(), ...(await byIdra()) };
  const runs = await byIdra();
  return { ...runs, psql: await byPsql() };
}

function ratio({ psql, idra, idle }: Pair): number {
  return (idra.ms - idle.ms) / psql.ms;
}

const bench = await openBench();
try {
  await fill(bench);
  const runs: Pair[] = [];
  for (let nr = 0; nr < pairs; nr++) {
    const run = await pair(bench, nr);
    runs.push(run);
    const [psql, idra, idle] = [run.psql, run.idra, run.idle].map(({ ms }) => (ms / 1000).toFixed(2));
    console.log(
      `  psql ${psql} s, idra ${idra} s of which ${idle} s without rows, ratio ${ratio(run).toFixed(2)}`,
    );
    const differing =
      'SELECT count(*)::int AS n FROM orders o FULL JOIN by_psql p USING (id) WHERE o IS DISTINCT FROM p';
    const [{ n } = { n: -1 }] = await bench.sql(bench.destination, differing);
    if (n !== 0) throw new Error(`${n} rows differ`);
  }
  judge(
    `upsert of ${changed} rows onto ${rows}: time of idra to that of PostgreSQL`,
    median(runs.map(ratio)),
    1.25,
  );
  judge('most memory', Math.max(...runs.map(({ idra }) => idra.peakBytes)) / 2 ** 20, 250, 'MiB');
} finally {
  await bench.stop();
}
