import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
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
import { projectFolder } from '../e2e/kit/processes.ts';
import { kafka } from '../e2e/kit/servers.ts';
import { anyDataSource, syncManifest } from '../e2e/kit/single-mode.ts';
import { removeFolder, tempFolder } from '../e2e/kit/temp.ts';
import { type Cost, compare, cost, judgeMemory, orderColumns, orderOf } from './_orders.ts';
import { timed } from './_postgres.ts';

/**
 * Reading and writing a topic by the connector, compared with a bare loop of the driver (kafkajs) over the same messages: by time, and by
 * CPU of this process, which other load of the machine changes less. The driver's loop counts bytes of raw messages, and parses those of
 * JSON. Then the memory of a process that reads JSON of one topic as rows and writes them to another one.
 */
const { values } = parseArgs({
  options: {
    rows: { type: 'string', default: '1000000' },
    pairs: { type: 'string', default: '3' },
    only: { type: 'string' },
  },
});
const [rows, pairs] = [Number(values.rows), Number(values.pairs)];
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
  const runs = (part: string) => values.only === undefined || values.only === part;
  const size = { rows, pairs };
  if (runs('write')) await compare('write', size, writeByDriver, writeByIdra);
  if (runs('read')) {
    await fill('filled', rows);
    await compare(
      'read raw messages',
      size,
      () => readByDriver(false),
      () => readByIdra(true),
    );
    await compare(
      'read JSON as rows',
      size,
      () => readByDriver(true),
      () => readByIdra(false),
    );
  }
  if (runs('memory')) await judgeMemory('topic to topic as rows', rows, 250, peakOf);
} finally {
  await client.close();
  await server.stop();
}

async function fill(topic: string, rows: number): Promise<void> {
  await client.create(topic, partitions);
  const producer = await client.producer({ idempotent: true, maxInFlightRequests: 1 });
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

async function readByDriver(isParsed: boolean): Promise<Cost> {
  const consumer = client.kafka.consumer({ groupId: `r${++topics}`, readUncommitted: false });
  await consumer.connect();
  await consumer.subscribe({ topic: 'filled', fromBeginning: true });
  let [seen, _bytes] = [0, 0];
  let last: unknown;
  const done = Promise.withResolvers<void>();
  const used = await cost(async () => {
    await consumer.run({
      autoCommit: false,
      partitionsConsumedConcurrently: 1,
      eachBatch: async ({ batch }) => {
        for (const { key, value } of batch.messages) {
          _bytes += (key?.length ?? 0) + (value?.length ?? 0);
          if (isParsed) last = JSON.parse(value?.toString() ?? '');
        }
        seen += batch.messages.length;
        if (seen >= rows) done.resolve();
      },
    });
    await done.promise;
  });
  await consumer.disconnect();
  if (isParsed !== (last !== undefined)) throw new Error('messages were not parsed');
  return used;
}

async function readByIdra(isWhole: boolean): Promise<Cost> {
  const rowFormat = isWhole ? { format: 'kafka-messages', as: [] } : { format: 'values', as: [] };
  const object = isWhole
    ? { topic: 'filled', isWhole: true as const }
    : { topic: 'filled', columns: orderColumns };
  const { source, request } = await openReader(accessTo(server), object, { rowFormat });
  let seen = 0;
  const used = await cost(async () => {
    for await (const batch of source.read(request, noSignal)) seen += batch.rowCount;
  });
  if (seen !== rows) throw new Error(`${seen} of ${rows} rows were read`);
  await source.close();
  return used;
}

/** VmHWM of `bin/idra run --once`. */
async function peakOf(rows: number): Promise<number> {
  const topic = `memory${rows}`;
  await fill(topic, rows);
  const folder = await tempFolder('kafka-bench');
  const file = join(folder, 'sync.yaml');
  const dataSource = { kafka: { brokers: server.brokers, tls: { mode: 'Disable' } } };
  const spec = {
    source: { dataSource: 'topics', topic, columns: orderColumns, key: ['id'] },
    destination: { dataSource: 'topics', topic: `${topic}-copy`, partitions },
    mode: 'Stream',
  };
  await writeFile(file, anyDataSource('topics', dataSource) + syncManifest('copy', spec));
  const args = ['run', '-f', file, '--once', '--state', join(folder, 'state.db')];
  const { peakBytes } = await timed(`${projectFolder}/bin/idra`, args);
  await removeFolder(folder);
  return peakBytes;
}
