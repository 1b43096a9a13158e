import { z } from 'zod';
import type { CommitRow } from '../../../core/connector.ts';
import { permanent } from '../../../core/errors.ts';
import { requireKnownLayout } from '../../sql/destination/commit-table.ts';
import type { S3Session } from '../session.ts';

/** An object with rows. */
const writtenObject = z.strictObject({ key: z.string(), rows: z.int().min(0), bytes: z.int().min(0) });
/** A part of the list in an object of its own, which never changes: objects of the commits from `first` to `last`. */
const sealedList = z.strictObject({
  key: z.string(),
  objects: z.int().min(0),
  rows: z.int().min(0),
  first: z.int().min(0),
  last: z.int().min(0),
});
const objectSet = z.strictObject({ objects: z.array(writtenObject), lists: z.array(sealedList) });
const column = z.strictObject({ name: z.string(), type: z.string(), nullable: z.boolean() });

/** What readers of the prefix need comes first. docs/s3.md describes it: it may only be extended. */
const manifestShape = z.strictObject({
  layout: z.literal(1),
  format: z.string(),
  columns: z.array(column),
  ...objectSet.shape,
  uid: z.string(),
  table: z.string(),
  name: z.string(),
  fingerprint: z.string(),
  token: z.string().regex(/^\d{1,19}$/),
  offset: z.string().nullable(),
  rows: z.int().min(0),
  closed: z.boolean(),
  time: z.string(),
  /** Number of the last commit that wrote objects. */
  sequence: z.int().min(0),
  /** Of the write of this manifest: whoever gets no answer sees by it whether it was written. */
  attempt: z.string(),
  /** The rows of a Replace that is not complete. */
  replacing: objectSet.extend({ pass: z.int(), rows: z.int().min(0) }).optional(),
  /** Objects that are no part of the rows any more, and since when. */
  obsolete: z.array(objectSet.extend({ since: z.string() })).optional(),
  /** The uid whose manifest is still to be closed. */
  adopted: z.string().optional(),
});

export type Manifest = z.infer<typeof manifestShape>;
export type WrittenObject = z.infer<typeof writtenObject>;
export type SealedList = z.infer<typeof sealedList>;
export type ObjectSet = z.infer<typeof objectSet>;
export type ManifestColumn = z.infer<typeof column>;

/** A manifest as it was read or written. */
export interface StoredManifest {
  readonly manifest: Manifest;
  readonly etag: string;
}

export const ownFolder = '_idra/';

/** Whether a key, or the end of one, is in the place where a Sync stores its manifest: its offset and token could be forged there. */
export function isReserved(key: string): boolean {
  return `/${key}`.includes(`/${ownFolder}`);
}

/** Throws OwnTableNamed. */
export function requireOpenPrefix(prefix: string, path: string): void {
  if (!isReserved(prefix)) return;
  throw permanent(
    'OwnTableNamed',
    `the prefix ${prefix} is in a folder ${ownFolder}, which Idra uses itself`,
    {
      path,
      fix: 'name another prefix',
    },
  );
}

const maxManifestBytes = 64 * 1_024 ** 2;
const maxListBytes = 64 * 1_024 ** 2;

/** The folder of what a Sync stores beside its manifest. */
export function syncFolder(prefix: string, uid: string): string {
  return `${prefix}${ownFolder}${encodeURIComponent(uid)}/`;
}

export function manifestKey(prefix: string, uid: string): string {
  return `${prefix}${ownFolder}${encodeURIComponent(uid)}.json`;
}

/** Throws CommitTableNewer. */
export async function readManifest(
  session: S3Session,
  key: string,
  signal: AbortSignal,
): Promise<StoredManifest | undefined> {
  const found = await session.readWhole(key, maxManifestBytes, signal);
  if (!found) return undefined;
  const value = parsed(found.bytes);
  requireKnownLayout((value as { layout?: unknown } | undefined)?.layout);
  const manifest = manifestShape.safeParse(value).data;
  if (!manifest) throw unreadable(session, key);
  return { manifest, etag: found.etag };
}

/** The ETag of what was written; undefined: the stored one is not the expected one. */
export async function writeManifest(
  session: S3Session,
  key: string,
  manifest: Manifest,
  over: string | 'none',
  signal: AbortSignal,
): Promise<string | undefined> {
  const bytes = Buffer.from(JSON.stringify(manifest));
  const written = await session.put(key, bytes, { over, contentType: 'application/json' }, signal);
  if (written !== undefined) return written;
  // A retry of the driver is refused by its own first attempt, whose answer was lost.
  const found = await readManifest(session, key, signal);
  return found?.manifest.attempt === manifest.attempt ? found.etag : undefined;
}

/** All manifests of a prefix. */
export async function readManifests(
  session: S3Session,
  prefix: string,
  signal: AbortSignal,
): Promise<readonly StoredManifest[]> {
  const found: StoredManifest[] = [];
  for await (const { key } of session.listAll({ prefix: `${prefix}${ownFolder}`, delimiter: '/' }, signal)) {
    if (!/\/[^/]+\.json$/.test(key)) continue;
    const manifest = await readManifest(session, key, signal);
    if (manifest) found.push(manifest);
  }
  return found;
}

export async function readList(
  session: S3Session,
  key: string,
  signal: AbortSignal,
): Promise<readonly WrittenObject[]> {
  const found = await session.readWhole(key, maxListBytes, signal);
  const objects = z.array(writtenObject).safeParse(found && parsed(found.bytes)).data;
  if (!objects) throw unreadable(session, key);
  return objects;
}

function parsed(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'));
  } catch {
    return undefined;
  }
}

function unreadable({ where }: S3Session, key: string): Error {
  return permanent(
    'CommitsUnreadable',
    `${where}: ${key} is not a manifest of Idra that this version can read`,
    {
      path: 'spec.destination.prefix',
      fix: 'restore it from an older version of the object, or write to another prefix',
    },
  );
}

export function commitRowOf({
  uid,
  table,
  name,
  fingerprint,
  token,
  offset,
  rows,
  closed,
  time,
}: Manifest): CommitRow {
  return { uid, table, name, fingerprint, token: BigInt(token), offset, rows, isClosed: closed, time };
}

export const noObjects: ObjectSet = { objects: [], lists: [] };

export function hasObjects({ objects, lists }: ObjectSet): boolean {
  return objects.length > 0 || lists.length > 0;
}
