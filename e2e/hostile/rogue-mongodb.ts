import { BSON, type Document } from 'mongodb';
import { BsonWriter } from '../../connectors/mongodb/types/bson-writer.ts';
import { bson } from '../../connectors/mongodb/types/format.ts';
import { type RogueServer, rogueServer } from './rogue-server.ts';

/** What is sent instead of the proper answer: a document, the bytes of one, bytes without a header of their own, or nothing. */
export type Reply = Document | RawBody | Buffer | 'silence' | 'proper';

export interface RawBody {
  readonly body: Buffer;
}

export interface MongodbAttack {
  readonly command: (name: string, command: Document) => Reply;
  /** A router of a sharded cluster, with sessions and transactions; else a standalone server. */
  readonly isRouter?: boolean;
  readonly mostBytes?: number;
}

const [opReply, opQuery, opMsg] = [1, 2_004, 2_013];
const headerBytes = 16;

/** Implements as much of MongoDB's protocol as a session and a pass need, and then attacks. */
export async function rogueMongodb({ command, isRouter, mostBytes }: MongodbAttack): Promise<RogueServer> {
  return await rogueServer((answer) => {
    let held = Buffer.alloc(0);
    return (chunk) => {
      held = Buffer.concat([held, chunk]);
      while (held.length >= headerBytes && held.length >= held.readInt32LE(0)) {
        const request = held.subarray(0, held.readInt32LE(0));
        held = held.subarray(request.length);
        const [id, code] = [request.readInt32LE(4), request.readInt32LE(12)];
        const asked = code === opQuery ? queryOf(request) : BSON.deserialize(bodyOf(request));
        const [name = ''] = Object.keys(asked);
        const given = command(name, asked);
        if (given === 'silence') continue;
        if (Buffer.isBuffer(given)) answer(given);
        else
          answer(messageOf(code, id, bytesOf(given === 'proper' ? proper(name, isRouter === true) : given)));
      }
    };
  }, mostBytes);
}

/** The handshake of drivers is still a query of the old protocol. */
function queryOf(request: Buffer): Document {
  const nameEnd = request.indexOf(0, headerBytes + 4);
  return BSON.deserialize(request.subarray(nameEnd + 9));
}

function bodyOf(request: Buffer): Buffer {
  const start = headerBytes + 5;
  return request.subarray(start, start + request.readInt32LE(start));
}

function bytesOf(given: Document | RawBody): Buffer {
  return Buffer.isBuffer(given.body) ? given.body : Buffer.from(BSON.serialize(given));
}

function messageOf(asked: number, responseTo: number, body: Buffer): Buffer {
  const isQuery = asked === opQuery;
  const between = Buffer.alloc(isQuery ? 20 : 5);
  if (isQuery) between.writeInt32LE(1, 16);
  return Buffer.concat([
    headerOf(headerBytes + between.length + body.length, isQuery ? opReply : opMsg, responseTo),
    between,
    body,
  ]);
}

export function headerOf(length: number, code: number = opMsg, responseTo = 0): Buffer {
  const header = Buffer.alloc(headerBytes);
  header.writeInt32LE(length, 0);
  header.writeInt32LE(1, 4);
  header.writeInt32LE(responseTo, 8);
  header.writeInt32LE(code, 12);
  return header;
}

/** An answer of a cursor with these documents, whatever their bytes are. */
export function batchOf(documents: readonly Buffer[], id = 0n): RawBody {
  const writer = new BsonWriter();
  const start = writer.beginDocument();
  writer.nested('cursor', () => {
    writer.name(bson.int64, 'id');
    writer.int64(id);
    writer.name(bson.string, 'ns');
    writer.string('d.c');
    writer.name(bson.array, 'firstBatch');
    const batch = writer.beginDocument();
    for (const [index, each] of documents.entries()) {
      writer.name(bson.object, String(index));
      writer.raw(each);
    }
    writer.endDocument(batch);
  });
  writer.name(bson.double, 'ok');
  writer.double(1);
  writer.endDocument(start);
  return { body: writer.written };
}

/** A document with one field `body` whose type and bytes are these. */
export function bodyField(type: number, bytes: Buffer): Buffer {
  const writer = new BsonWriter();
  const start = writer.beginDocument();
  writer.name(bson.int32, '_id');
  writer.int32(1);
  writer.name(type, 'body');
  writer.raw(bytes);
  writer.endDocument(start);
  return Buffer.from(writer.written);
}

function proper(name: string, isRouter: boolean): Document {
  const cursor = (...firstBatch: Document[]) => ({ ok: 1, cursor: { id: 0n, ns: 'd.c', firstBatch } });
  switch (name) {
    case 'hello':
    case 'ismaster':
    case 'isMaster':
      return {
        ...{
          ok: 1,
          helloOk: true,
          isWritablePrimary: true,
          ismaster: true,
          minWireVersion: 0,
          maxWireVersion: 21,
        },
        ...{ maxBsonObjectSize: 16_777_216, maxMessageSizeBytes: 48_000_000, maxWriteBatchSize: 100_000 },
        ...(isRouter && { msg: 'isdbgrid', logicalSessionTimeoutMinutes: 30 }),
      };
    case 'buildInfo':
      return { ok: 1, version: '7.0.0' };
    case 'listCollections':
      return cursor({ name: 'c', type: 'collection', options: {}, info: {} });
    case 'listIndexes':
      return cursor({ name: '_id_', key: { _id: 1 } });
    case 'find':
    case 'aggregate':
      return cursor();
    default:
      return { ok: 1, n: 0 };
  }
}
