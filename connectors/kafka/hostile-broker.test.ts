import assert from 'node:assert/strict';
import { createServer, type Server, type Socket } from 'node:net';
import { describe, test } from 'node:test';
import { freePort } from '../../e2e/kit/free-port.ts';
import { WireWriter } from './connection/wire.ts';
import { connector } from './connector.ts';
import { accessTo, noSignal, openReader } from './test-harness.ts';
import { codecs, compress } from './types/compression.ts';
import { crc32c } from './types/crc32c.ts';
import { RecordBatchWriter } from './types/record-batch-writer.ts';

/** Answers each request with what `answer` returns, behind its length and number; a Buffer is sent as it is. */
interface Rogue {
  readonly brokers: readonly string[];
  close(): Promise<void>;
}
type Answer = (api: number, version: number, port: number) => WireWriter | Buffer | undefined;

async function rogue(answer: Answer): Promise<Rogue> {
  const port = await freePort();
  const sockets = new Set<Socket>();
  const server: Server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    let waiting = Buffer.alloc(0);
    socket.on('data', (chunk) => {
      waiting = Buffer.concat([waiting, chunk]);
      while (waiting.length >= 4 && waiting.length >= 4 + waiting.readInt32BE(0)) {
        const [api, version, id] = [waiting.readInt16BE(4), waiting.readInt16BE(6), waiting.readInt32BE(8)];
        waiting = waiting.subarray(4 + waiting.readInt32BE(0));
        const body = answer(api, version, port);
        if (body instanceof WireWriter) {
          const head = new WireWriter(8).int32(4 + body.written.length).int32(id);
          socket.write(Buffer.concat([head.written, body.written]));
        } else if (body) socket.write(body);
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  return {
    brokers: [`127.0.0.1:${port}`],
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

const versions: readonly (readonly [key: number, min: number, max: number])[] = [
  [0, 0, 8],
  [1, 4, 11],
  [2, 1, 5],
  [3, 0, 8],
  [10, 0, 2],
  [18, 0, 0],
  [22, 0, 1],
];
const apiVersions = () => {
  const to = new WireWriter().int16(0);
  return to.array(versions, false, ([key, min, max]) => to.int16(key).int16(min).int16(max));
};

const metadata = (port: number, topics = 1) => {
  const to = new WireWriter().int32(0).int32(1).int32(1).string('127.0.0.1').int32(port).string(null);
  to.string('cluster').int32(1).int32(topics);
  if (topics !== 1) return to;
  to.int16(0).string('t').boolean(false).int32(1);
  to.int16(0).int32(0).int32(1).int32(0).int32(0).int32(0).int32(0);
  return to.int32(-(2 ** 31)).int32(-(2 ** 31));
};

/** A broker that behaves until it is asked for messages. */
const until =
  (fetch: (version: number) => WireWriter | Buffer | undefined): Answer =>
  (api, version, port) => {
    switch (api) {
      case 18:
        return apiVersions();
      case 3:
        return metadata(port);
      case 2:
        return offsets();
      case 1:
        return fetch(version);
      default:
        return new WireWriter().int32(0).int16(0).string(null).int32(1).string('127.0.0.1').int32(port);
    }
  };

let asked = 0;
/** Earliest, then the ends. */
const offsets = () =>
  new WireWriter()
    .int32(0)
    .int32(1)
    .string('t')
    .int32(1)
    .int32(0)
    .int16(0)
    .int64(-1)
    .int64(asked++ % 3 === 0 ? 0 : 5)
    .int32(0);

const fetched = (records: Buffer, aborted = 0) => {
  const to = new WireWriter().int32(0).int16(0).int32(0).int32(1).string('t').int32(1);
  to.int32(0).int16(0).int64(5).int64(5).int64(0).int32(aborted);
  return to.int32(-1).bytes(records);
};

async function refuses(answer: Answer, expected: object): Promise<void> {
  const server = await rogue(answer);
  const before = process.memoryUsage().rss;
  try {
    asked = 0;
    await assert.rejects(readAll(server), expected);
    assert.ok(process.memoryUsage().rss - before < 400e6);
  } finally {
    await server.close();
  }
}

async function readAll(server: Rogue): Promise<void> {
  const columns = [{ name: 'all', path: '', type: 'json', nullable: true }];
  const { pass, source } = await openReader(accessTo(server), { topic: 't', columns, key: [] });
  try {
    await pass();
  } finally {
    await source.close();
  }
}

const broken = { code: 'ProtocolBroken', disposition: 'permanent' };

describe('a broker that', () => {
  test('announces an answer without end, or a negative one', async () => {
    for (const length of [2 ** 31 - 1, -1, 3, 0]) {
      const frame = Buffer.alloc(8);
      frame.writeInt32BE(length);
      await refuses(() => frame, broken);
    }
  });

  test('sends answers that nobody asked for', async () => {
    const frame = new WireWriter().int32(4).int32(99).written;
    await refuses((api) => {
      if (api !== 18) return undefined;
      const { written } = apiVersions();
      const head = new WireWriter().int32(4 + written.length).int32(0);
      return Buffer.concat([head.written, written, frame, frame]);
    }, broken);
  });

  test('lists a billion topics, or names them by what is not a name', async () => {
    await refuses((api, _version, port) => (api === 18 ? apiVersions() : metadata(port, 2 ** 30)), broken);
    await refuses((api) => (api === 18 ? apiVersions() : new WireWriter().int32(0).int32(7)), broken);
  });

  test('has no version that Idra speaks', async () => {
    const none = () => new WireWriter().int16(0).int32(0);
    await refuses(() => none(), { code: 'ServerTooOld' });
  });

  test('sends a batch that unpacks to very much, or is damaged', async () => {
    for (const compression of ['Gzip', 'Snappy', 'LZ4', 'Zstd'] as const) {
      const bomb = await batchOf(await compress(compression, Buffer.alloc(200_000_000)), codecs[compression]);
      assert.ok(bomb.length < 20_000_000);
      await refuses(
        until(() => fetched(bomb)),
        { code: 'RecordBatchDamaged', message: /topic t, partition 0: the batch at offset 0/ },
      );
    }
    const damaged = await batchOf(Buffer.alloc(50), 0);
    damaged[70] = 1;
    await refuses(
      until(() => fetched(damaged)),
      { code: 'RecordBatchDamaged' },
    );
    await refuses(
      until(() => fetched(Buffer.alloc(20))),
      { code: 'RecordBatchDamaged' },
    );
    await refuses(
      until(() => fetched(Buffer.alloc(0), 2 ** 30)),
      broken,
    );
  });

  test('closes each connection at once', async () => {
    const server = await rogue(() => undefined);
    await server.close();
    await assert.rejects(connector.check(accessTo(server), noSignal), { disposition: 'transient' });
  });

  test('asks for a billion iterations of SCRAM', async () => {
    const sasl = { sasl: { mechanism: 'SCRAM-SHA-256', user: 'u' } };
    const server = await rogue((api) => {
      if (api === 18) {
        const to = new WireWriter().int16(0);
        return to.array([...versions, [17, 0, 1], [36, 0, 1]], false, ([key = 0, min = 0, max = 0]) =>
          to.int16(key).int16(min).int16(max),
        );
      }
      if (api === 17) return new WireWriter().int16(0).int32(1).string('SCRAM-SHA-256');
      const message = Buffer.from('r=abc,s=QSXCR+Q6sek8bf92,i=1000000000');
      return new WireWriter().int16(0).string(null).bytes(message).int64(0);
    });
    try {
      const access = accessTo(server, sasl, { 'sasl.password': 'p' });
      await assert.rejects(connector.check(access, noSignal), broken);
    } finally {
      await server.close();
    }
  });
});

/** A batch with these packed messages. */
async function batchOf(packed: Buffer, codec: number): Promise<Buffer> {
  const writer = new RecordBatchWriter();
  writer.append(null, 'x', 0);
  const header = await writer.finish('None', {
    producer: -1n,
    epoch: -1,
    sequence: -1,
    isTransactional: false,
  });
  const batch = Buffer.concat([header.subarray(0, 61), packed]);
  batch.writeInt32BE(batch.length - 12, 8);
  batch.writeInt16BE(codec, 21);
  batch.writeUInt32BE(crc32c(batch, 21, batch.length), 17);
  return batch;
}

test('a silent broker ends neither the process nor its deadline', async () => {
  const { promise: asked, resolve } = Promise.withResolvers<void>();
  const server = await rogue(() => {
    resolve();
    return undefined;
  });
  const stop = new AbortController();
  const checking = connector.check(accessTo(server), stop.signal);
  const reason = new Error('stopped');
  asked.then(() => stop.abort(reason));
  await assert.rejects(checking, reason);
  await server.close();
});
