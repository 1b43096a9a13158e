import { parseArgs } from 'node:util';
import { CompressionTypes } from 'kafkajs';
import {
  accessTo,
  batchOf,
  noSignal,
  openReader,
  openWriter,
  TestClient,
} from '../connectors/kafka/test-harness.ts';
import type { Column } from '../core/values.ts';
import { kafka } from '../e2e/kit/servers.ts';
import { type Cost, cost, orderOf } from './_orders.ts';
import { judge, median } from './_postgres.ts';

/**
 * Reading and writing a topic by the connector, compared with a bare loop of the driver (kafkajs) over the same messages: by time, and by
 * CPU of this process, which other load of the machine changes less. Both directions run alternately. The driver's loop only counts bytes.
 */
const { values } = parseArgs({
  options: {
    rows: { type: 'string', default: '1000000' },
    pairs: { type: 'string', default: '3' },
    only: { type: 'string' },
  },
});
const [rows, pairs] = [Number(values.rows), Number(values.pairs)];
const least = 0.7;
const partitions = 6;
const rowsPerBatch = 50_000;

const columns: Column[] = [
  { name: 'id', type: { kind: 'int', bits: 64 }, nativeType: 'bigint', isNullable: false },
  { name: 'customer', type: { kind: 'int', bits: 32 }, nativeType: 'int', isNullable: false },
  { name: 'status', type: { kind: 'text' }, nativeType: 'text', isNullable: false },
  {
    name: 'amount',
    type: { kind: 'decimal', precision: 12, scale: 2 },
    nativeType: 'numeric',
    isNullable: false,
  },
  { name: 'note', type: { kind: 'text' }, nativeType: 'text', isNullable: true },
];
const messageOf = (id: number) => {
  const [, customer, status, amount, note] = orderOf(id);
  return {
    key: `{"id":${id}}`,
    value: `{"id":${id},"customer":${customer},"status":"${status}","amount":${amount},"note":"${note}"}`,
  };
};

const server = await kafka();
const client = await new TestClient(server).open();
let topics = 0;
try {
  if (values.only !== 'read') await compare('write', writeByDriver, writeByIdra);
  if (values.only !== 'write') {
    await client.create('filled', partitions);
    await fill('filled');
    await compare('read raw messages', readByDriver, () => readByIdra(true));
    await compare('read JSON as rows', readByDriver, () => readByIdra(false));
  }
} finally {
  await client.close();
  await server.stop();
}

async function compare(name: string, driver: () => Promise<Cost>, idra: () => Promise<Cost>): Promise<void> {
  const [times, cpus]: [number[], number[]] = [[], []];
  for (let nr = 0; nr < pairs; nr++) {
    const [one, other] = nr % 2 === 0 ? [await driver(), await idra()] : await reversed(driver, idra);
    times.push(one.ms / other.ms);
    cpus.push(one.cpuMs / other.cpuMs);
    const shown = ({ ms, cpuMs }: Cost) =>
      `${(ms / 1_000).toFixed(2)} s (CPU ${(cpuMs / 1_000).toFixed(2)} s)`;
    console.log(
      `  ${name}: driver ${shown(one)}, idra ${shown(other)}, rss ${Math.round(process.memoryUsage().rss / 2 ** 20)} MiB`,
    );
  }
  const worst = (ratios: readonly number[]) => 1 / median(ratios);
  judge(`${name}, ${rows} messages: time of idra to that of the driver`, worst(times), 1 / least);
  judge(`${name}, ${rows} messages: CPU of idra to that of the driver`, worst(cpus), 1 / least);
}

async function reversed(driver: () => Promise<Cost>, idra: () => Promise<Cost>): Promise<[Cost, Cost]> {
  const other = await idra();
  return [await driver(), other];
}

async function fill(topic: string): Promise<void> {
  const producer = await client.producer();
  for (let from = 0; from < rows; from += 10_000) {
    const messages = Array.from({ length: Math.min(10_000, rows - from) }, (_, index) =>
      messageOf(from + index),
    );
    await producer.send({ topic, messages });
  }
}

async function writeByDriver(): Promise<Cost> {
  const topic = `w${++topics}`;
  await client.create(topic, partitions);
  const producer = await client.producer({ transactionalId: topic });
  return await cost(async () => {
    for (let from = 0; from < rows; from += rowsPerBatch) {
      const transaction = await producer.transaction();
      for (let at = from; at < Math.min(rows, from + rowsPerBatch); at += 10_000) {
        const messages = Array.from({ length: Math.min(10_000, rows - at) }, (_, index) =>
          messageOf(at + index),
        );
        await transaction.send({ topic, messages, compression: CompressionTypes.None });
      }
      await transaction.commit();
    }
  });
}

async function writeByIdra(): Promise<Cost> {
  const topic = `w${++topics}`;
  const { destination, claim } = await openWriter(accessTo(server), { topic, partitions }, columns, {
    key: ['id'],
  });
  await claim();
  const used = await cost(async () => {
    for (let from = 0; from < rows; from += rowsPerBatch) {
      const some = Array.from({ length: Math.min(rowsPerBatch, rows - from) }, (_, index) =>
        orderOf(from + index),
      );
      await destination.write(batchOf(some, String(from)), noSignal);
    }
  });
  await destination.close();
  return used;
}

async function readByDriver(): Promise<Cost> {
  const consumer = client.kafka.consumer({ groupId: `r${++topics}`, readUncommitted: false });
  await consumer.connect();
  await consumer.subscribe({ topic: 'filled', fromBeginning: true });
  let [seen, _bytes] = [0, 0];
  const done = Promise.withResolvers<void>();
  const used = await cost(async () => {
    await consumer.run({
      autoCommit: false,
      partitionsConsumedConcurrently: 1,
      eachBatch: async ({ batch }) => {
        for (const { key, value } of batch.messages) _bytes += (key?.length ?? 0) + (value?.length ?? 0);
        seen += batch.messages.length;
        if (seen >= rows) done.resolve();
      },
    });
    await done.promise;
  });
  await consumer.disconnect();
  return used;
}

async function readByIdra(isWhole: boolean): Promise<Cost> {
  const rowFormat = isWhole ? { format: 'kafka-messages', as: [] } : { format: 'values', as: [] };
  const object = isWhole ? { topic: 'filled', isWhole: true as const } : { topic: 'filled' };
  const { source, request } = await openReader(accessTo(server), object, { rowFormat });
  let seen = 0;
  const used = await cost(async () => {
    for await (const batch of source.read(request, noSignal)) seen += batch.rowCount;
  });
  if (seen !== rows) throw new Error(`${seen} of ${rows} rows were read`);
  await source.close();
  return used;
}
