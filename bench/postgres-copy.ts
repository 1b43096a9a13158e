import { parseArgs } from 'node:util';
import { type Bench, judge, median, openBench, type Run, timed } from './_postgres.ts';

/**
 * A snapshot from PostgreSQL to PostgreSQL with default settings, with offsets committed batch by batch, compared with `psql | psql` of
 * COPY into a table with the same primary key: in key order, shuffled, and with a column that is cast. Pairs are run alternately.
 */
const { values } = parseArgs({
  options: {
    rows: { type: 'string', default: '2000000' },
    pairs: { type: 'string', default: '5' },
    only: { type: 'string' },
  },
});
const [rows, pairs] = [Number(values.rows), Number(values.pairs)];
const peakLimit = 250;

const columns = `id bigint PRIMARY KEY, customer_id integer NOT NULL, status text NOT NULL, amount numeric(12,2) NOT NULL,
  reference uuid NOT NULL, note text NOT NULL, created_at timestamptz NOT NULL, is_paid boolean NOT NULL`;
const castColumns = columns.replace('customer_id integer', 'customer_id bigint');

function fillSql(table: string, order: string): string {
  return `CREATE TABLE ${table} (${columns});
    INSERT INTO ${table} SELECT i, i % 100000, (ARRAY['new', 'paid', 'sent', 'done'])[1 + i % 4], (i % 1000000) / 100.0, gen_random_uuid(),
      repeat(md5(i::text), 2) || ' note', timestamptz '2026-01-01' + i * interval '1 s', i % 3 = 0
    FROM generate_series(1, ${rows}) i ORDER BY ${order}`;
}

async function pair(
  bench: Bench,
  table: string,
  isCast: boolean,
  isFirst: boolean,
): Promise<{ psql: Run; idra: Run }> {
  const { server, source, destination } = bench;
  const fresh = async () => {
    await bench.sql(
      destination,
      `DROP TABLE IF EXISTS ${table}, _idra_commits; CREATE TABLE ${table} (${isCast ? castColumns : columns})`,
    );
    await server.query('CHECKPOINT');
  };
  const byPsql = async () => {
    await fresh();
    const pipe = `psql -qc 'copy ${table} to stdout' '${source.url}' | psql -qc 'copy ${table} from stdin' '${destination.url}'`;
    return await timed('sh', ['-c', pipe]);
  };
  const byIdra = async () => {
    await fresh();
    const run = await bench.idra(
      `apiVersion: idra.dev/v1alpha1
kind: Sync
metadata: { name: copy }
spec:
  source: { dataSource: source, table: ${table} }
  destination: { dataSource: destination, table: ${table} }
  mode: Snapshot
  schedule: { once: true }
`,
      true,
    );
    const [{ count } = { count: 0 }] = await bench.sql(destination, `SELECT count(*) FROM ${table}`);
    if (Number(count) !== rows) throw new Error(`${count} rows arrived of ${rows}`);
    return run;
  };
  if (isFirst) return { psql: await byPsql(), idra: await byIdra() };
  const idra = await byIdra();
  return { idra, psql: await byPsql() };
}

const bench = await openBench();
try {
  for (const [name, order, isCast] of [
    ['ordered', 'i', false],
    ['shuffled', 'random()', false],
    ['with_cast', 'i', true],
  ] as const) {
    if (values.only !== undefined && values.only !== name) continue;
    await bench.sql(bench.source, fillSql(name, order));
    await bench.server.query(`VACUUM ANALYZE ${name}`, bench.source.database);
    const runs: { psql: Run; idra: Run }[] = [];
    for (let nr = 0; nr < pairs; nr++) {
      const run = await pair(bench, name, isCast, nr % 2 === 0);
      runs.push(run);
      console.log(
        `  ${name}: psql ${(run.psql.ms / 1000).toFixed(2)} s, idra ${(run.idra.ms / 1000).toFixed(2)} s, ratio ${(run.idra.ms / run.psql.ms).toFixed(2)}, VmHWM ${Math.round(run.idra.peakBytes / 2 ** 20)} MiB`,
      );
    }
    judge(
      `${name}, ${rows} rows: time of idra to that of psql | psql`,
      median(runs.map(({ psql, idra }) => idra.ms / psql.ms)),
      1,
    );
    judge(
      `${name}: most memory`,
      Math.max(...runs.map(({ idra }) => idra.peakBytes)) / 2 ** 20,
      peakLimit,
      'MiB',
    );
    await bench.sql(bench.source, `DROP TABLE ${name}`);
  }
} finally {
  await bench.stop();
}
