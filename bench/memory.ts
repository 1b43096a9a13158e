import { syncManifest } from '../e2e/kit/single-mode.ts';
import { judge, openBench } from './_postgres.ts';

/** Peak memory of a process that moves large rows: three Syncs, PostgreSQL to PostgreSQL, several rows of 50 MB each. */
const syncs = 3;
const rowsEach = 4;
const rowBytes = 50_000_000;

const bench = await openBench();
try {
  const tables = Array.from({ length: syncs }, (_, index) => `large${index}`);
  for (const table of tables) {
    await bench.sql(
      bench.source,
      `CREATE TABLE ${table} (id bigint PRIMARY KEY, body text);
       ALTER TABLE ${table} ALTER body SET STORAGE EXTERNAL;
       INSERT INTO ${table} SELECT n, repeat('x', ${rowBytes}) FROM generate_series(1, ${rowsEach}) AS n`,
    );
  }
  const manifest = tables.map((table) =>
    syncManifest(table, {
      source: { dataSource: 'source', table: `public.${table}`, idField: 'id' },
      destination: { dataSource: 'destination', table: `public.${table}` },
      mode: 'Id',
      writeMode: 'Append',
    }),
  );
  const { peakBytes, ms } = await bench.idra(manifest.join(''), true);
  for (const table of tables) {
    const [found] = await bench.sql(bench.destination, `SELECT count(*) AS n FROM ${table}`);
    if (Number(found?.n) !== rowsEach) throw new Error(`${table} has ${found?.n} rows of ${rowsEach}`);
  }
  const moved = (syncs * rowsEach * rowBytes) / 2 ** 20;
  console.log(`       ${Math.round(moved)} MiB in ${(ms / 1_000).toFixed(1)} s`);
  judge(`${syncs} Syncs with rows of 50 MB, peak`, peakBytes / 2 ** 20, 1_024, 'MiB');
} finally {
  await bench.stop();
}
