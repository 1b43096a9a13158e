import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { parentPort, workerData } from 'node:worker_threads';
import { SchemaRegistry } from '../../connectors/kafka/connection/schema-registry.ts';
import { MessageRows } from '../../connectors/kafka/source/message-rows.ts';
import type { Message } from '../../connectors/kafka/source/metadata-columns.ts';
import { accessTo, noSignal } from '../../connectors/kafka/test-client.ts';
import { AvroWriter } from '../../connectors/kafka/types/avro-encode.ts';
import { parseAvro } from '../../connectors/kafka/types/avro-schema.ts';
import { AvroFormat, jsonFormat } from '../../connectors/kafka/types/format.ts';
import { cursorOf, readBatch } from '../../connectors/kafka/types/record-batch.ts';
import { RecordBatchWriter } from '../../connectors/kafka/types/record-batch-writer.ts';
import type { ReadRequest, SystemAccess } from '../../core/connector.ts';
import { columnOf } from '../../core/records/columns.ts';
import { randomFrom } from '../kit/random.ts';
import type { DamagedKind, DamagedProgress, DamagedTask } from './messages.ts';
import { damaged } from './mutate.ts';

type MessageKind = Exclude<DamagedKind, 'HTTP answer'>;

const record = 'record';
const optional = (type: unknown) => ['null', type];
const micros = { type: 'long', 'connect.name': 'io.debezium.time.MicroTimestamp' };
const decimal = { type: 'bytes', logicalType: 'decimal', precision: 12, scale: 2 };
const rowSchema = {
  ...{ type: record, name: 'Value', namespace: 'shop' },
  fields: [
    { name: 'id', type: 'long' },
    { name: 'body', type: optional('string') },
    { name: 'total', type: optional(decimal) },
    { name: 'at', type: optional(micros) },
    { name: 'tags', type: optional({ type: 'array', items: 'string' }) },
    { name: 'more', type: optional({ type: 'map', values: ['null', 'long', 'Value'] }) },
  ],
};
const envelopeSchema = {
  ...{ type: record, name: 'Envelope', namespace: 'shop' },
  fields: [
    { name: 'before', type: optional(rowSchema) },
    { name: 'after', type: optional('Value') },
    { name: 'source', type: { type: record, name: 'Source', fields: [{ name: 'ts_ms', type: 'long' }] } },
    { name: 'op', type: 'string' },
  ],
};
const [rowId, envelopeId, damagedId] = [1, 2, 3];
const schemas = new Map<number, string>([
  [rowId, JSON.stringify(rowSchema)],
  [envelopeId, JSON.stringify(envelopeSchema)],
]);

function writeRow(to: AvroWriter, isNested: boolean): void {
  to.long(7);
  to.long(1);
  to.text('a row ä');
  to.long(1);
  to.data(Buffer.from([0x12, 0xd6]));
  to.long(1);
  to.long(1_700_000_000_123_456n);
  to.long(1);
  for (const each of [2, 'one', 'two', 0]) typeof each === 'string' ? to.text(each) : to.long(each);
  to.long(1);
  to.long(1);
  to.text('field');
  to.long(isNested ? 2 : 1);
  if (isNested) writeRow(to, false);
  else to.long(5);
  to.long(0);
}

function avroMessage(id: number, write: (to: AvroWriter) => void): Buffer {
  const to = new AvroWriter();
  to.byte(0);
  to.int32(id);
  write(to);
  return to.bytes();
}

function avroEvent(op: string): Buffer {
  return avroMessage(envelopeId, (to) => {
    for (const isThere of [op !== 'c', op !== 'd']) {
      to.long(isThere ? 1 : 0);
      if (isThere) writeRow(to, false);
    }
    to.long(1_700_000_000_123);
    to.text(op);
  });
}

const jsonRow = { id: 7, body: 'a row', total: 'EtY=', at: 1_700_000_000_123_456, tags: ['one'], more: {} };
const jsonField = (field: string, type: string, more: object = {}) => ({
  ...{ field, type, optional: true },
  ...more,
});
const jsonFields = [
  jsonField('id', 'int64'),
  jsonField('total', 'bytes', {
    name: 'org.apache.kafka.connect.data.Decimal',
    parameters: { scale: '2' },
  }),
  jsonField('at', 'int64', { name: 'io.debezium.time.MicroTimestamp' }),
  jsonField('tags', 'array', { items: { type: 'string' } }),
];

function jsonEvent(op: string, hasSchema: boolean): Buffer {
  const [before, after] = [op === 'c' ? null : jsonRow, op === 'd' ? null : jsonRow];
  const payload = { before, after, source: { ts_ms: 1_700_000_000_123 }, op };
  const fields = ['before', 'after'].map((name) => jsonField(name, 'struct', { fields: jsonFields }));
  return Buffer.from(JSON.stringify(hasSchema ? { schema: { type: 'struct', fields }, payload } : payload));
}

const operations = ['c', 'u', 'd'];
const originals: Readonly<Record<MessageKind, readonly Buffer[]>> = {
  Avro: [avroMessage(rowId, (to) => writeRow(to, true))],
  'Avro schema': [avroMessage(damagedId, (to) => writeRow(to, true))],
  'Debezium in JSON': operations.flatMap((op) => [jsonEvent(op, true), jsonEvent(op, false)]),
  'Debezium in Avro': operations.map(avroEvent),
};

const recordColumns = [
  ...['id int64', 'body text', 'total decimal(12,2)', 'at timestamp(6)', 'tags json', 'more json'],
].map((text) => {
  const [name = '', type = ''] = text.split(' ');
  return { name, path: name, type, nullable: name !== 'id' };
});

/** Answers as a registry does; a third schema is a damaged one, another in each call. */
async function startRegistry(random: () => number): Promise<SystemAccess> {
  const server = createServer((request, response) => {
    const id = Number(/^\/schemas\/ids\/(\d+)$/.exec(request.url ?? '')?.[1]);
    const text = Buffer.from(JSON.stringify(rowSchema));
    const schema = id === damagedId ? damaged(text, random).toString() : schemas.get(id);
    response.writeHead(schema === undefined ? 404 : 200);
    response.end(
      schema === undefined ? '{"error_code":40403,"message":"Schema not found"}' : JSON.stringify({ schema }),
    );
  });
  server.listen(0, '127.0.0.1');
  server.unref();
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return accessTo({ brokers: ['127.0.0.1:1'] }, { schemaRegistry: { url, tls: { mode: 'Disable' } } });
}

/** As the source reads it: from a batch of messages. */
async function messageOf(key: Buffer | null, value: Buffer | null, offset: number): Promise<Message> {
  const writer = new RecordBatchWriter(1_024);
  writer.append(key, value, 0);
  const nobody = { producer: -1n, epoch: -1, sequence: -1, isTransactional: false };
  const written = await writer.finish('None', nobody);
  written.writeBigInt64BE(BigInt(offset), 0);
  const found = readBatch(written, 0);
  if (!found) throw new Error('a batch that was written is not read');
  const cursor = await cursorOf(found.batch);
  if (!cursor.next()) throw new Error('a batch without its message');
  return { topic: 't', partition: 0, cursor };
}

class DamagedMessages {
  readonly #random: () => number;
  readonly #kind: MessageKind;
  readonly #access: SystemAccess;
  readonly total = { done: 0, rows: 0, deletions: 0, misfits: 0, errors: 0, mostBytes: 0 };
  #rows: MessageRows;

  constructor(kind: MessageKind, access: SystemAccess, random: () => number) {
    this.#kind = kind;
    this.#random = random;
    this.#access = access;
    this.#rows = this.#newRows();
  }

  #newRows(): MessageRows {
    const isDebezium = this.#kind.startsWith('Debezium');
    const reader = isDebezium ? undefined : parseAvro(schemas.get(rowId) ?? '');
    const isJson = this.#kind === 'Debezium in JSON';
    const format = isJson ? jsonFormat : new AvroFormat(new SchemaRegistry(this.#access), reader);
    const columns = recordColumns.map((column) => ({ column: columnOf(column) }));
    const request = { columns, wantsDeletions: true } as unknown as ReadRequest;
    return new MessageRows({ format, isDebezium, columns: recordColumns, key: ['id'] }, request);
  }

  async #damaged(): Promise<Message> {
    const all = originals[this.#kind];
    const original = all[this.total.done % all.length] ?? Buffer.alloc(0);
    const isSchema = this.#kind === 'Avro schema';
    // The registry is asked again, and has another damaged schema.
    if (isSchema) this.#rows = this.#newRows();
    const value = isSchema ? original : damaged(original, this.#random);
    const key = damaged(Buffer.from('{"id":7}'), this.#random);
    return await messageOf(key, this.#random() < 0.05 ? null : value, this.total.done);
  }

  async next(): Promise<void> {
    const { total } = this;
    const message = await this.#damaged();
    await this.#rows.prepare(message, noSignal);
    const found = this.#rows.read(message);
    if (found && found.row.length !== recordColumns.length) throw new Error('a row without its columns');
    if (found?.isDeletion) total.deletions += 1;
    else if (found) total.rows += 1;
    const { misfits } = this.#rows.take();
    total.misfits += misfits?.count ?? 0;
    const place = `topic t, partition 0, offset ${total.done}`;
    for (const { row } of misfits?.rejections ?? [])
      if (row !== place) throw new Error(`a misfit at ${row}, and not at ${place}`);
    const { external, arrayBuffers } = process.memoryUsage();
    total.mostBytes = Math.max(total.mostBytes, external + arrayBuffers);
    total.done += 1;
  }
}

async function main({ kind, count, seed }: DamagedTask<MessageKind>): Promise<void> {
  const random = randomFrom(seed);
  const messages = new DamagedMessages(kind, await startRegistry(random), random);
  const report = (isOver: boolean) =>
    parentPort?.postMessage({ ...messages.total, isOver } satisfies DamagedProgress);
  while (messages.total.done < count) {
    await messages.next();
    if (messages.total.done % 50 === 0) report(false);
  }
  report(true);
}

await main(workerData as DamagedTask<MessageKind>);
