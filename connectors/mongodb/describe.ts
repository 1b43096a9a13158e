import type { AbstractCursor, Document } from 'mongodb';
import { z } from 'zod';
import { permanent } from '../../core/errors.ts';
import { nearest } from '../../core/nearest.ts';
import { defaultSample, Inference } from '../../core/records/inference.ts';
import type { RecordColumn } from '../../core/records/record-column.ts';
import { noRecords, tooManyFields } from '../../core/records/refusals.ts';
import type { Session } from './session.ts';
import { longMs, shortMs } from './session.ts';
import { bsonAccess } from './types/decode.ts';
import { documentValue } from './types/format.ts';

/** What the catalogue says of a collection. */
export interface CollectionInfo {
  readonly name: string;
  readonly kind: 'collection' | 'view' | 'timeseries';
  /** Distinguishes it from a later one of the same name; undefined if the server has none. */
  readonly identity: string | undefined;
  readonly options: Document;
}

const entry = z.object({
  name: z.string().max(1_024),
  type: z.string().max(100).optional(),
  options: z.record(z.string(), z.unknown()).optional(),
  info: z.object({ uuid: z.unknown() }).partial().optional(),
});
const entries = z.object({ cursor: z.object({ firstBatch: z.array(entry).max(100_000) }) });

async function list(session: Session, filter: Document, signal?: AbortSignal): Promise<CollectionInfo[]> {
  const command = { listCollections: 1, filter, cursor: { batchSize: 10_000 } };
  const answer = await session.ask(command, entries, signal);
  return answer.cursor.firstBatch.map(({ name, type, options = {}, info }) => ({
    name,
    kind: kindOf(type, options),
    identity: hexOf(info?.uuid),
    options,
  }));
}

function kindOf(type: string | undefined, options: Document): CollectionInfo['kind'] {
  if (type === 'view' || options.viewOn !== undefined) return 'view';
  return type === 'timeseries' || options.timeseries !== undefined ? 'timeseries' : 'collection';
}

function hexOf(uuid: unknown): string | undefined {
  if (typeof uuid !== 'object' || uuid === null || !('toString' in uuid)) return undefined;
  const text =
    'toHexString' in uuid && typeof uuid.toHexString === 'function' ? String(uuid.toHexString()) : '';
  const hex = text === '' && 'buffer' in uuid ? Buffer.from(uuid.buffer as Uint8Array).toString('hex') : text;
  return hex === '' ? undefined : hex;
}

/** Undefined: there is none of this name. */
export async function findCollection(
  session: Session,
  name: string,
  signal?: AbortSignal,
): Promise<CollectionInfo | undefined> {
  const found = await list(session, { name }, signal);
  return found.find((each) => each.name === name);
}

export async function requireFound(
  session: Session,
  name: string,
  path: string,
  signal: AbortSignal,
): Promise<CollectionInfo> {
  const found = await findCollection(session, name, signal);
  if (found) return found;
  const names = (await listCollections(session, signal)).map((each) => each.name);
  const near = nearest(name, names);
  throw permanent('TableNotFound', `${session.where} has no collection ${name}`, {
    path,
    fix: near === undefined ? 'check database and name; names are case-sensitive' : `did you mean ${near}?`,
  });
}

/** Those that a user would sync. */
export async function listCollections(session: Session, signal: AbortSignal): Promise<CollectionInfo[]> {
  const found = await list(session, {}, signal);
  return found
    .filter(({ name }) => !/^(system\.|_idra_)/i.test(name))
    .toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

export interface Index {
  readonly name: string;
  /** Fields in order, with 1, -1 or a kind such as `text`. */
  readonly fields: readonly (readonly [path: string, direction: unknown])[];
  /** Unique for all documents, and by the order of values: not partial, not sparse, without a collation of its own. */
  readonly isUnique: boolean;
  readonly isPlain: boolean;
  readonly definition: Document;
}

const indexEntry = z.looseObject({ name: z.string(), key: z.record(z.string(), z.unknown()) });
const indexEntries = z.object({ cursor: z.object({ firstBatch: z.array(indexEntry).max(1_000) }) });

export async function listIndexes(session: Session, name: string, signal?: AbortSignal): Promise<Index[]> {
  const answer = await session.ask({ listIndexes: name }, indexEntries, signal);
  return answer.cursor.firstBatch.map((each) => {
    const isPlain =
      each.partialFilterExpression === undefined && each.sparse !== true && each.collation === undefined;
    const fields = Object.entries(each.key).map(([path, direction]): [string, unknown] => [
      path,
      Number(direction),
    ]);
    const isUnique = isPlain && (each.unique === true || each.name === '_id_');
    return { name: each.name, fields, isUnique, isPlain, definition: each };
  });
}

/** Documents as their bytes. */
export async function readRaw(
  session: Session,
  collection: string,
  query: {
    readonly filter?: Document;
    readonly sort?: Document;
    readonly limit: number;
    readonly projection?: Document;
  },
  signal: AbortSignal,
): Promise<Buffer[]> {
  const { filter = {}, ...options } = query;
  const given = { ...options, maxTimeMS: longMs, raw: true, signal };
  return await session.guard(
    () => firstOf(session.collection(collection).find(filter, given), query.limit),
    signal,
  );
}

/** At most so many, whatever the server sends. */
async function firstOf(cursor: AbstractCursor, count: number): Promise<Buffer[]> {
  const found: Buffer[] = [];
  try {
    while (found.length < count && (await cursor.hasNext()))
      for (const each of cursor.readBufferedDocuments(count - found.length))
        found.push(asBuffer(each as Uint8Array));
    return found;
  } finally {
    await cursor.close().catch(() => {});
  }
}

export function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** Columns from a sample of documents: from both ends in the order of `_id`, and from anywhere between them. */
export async function inferColumns(
  session: Session,
  {
    collection,
    filter,
    sample = defaultSample,
  }: { collection: CollectionInfo; filter: Document | undefined; sample: number | undefined },
  signal: AbortSignal,
): Promise<readonly RecordColumn[]> {
  const inference = new Inference(bsonAccess);
  const part = Math.max(1, Math.ceil(sample / 3));
  const given = filter ? { filter } : {};
  const parts = [
    await readRaw(session, collection.name, { ...given, sort: { _id: 1 }, limit: part }, signal),
    await readRaw(session, collection.name, { ...given, sort: { _id: -1 }, limit: part }, signal),
    await anywhere(session, collection.name, filter, part, signal),
  ];
  const documents = parts.flat();
  if (documents.length === 0) throw noRecords(collection.name);
  for (const each of documents) inference.add(documentValue(each));
  if (inference.hasTooManyFields) throw tooManyFields(collection.name);
  return inference
    .columns()
    .map((column) => (column.path === '_id' ? { ...column, nullable: false } : column));
}

async function anywhere(
  session: Session,
  collection: string,
  filter: Document | undefined,
  size: number,
  signal: AbortSignal,
): Promise<Buffer[]> {
  const pipeline = [{ $sample: { size } }, ...(filter ? [{ $match: filter }] : [])];
  const options = { maxTimeMS: longMs, raw: true, signal, batchSize: size };
  return await session.guard(
    () => firstOf(session.collection(collection).aggregate(pipeline, options), size),
    signal,
  );
}

/** A rough number; undefined if the server does not say. */
export async function estimatedRows(
  session: Session,
  collection: CollectionInfo,
  signal: AbortSignal,
): Promise<number | undefined> {
  if (collection.kind === 'view') return undefined;
  const count = await session.guard(
    () => session.collection(collection.name).estimatedDocumentCount({ maxTimeMS: shortMs }),
    signal,
  );
  return Number(count);
}
