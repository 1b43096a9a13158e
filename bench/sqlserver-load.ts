import { randomUUID } from 'node:crypto';
import { parseArgs } from 'node:util';
import { Connection, TYPES } from 'tedious';
import { TestDatabase } from '../connectors/sqlserver/test-harness.ts';
import type { Batch } from '../core/batch.ts';
import { RowPacker } from '../core/packed-rows.ts';
import { type Cost, cost } from './_orders.ts';
import { judgeAtLeast, median } from './_postgres.ts';

/**
 * Writing rows that are in memory by the connector, with offset and token in each transaction, compared with one bulk load of the driver
 * (tedious) of the same rows into the same table of the same server. Both run alternately.
 */
const { values } = parseArgs({
  options: {
    rows: { type: 'string', default: '400000' },
    pairs: { type: 'string', default: '3' },
    write: { type: 'string', default: 'Append' },
  },
});
const [rows, pairs] = [Number(values.rows), Number(values.pairs)];
const writeMode = values.write === 'Upsert' ? 'Upsert' : 'Append';
const least = 0.8;
const rowsPerBatch = 50_000;

/** With the precision at which every server that stands in for SQL Server reads what the driver sends. */
const columns = `(id bigint PRIMARY KEY, customer_id int NOT NULL, status nvarchar(10) NOT NULL, amount decimal(38,2) NOT NULL,
  reference uniqueidentifier NOT NULL, note nvarchar(max) NOT NULL, created_at datetimeoffset(6) NOT NULL, is_paid bit NOT NULL)`;

const statuses = ['new', 'paid', 'sent', 'done'];
const references = Array.from({ length: 1_000 }, () => randomUUID());
const notes = references.map((each) => `${each.replaceAll('-', '').repeat(2)} note`);
const begin = Date.UTC(2026, 0, 1);

const database = await openDatabase();
if (database) {
  try {
    await compare(database);
  } finally {
    await database.stop();
  }
}

/** Undefined if this machine has none: no package registry has a server that can be written. */
async function openDatabase(): Promise<TestDatabase | undefined> {
  try {
    return await TestDatabase.create();
  } catch (error) {
    if ((error as { code?: unknown }).code !== 'SERVER_MISSING') throw error;
    console.log(
      'skipped: this benchmark needs a SQL Server, see IDRA_TEST_SERVERS and IDRA_TEST_SQLSERVER_URL',
    );
    return undefined;
  }
}

async function compare(to: TestDatabase): Promise<void> {
  await to.run(`CREATE TABLE origin ${columns}`);
  const [times, cpus]: number[][] = [[], []];
  for (let nr = 0; nr < pairs; nr++) {
    const first = nr % 2 === 0 ? await byDriver(to) : undefined;
    const idra = await byIdra(to);
    const load = first ?? (await byDriver(to));
    times?.push(load.ms / idra.ms);
    cpus?.push(load.cpuMs / idra.cpuMs);
    console.log(
      `  bulk load ${seconds(load.ms)} (CPU ${seconds(load.cpuMs)}), idra ${seconds(idra.ms)} (CPU ${seconds(idra.cpuMs)})`,
    );
  }
  const what = `${rows} rows, ${writeMode}: idra against a bulk load of the driver`;
  judgeAtLeast(`${what}, speed`, median(times ?? []), least);
  judgeAtLeast(`${what}, rows for each second of this process's CPU`, median(cpus ?? []), least);
}

function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(2)} s`;
}

async function fresh(to: TestDatabase): Promise<void> {
  await to.run('DROP TABLE IF EXISTS orders');
  await to.run('DROP TABLE IF EXISTS _idra_commits');
  await to.run(`CREATE TABLE orders ${columns}`);
}

async function requireRows(to: TestDatabase): Promise<void> {
  const [[count] = []] = await to.run('SELECT COUNT_BIG(*) FROM orders');
  if (Number(count) !== rows) throw new Error(`${count} rows arrived of ${rows}`);
}

async function byDriver(to: TestDatabase): Promise<Cost> {
  await fresh(to);
  const { host, port, database: name, user } = to.access.config as Record<string, never>;
  const password = to.access.secret('password')?.reveal() ?? '';
  const connection = new Connection({
    server: host ?? '',
    authentication: { type: 'default', options: { userName: user ?? '', password } },
    options: { port, database: name, encrypt: false, requestTimeout: 0, useUTC: true },
  });
  await new Promise<void>((resolve, reject) =>
    connection.connect((error) => (error ? reject(error) : resolve())),
  );
  const spent = await cost(() => bulkLoad(connection));
  const closed = new Promise((resolve) => connection.once('end', resolve));
  connection.close();
  await closed;
  await requireRows(to);
  return spent;
}

function bulkLoad(connection: Connection): Promise<void> {
  return new Promise((resolve, reject) => {
    const done = (error: Error | null | undefined) => (error ? reject(error) : resolve());
    const load = connection.newBulkLoad('orders', { keepNulls: true }, done);
    const isRequired = { nullable: false };
    load.addColumn('id', TYPES.BigInt, isRequired);
    load.addColumn('customer_id', TYPES.Int, isRequired);
    load.addColumn('status', TYPES.NVarChar, { ...isRequired, length: 10 });
    load.addColumn('amount', TYPES.Decimal, { ...isRequired, precision: 38, scale: 2 });
    load.addColumn('reference', TYPES.UniqueIdentifier, isRequired);
    load.addColumn('note', TYPES.NVarChar, { ...isRequired, length: Number.POSITIVE_INFINITY });
    load.addColumn('created_at', TYPES.DateTimeOffset, { ...isRequired, scale: 6 });
    load.addColumn('is_paid', TYPES.Bit, isRequired);
    connection.execBulkLoad(load, driverRows());
  });
}

function* driverRows(): Generator<unknown[]> {
  for (let id = 1; id <= rows; id++) {
    const [status, reference, note] = [statuses[id % 4], references[id % 1_000], notes[id % 1_000]];
    const [amount, at] = [(id % 1_000_000) / 100, new Date(begin + id * 1_000)];
    yield [id, id % 100_000, status, amount, reference, note, at, id % 3 === 0];
  }
}

/** The rows from one id to another, as a source has packed them. */
function batchOf(from: number, to: number): Batch {
  const packer = new RowPacker();
  for (let id = from; id <= to; id++) {
    const cents = id % 1_000_000;
    const amount = `${Math.trunc(cents / 100)}.${String(cents % 100).padStart(2, '0')}`;
    const at = new Date(begin + id * 1_000).toISOString().replace('T', ' ').replace('.000Z', 'Z');
    const [status, reference, note] = [statuses[id % 4], references[id % 1_000], notes[id % 1_000]];
    packer.push([BigInt(id), id % 100_000, status, amount, reference, note, at, id % 3 === 0]);
  }
  const packed = packer.finish();
  return {
    rows: { format: 'values', rows: packed },
    rowCount: packed.length,
    byteCount: packed.byteCount,
    offset: { mode: 'Snapshot', pass: 1, key: [String(to)], isComplete: false },
  };
}

/** Without the time to make the batches. */
async function byIdra(to: TestDatabase): Promise<Cost> {
  await fresh(to);
  const flow = await to.flow({ from: 'dbo.origin', to: 'dbo.orders', writeMode });
  await flow.claim();
  await flow.begin();
  const spent = { ms: 0, cpuMs: 0 };
  for (let from = 1; from <= rows; from += rowsPerBatch) {
    const batch = batchOf(from, Math.min(rows, from + rowsPerBatch - 1));
    const { ms, cpuMs } = await cost(async () => void (await flow.write(batch)));
    spent.ms += ms;
    spent.cpuMs += cpuMs;
  }
  const { ms, cpuMs } = await cost(async () => void (await flow.end()));
  await flow.close();
  await requireRows(to);
  return { ms: spent.ms + ms, cpuMs: spent.cpuMs + cpuMs };
}
