import { parseArgs } from 'node:util';
import type { Document } from 'mongodb';
import { TestDatabase } from '../connectors/mongodb/test-harness.ts';
import { mongodb, ServerMissing } from '../e2e/kit/servers.ts';
import { judge, median } from './_postgres.ts';

/**
 * Reading and writing a collection by the connector, compared with a bare cursor and a bare loop of bulkWrite of the driver over the same
 * documents, alternately. The connector writes in transactions, which the loop does not.
 */
const { values } = parseArgs({
  options: { rows: { type: 'string', default: '200000' }, pairs: { type: 'string', default: '3' } },
});
const [rows, pairs] = [Number(values.rows), Number(values.pairs)];
const least = 0.7;
const rowsPerBatch = 5_000;
const columns = [
  { name: '_id', path: '_id', type: 'int64', nullable: false },
  { name: 'customer', path: 'customer', type: 'int32', nullable: true },
  { name: 'status', path: 'status', type: 'text', nullable: true },
  { name: 'amount', path: 'amount', type: 'float64', nullable: true },
  { name: 'note', path: 'note', type: 'text', nullable: true },
];
const documentOf = (id: number): Document & { _id: unknown } => ({
  _id: id,
  customer: id % 10_000,
  status: id % 3 === 0 ? 'paid' : 'new',
  amount: (id % 1_000) + 0.25,
  note: `order ${id} of a customer`,
});

interface Cost {
  readonly ms: number;
  readonly cpuMs: number;
}

async function cost(body: () => Promise<void>): Promise<Cost> {
  const [startMs, before] = [performance.now(), process.cpuUsage()];
  await body();
  const { user, system } = process.cpuUsage(before);
  return { ms: performance.now() - startMs, cpuMs: (user + system) / 1_000 };
}

const database = await TestDatabase.create(() => mongodb()).catch((error: unknown) => {
  if (!(error instanceof ServerMissing)) throw error;
  console.log('skipped: this benchmark needs a MongoDB with transactions, see IDRA_TEST_SERVERS');
  process.exit(0);
});
let collections = 0;
try {
  for (let from = 0; from < rows; from += 10_000) {
    const some = Array.from({ length: Math.min(10_000, rows - from) }, (_, index) =>
      documentOf(from + index),
    );
    await database.collection('filled').insertMany(some as never);
  }
  await compare('read whole documents', readByDriver, () => readByIdra(true));
  await compare('read columns', readByDriver, () => readByIdra(false));
  await compare('write whole documents', writeByDriver, () => writeByIdra(true));
  await compare('write columns', writeByDriver, () => writeByIdra(false));
} finally {
  await database.stop();
}

async function compare(name: string, driver: () => Promise<Cost>, idra: () => Promise<Cost>): Promise<void> {
  const [times, cpus]: [number[], number[]] = [[], []];
  for (let nr = 0; nr < pairs; nr++) {
    const first = nr % 2 === 0 ? await driver() : undefined;
    const ours = await idra();
    const bare = first ?? (await driver());
    times.push(ours.ms / bare.ms);
    cpus.push(ours.cpuMs / bare.cpuMs);
  }
  judge(`${name}, ${rows} documents: time of idra to that of the driver`, median(times), 1 / least);
  console.log(`       CPU of this process, to that with the driver: ${median(cpus).toFixed(2)}`);
}

async function readByDriver(): Promise<Cost> {
  return await cost(async () => {
    let count = 0;
    for await (const document of database
      .collection('filled')
      .find({}, { sort: { _id: 1 }, batchSize: 1_000 }))
      if (document._id !== undefined) count++;
    if (count !== rows) throw new Error(`the driver has read ${count} documents`);
  });
}

function flowTo(to: string, isWhole: boolean) {
  const shape = isWhole ? { isWhole } : { columns };
  return database.flow({ from: 'filled', to, maxRows: rowsPerBatch, maxBytes: 8e6, ...shape });
}

async function readByIdra(isWhole: boolean): Promise<Cost> {
  const flow = await flowTo('unused', isWhole);
  try {
    const { signal } = new AbortController();
    return await cost(async () => {
      let count = 0;
      for await (const batch of flow.source.read(flow.request, signal)) count += batch.rowCount;
      if (count !== rows) throw new Error(`idra has read ${count} documents`);
    });
  } finally {
    await flow.close();
  }
}

async function writeByDriver(): Promise<Cost> {
  const target = database.collection(`w${++collections}`);
  const batches = Array.from({ length: Math.ceil(rows / rowsPerBatch) }, (_, batch) =>
    Array.from({ length: Math.min(rowsPerBatch, rows - batch * rowsPerBatch) }, (_, index) => {
      const { _id, ...replacement } = documentOf(batch * rowsPerBatch + index);
      return { replaceOne: { filter: { _id }, replacement, upsert: true } };
    }),
  );
  return await cost(async () => {
    for (const operations of batches) await target.bulkWrite(operations as never, { ordered: false });
  });
}

async function writeByIdra(isWhole: boolean): Promise<Cost> {
  const flow = await flowTo(`w${++collections}`, isWhole);
  try {
    await flow.claim();
    const batches = await flow.batches();
    await flow.begin();
    return await cost(async () => {
      for (const batch of batches) await flow.write(batch);
    });
  } finally {
    await flow.close();
  }
}
