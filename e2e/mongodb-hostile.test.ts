import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Document } from 'mongodb';
import { connector } from '../connectors/mongodb/connector.ts';
import { bson } from '../connectors/mongodb/types/format.ts';
import { readAll } from '../connectors/sql/test-flow.ts';
import type { Batch } from '../core/batch.ts';
import type { SystemAccess } from '../core/connector.ts';
import { IdraError } from '../core/errors.ts';
import { Secret } from '../core/secret.ts';
import {
  batchOf,
  bodyField,
  headerOf,
  type MongodbAttack,
  type Reply,
  rogueMongodb,
} from './hostile/rogue-mongodb.ts';
import { until } from './kit/wait.ts';

/** Answers of a hostile server, or of one behind a broken proxy: each ends as an error of one Sync, within a limited memory. */
const never = new AbortController().signal;
const mostMemory = 400e6;
const columns = [
  { name: 'id', path: '_id', type: 'int64', nullable: false },
  { name: 'body', path: 'body', type: 'json', nullable: true },
];
const broken = { code: 'ProtocolBroken', disposition: 'permanent' };

function accessTo(port: number, user?: string): SystemAccess {
  return {
    dataSource: 'team/rogue',
    config: {
      hosts: [`127.0.0.1:${port}`],
      database: 'd',
      tls: { mode: 'Disable' },
      ...(user !== undefined && { user }),
    },
    secret: (path) => (path === 'password' ? new Secret('p') : undefined),
  };
}

async function read(
  access: SystemAccess,
  mode: 'Snapshot' | 'Stream',
  signal: AbortSignal,
): Promise<readonly Batch[]> {
  const source = await connector.openSource(access, { collection: 'c', columns }, signal);
  try {
    const relation = await source.describe(signal);
    const after = mode === 'Stream' ? null : ({ mode, pass: 1, key: null, isComplete: false } as const);
    const request = {
      ...{
        relation,
        columns: relation.columns.map((column) => ({ column })),
        mode,
        key: ['id'],
        timeZone: 'UTC',
        after,
      },
      ...{ limits: { maxRows: 1_000, maxBytes: 1_000_000 }, rowFormat: { format: 'values' as const } },
    };
    return (await readAll(source.read(request, signal))).batches;
  } finally {
    await source.close();
  }
}

async function refuses(
  attack: MongodbAttack,
  expected: object,
  mode: 'Snapshot' | 'Stream' = 'Snapshot',
): Promise<void> {
  const server = await rogueMongodb(attack);
  const before = process.memoryUsage().rss;
  try {
    await assert.rejects(read(accessTo(server.port), mode, never), expected);
    assert.ok(process.memoryUsage().rss - before < mostMemory, 'memory');
    await until(() => server.connections === 0, { what: 'all connections to be closed' });
  } finally {
    await server.stop();
  }
}

const isHello = (name: string) => ['hello', 'ismaster', 'isMaster'].includes(name);
const to = (asked: string, reply: Reply | ((command: Document) => Reply)): MongodbAttack => ({
  command: (name, command) => {
    if (name !== asked) return 'proper';
    return typeof reply === 'function' ? reply(command) : reply;
  },
});
const int32 = (value: number) => {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32LE(value);
  return bytes;
};
const text = (length: number, content: string) => Buffer.concat([int32(length), Buffer.from(content)]);

/** Documents within each other; each level takes eight bytes. */
function nested(levels: number): Buffer {
  const bytes = Buffer.alloc(levels * 8 + 5);
  for (let level = 0; level < levels; level++) {
    bytes.writeInt32LE(bytes.length - level * 8, level * 7);
    bytes.write('\x03a\0', level * 7 + 4, 'latin1');
  }
  bytes.writeInt32LE(5 + levels, levels * 7);
  for (let level = 0; level <= levels; level++)
    bytes.writeInt32LE(bytes.length - level * 7 - level, level * 7);
  return bytes;
}

describe('a MongoDB that', () => {
  test('announces messages of a wrong length during the login', async () => {
    for (const length of [2 ** 31 - 1, 2_000_000, -1, 15, 3, 0])
      await refuses({ command: (name) => (isHello(name) ? headerOf(length) : 'proper') }, broken);
  });

  test('announces messages of a wrong length, or compressed ones, after it', async () => {
    const headers = [
      headerOf(2 ** 31 - 1),
      headerOf(20_000_000),
      headerOf(-5),
      headerOf(99, 2_012),
      headerOf(99, 7),
    ];
    for (const header of headers) await refuses(to('listCollections', header), broken);
  });

  test('sends documents that are not BSON', async () => {
    const bodies: readonly (readonly [type: number, bytes: Buffer])[] = [
      [bson.string, text(2 ** 31 - 1, 'x\0')],
      [bson.string, text(-1, 'x\0')],
      [bson.string, text(0, '')],
      [bson.object, int32(100)],
      [bson.object, Buffer.concat([int32(20), Buffer.alloc(4, 1)])],
      [bson.array, int32(-5)],
      [bson.binary, text(1_000, 'x')],
      [bson.regex, Buffer.from('without an end')],
      [0x55, Buffer.alloc(4)],
      [bson.decimal, Buffer.alloc(2)],
    ];
    for (const [type, bytes] of bodies) await refuses(to('find', batchOf([bodyField(type, bytes)])), broken);
    await refuses(to('find', batchOf([int32(3)])), broken);
  });

  test('sends documents within each other without end', async () => {
    const server = await rogueMongodb(to('find', batchOf([bodyField(bson.object, nested(100_000))])));
    const [batch] = await read(accessTo(server.port), 'Snapshot', never);
    assert.deepEqual([batch?.rowCount, batch?.misfits?.count], [0, 1]);
    await server.stop();
    await refuses(
      { command: (name) => (isHello(name) ? { body: bodyField(bson.object, nested(60_000)) } : 'proper') },
      broken,
    );
  });

  test('sends many times the documents that were asked for', async () => {
    const empty = Buffer.from([5, 0, 0, 0, 0]);
    const many = batchOf(new Array(1_000_000).fill(empty));
    await refuses({ ...to('find', many), mostBytes: 40e6 }, broken);
  });

  test('samples without end', async () => {
    const named = bodyField(bson.int32, int32(7));
    const { body } = batchOf([named], 77n);
    let asked = 0;
    const server = await rogueMongodb({
      command: (name) => {
        if (name === 'aggregate') return { body };
        if (name !== 'getMore') return 'proper';
        asked += 1;
        return { ok: 1, cursor: { id: 77n, ns: 'd.c', nextBatch: new Array(100).fill({ body: 7 }) } };
      },
    });
    const object = { collection: 'c', sample: 600 };
    const source = await connector.openSource(accessTo(server.port), object, never);
    const { columns: found } = await source.describe(never);
    assert.deepEqual(
      found.map(({ name }) => name),
      ['_id', 'body'],
    );
    assert.ok(asked <= 2, `${asked} times`);
    await source.close();
    await server.stop();
  });

  test('answers with cursors of another form', async () => {
    const withoutBatch: readonly Document[] = [
      { ok: 1 },
      { ok: 1, cursor: 5 },
      { ok: 1, cursor: { id: 0n, ns: 'd.c' } },
      { ok: 1, cursor: { id: 0n, ns: 'd.c', firstBatch: { a: 1 } } },
      { ok: 1, cursor: { id: 0n, ns: 'd.c', firstBatch: ['x', 5] } },
    ];
    for (const form of withoutBatch)
      for (const command of ['find', 'listCollections', 'listIndexes'])
        await refuses(to(command, form), broken);
    await refuses(to('find', { ok: 1, cursor: { id: 'x', ns: 'd.c', firstBatch: [] } }), broken);
  });

  test('lists very many collections, or names them by what is not a name', async () => {
    const named = (name: unknown) => ({ name, type: 'collection', options: {}, info: {} });
    const list = (...firstBatch: Document[]) => ({ ok: 1, cursor: { id: 0n, ns: 'd.c', firstBatch } });
    await refuses(to('listCollections', list(...new Array(110_000).fill(named('c')))), broken);
    await refuses(to('listCollections', list(named(7))), broken);
    await refuses(to('listCollections', list(named('c'.repeat(5_000)))), broken);
  });

  test('sends errors with strange codes, and with texts without end', async () => {
    for (const code of ['constructor', '__proto__', -1, { a: 1 }, null, 1e300]) {
      const error = { ok: 0, code, codeName: code, errmsg: 'y'.repeat(2_000_000), errorLabels: code };
      await refuses(to('find', error), (thrown: unknown) => {
        assert.ok(thrown instanceof IdraError);
        assert.ok(thrown.message.length < 10_000, `${thrown.message.length} characters`);
        return true;
      });
    }
  });

  test('asks for very many iterations of SCRAM', async () => {
    for (const count of ['i=1000000', 'i= +0001000000']) {
      const payload = Buffer.from(`r=abc,s=QSXCR+Q6sek8bf92,${count}`);
      const server = await rogueMongodb({
        command: (name) =>
          name === 'saslStart' ? { ok: 1, conversationId: 1, done: false, payload } : 'proper',
      });
      const expected = { ...broken, message: /iterations of SCRAM/ };
      await assert.rejects(read(accessTo(server.port, 'u'), 'Snapshot', never), expected);
      await server.stop();
    }
  });

  test('never has a document, nor an end of its cursor', async () => {
    const { body } = batchOf([], 77n);
    const stop = new AbortController();
    let asked = 0;
    const server = await rogueMongodb({
      command: (name) => {
        if (name === 'find') return { body };
        if (name !== 'getMore') return 'proper';
        if (++asked === 20) stop.abort(new Error('stopped'));
        return { ok: 1, cursor: { id: 77n, ns: 'd.c', nextBatch: [] } };
      },
    });
    await assert.rejects(read(accessTo(server.port), 'Snapshot', stop.signal), /stopped/);
    await until(() => server.connections === 0, { what: 'all connections to be closed' });
    await server.stop();
  });

  test('sends events without what they must have', async () => {
    const stream = (...events: readonly Document[]): MongodbAttack => ({
      isRouter: true,
      command: (name, command) => {
        const isStream = name === 'aggregate' || name === 'getMore';
        if (!isStream || (command.pipeline && !command.pipeline[0]?.$changeStream)) return 'proper';
        const batch = name === 'aggregate' ? 'firstBatch' : 'nextBatch';
        return { ok: 1, cursor: { id: 5n, ns: 'd.c', [batch]: events } };
      },
    });
    for (const event of [{}, { operationType: 'update' }, { splitEvent: { fragment: 9, of: 2 } }, { _id: 7 }])
      await refuses(stream(event), broken, 'Stream');
    // Of an update, whose document may be missing: with a lost fragment it would look like a document that was deleted since.
    const fragment = (number: number, fields: Document) => ({
      ...{ _id: { _data: `8200000000000000${number}` }, splitEvent: { fragment: number, of: 3 } },
      ...fields,
    });
    const first = fragment(1, { operationType: 'update', documentKey: { _id: 1 } });
    await refuses(stream(first, fragment(3, { updateDescription: {} })), broken, 'Stream');
  });

  test('says nothing more', async () => {
    for (const silent of ['hello', 'listCollections', 'find']) {
      const stop = new AbortController();
      const server = await rogueMongodb({
        command: (name) => {
          if (name !== silent && !(silent === 'hello' && isHello(name))) return 'proper';
          stop.abort(new Error('stopped'));
          return 'silence';
        },
      });
      await assert.rejects(read(accessTo(server.port), 'Snapshot', stop.signal), /stopped/);
      await until(() => server.connections === 0, { what: 'all connections to be closed' });
      await server.stop();
    }
  });
});
