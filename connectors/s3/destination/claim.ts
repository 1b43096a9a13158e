import { randomBytes } from 'node:crypto';
import type { Batch } from '../../../core/batch.ts';
import type { ClaimRequest, PassStart, WriteResult } from '../../../core/connector.ts';
import { reach } from '../../../core/crash-points.ts';
import { transient } from '../../../core/errors.ts';
import { encodeOffset, type Offset } from '../../../core/offset.ts';
import { offsetMovedInPass } from '../../../core/offset-moved.ts';
import type { Token } from '../../../core/token.ts';
import { writeIsFenced } from '../../sql/destination/commit-table.ts';
import { replaceCountDiffers, shadowMissing, startOfPass, startsOver } from '../../sql/destination/shadow.ts';
import type { S3Session } from '../session.ts';
import { type BatchWriter, type Encoded, type NewObject, objectName } from './batch-writer.ts';
import {
  hasObjects,
  type Manifest,
  manifestKey,
  noObjects,
  readManifest,
  type StoredManifest,
  type WrittenObject,
  writeManifest,
} from './commit-rows.ts';
import type { Intents } from './leftovers.ts';
import { deleteObsolete, intactRows, sealed, withObjects } from './object-sets.ts';
import { RawObjects } from './raw-objects.ts';
import { uploadObject } from './upload.ts';

export interface ClaimedPrefixInit {
  readonly session: S3Session;
  readonly prefix: string;
  /** `bucket/prefix`, for messages. */
  readonly name: string;
  readonly request: ClaimRequest;
  readonly token: Token;
  /** RawObjects: rows are objects of their own names, which no manifest lists. */
  readonly writer: BatchWriter | RawObjects;
  readonly intents: Intents;
  readonly stored: StoredManifest;
}

/** Names of the objects of one batch. */
interface BatchNames {
  readonly writer: BatchWriter;
  readonly sequence: number;
  /** Of the batch within a pass that is committed as a whole; else 0. */
  readonly number: number;
  readonly stem: (folder: string, index: number) => string;
  /** Those that are in the stored intent. */
  stored: readonly string[];
}

/** Objects of one batch that are written at the same time. */
const concurrentUploads = 4;

/** Writes under one claim. A commit is one conditional write of the manifest (Invariants 1 and 3). */
export class ClaimedPrefix {
  readonly #init: ClaimedPrefixInit;
  #stored: StoredManifest;
  /** Objects of a pass that is committed as a whole, and how many batches it had. */
  #open: { readonly objects: WrittenObject[]; rows: number; batches: number } | undefined;

  constructor(init: ClaimedPrefixInit) {
    this.#init = init;
    this.#stored = init.stored;
  }

  /** A manifest that was written under this claim by a request of a user. */
  storedIs(stored: StoredManifest): void {
    this.#stored = stored;
  }

  async beginPass({ pass, isResumed, isAtomic }: PassStart, signal: AbortSignal): Promise<void> {
    this.#open = isAtomic ? { objects: [], rows: 0, batches: 0 } : undefined;
    if (!this.#isReplace) return;
    const { replacing } = this.#stored.manifest;
    if (isResumed && replacing?.pass === pass) return;
    try {
      if (isResumed) throw shadowMissing(this.#init.name);
      const obsolete = replacing && hasObjects(replacing) ? [this.#obsolete(replacing)] : [];
      await this.#commit({ replacing: { ...noObjects, pass, rows: 0 } }, obsolete, signal);
    } catch (thrown) {
      if (startsOver(thrown))
        await this.#commit({ offset: startOfPass(this.#stored.manifest.offset) }, [], signal);
      throw thrown;
    }
  }

  async write(batch: Batch, signal: AbortSignal): Promise<WriteResult> {
    const { writer } = this.#init;
    if (writer instanceof RawObjects) return await this.#writeRaw(writer, batch, signal);
    const names = this.#names(batch.offset, writer);
    const encoded = await this.#encode(batch, names, signal);
    const objects = await this.#upload(encoded.objects, names, signal);
    const { sequence } = names;
    if (this.#open) {
      this.#open.objects.push(...objects);
      this.#open.rows += encoded.written;
      return this.#result(encoded, this.#stored.manifest.rows + this.#open.rows);
    }
    const added = await this.#added(objects, encoded.written, signal);
    const { keepsOffset } = this.#init.request;
    const offset = keepsOffset ? encodeOffset(batch.offset) : null;
    await this.#commit({ ...added, offset, ...(objects.length > 0 && { sequence }) }, [], signal);
    return this.#result(encoded, this.#stored.manifest.rows);
  }

  async #writeRaw(writer: RawObjects, batch: Batch, signal: AbortSignal): Promise<WriteResult> {
    const result = await writer.write(batch, signal);
    if (this.#open) this.#open.rows += result.written;
    else {
      const offset = this.#init.request.keepsOffset ? encodeOffset(batch.offset) : null;
      await this.#commit({ rows: this.#stored.manifest.rows + result.written, offset }, [], signal);
    }
    return this.#result(result, this.#stored.manifest.rows + (this.#open?.rows ?? 0));
  }

  async endPass(offset: Offset | null, signal: AbortSignal): Promise<WriteResult> {
    const open = this.#open;
    this.#open = undefined;
    const { manifest } = this.#stored;
    const stored = this.#init.request.keepsOffset ? offset && encodeOffset(offset) : null;
    const added = open ? await this.#added(open.objects, open.rows, signal) : {};
    const sequence = open && open.objects.length > 0 ? { sequence: manifest.sequence + 1 } : {};
    const { replacing, ...rest } = { ...manifest, ...added, ...sequence, offset: stored };
    if (replacing) {
      await this.#requireIntact(replacing, signal);
      const { objects, lists } = replacing;
      const before = hasObjects(manifest) ? [this.#obsolete(manifest)] : [];
      await this.#commit({ ...rest, objects, lists, replacing: undefined }, before, signal);
    } else await this.#commit(rest, [], signal);
    if (open && open.batches > 0) await this.#init.intents.forget(open.batches, signal);
    return {
      written: open?.rows ?? 0,
      rejected: 0,
      rejections: [],
      deleted: 0,
      totalRows: this.#stored.manifest.rows,
    };
  }

  /** As long as something else changes its objects, no pass can be completed: it starts over. */
  async #requireIntact(replacing: NonNullable<Manifest['replacing']>, signal: AbortSignal): Promise<void> {
    const found = await intactRows(this.#init.session, replacing, signal);
    if (found === replacing.rows) return;
    const { objects, lists } = replacing;
    const offset = startOfPass(this.#stored.manifest.offset);
    await this.#commit({ offset, replacing: undefined }, [this.#obsolete({ objects, lists })], signal);
    throw replaceCountDiffers(this.#init.name, found, replacing.rows);
  }

  get #isReplace(): boolean {
    return this.#init.request.plan.writeMode === 'Replace';
  }

  #obsolete({ objects, lists }: Pick<Manifest, 'objects' | 'lists'>) {
    return { objects, lists, since: new Date().toISOString() };
  }

  #result({ written, rejected, rejections }: Omit<Encoded, 'objects'>, totalRows: number): WriteResult {
    return { written, rejected, rejections, deleted: 0, totalRows };
  }

  /** The fields of the manifest that change with these objects. */
  async #added(
    objects: readonly WrittenObject[],
    rows: number,
    signal: AbortSignal,
  ): Promise<Partial<Manifest>> {
    const { session, prefix, request } = this.#init;
    const { manifest } = this.#stored;
    const total = manifest.rows + rows;
    if (!this.#isReplace) {
      const set = await sealed(session, prefix, request.plan.uid, withObjects(manifest, objects), signal);
      return { ...set, rows: total };
    }
    const { replacing } = manifest;
    if (!replacing) throw shadowMissing(this.#init.name);
    const set = await sealed(session, prefix, request.plan.uid, withObjects(replacing, objects), signal);
    return { replacing: { ...replacing, ...set, rows: replacing.rows + rows }, rows: total };
  }

  #names(offset: Offset, writer: BatchWriter): BatchNames {
    const sequence = this.#stored.manifest.sequence + 1;
    const offsets = { before: this.#stored.manifest.offset, after: encodeOffset(offset) };
    const number = this.#open ? this.#open.batches + 1 : 0;
    const { prefix, request } = this.#init;
    const stem = (folder: string, index: number) =>
      prefix + folder + objectName(request.plan.uid, sequence, offsets, index + number * 1_000_000);
    return { writer, sequence, number, stem, stored: [] };
  }

  /** The intent of a batch that is one object, as most are, is stored while its rows are encoded. */
  async #encode(batch: Batch, names: BatchNames, signal: AbortSignal): Promise<Encoded> {
    const { writer } = names;
    if (batch.rowCount === 0 || !writer.fillsOneObject(batch)) return await writer.encode(batch);
    const storing = this.#storeIntent([names.stem('', 0)], names, signal);
    storing.catch(() => {}); // awaited below
    try {
      return await writer.encode(batch);
    } finally {
      // A request that is late would replace the intent of a later batch.
      await storing;
    }
  }

  async #storeIntent(stems: readonly string[], names: BatchNames, signal: AbortSignal): Promise<void> {
    const isStored = stems.every((stem) => names.stored.includes(stem));
    if (isStored) return;
    const { intents } = this.#init;
    const { writer } = names;
    if (this.#open) this.#open.batches = names.number;
    const keys = stems.map((stem) => stem + writer.encoder.extension);
    await intents.store(keys, names.number, signal);
    names.stored = stems;
  }

  async #upload(
    objects: readonly NewObject[],
    names: BatchNames,
    signal: AbortSignal,
  ): Promise<readonly WrittenObject[]> {
    if (objects.length === 0) return [];
    const { session } = this.#init;
    const { writer } = names;
    const places = objects.map(({ folder, content }, index) => ({
      stem: names.stem(folder, index),
      content,
    }));
    const { extension, contentType } = writer.encoder;
    await this.#storeIntent(
      places.map(({ stem }) => stem),
      names,
      signal,
    );
    const written: WrittenObject[] = [];
    for (let from = 0; from < places.length; from += concurrentUploads) {
      const some = places.slice(from, from + concurrentUploads).map(async ({ stem, content }) => {
        const bytes = await content.encode();
        const key = await uploadObject(session, { stem, extension, contentType, bytes }, signal);
        return { key, rows: content.rows, bytes: bytes.length };
      });
      written.push(...(await Promise.all(some)));
    }
    return written;
  }

  /** Throws `fenced` or OffsetMoved if the stored manifest is not the one that this claim wrote last. */
  async #commit(
    change: { readonly [Field in keyof Manifest]?: Manifest[Field] | undefined },
    obsolete: NonNullable<Manifest['obsolete']>,
    signal: AbortSignal,
  ): Promise<void> {
    const { session, prefix, request } = this.#init;
    const { manifest, etag } = this.#stored;
    const key = manifestKey(prefix, request.plan.uid);
    const kept = await deleteObsolete(session, manifest, Date.now(), signal);
    const next: Manifest = {
      ...manifest,
      ...(change as Partial<Manifest>),
      obsolete: [...kept, ...obsolete],
      time: new Date().toISOString(),
      attempt: randomBytes(12).toString('hex'),
    };
    await reach('commit:before');
    const written = await writeManifest(session, key, next, etag, signal);
    if (written === undefined) throw await this.#lost(key, signal);
    this.#stored = { manifest: next, etag: written };
  }

  async #lost(key: string, signal: AbortSignal): Promise<Error> {
    const { session, token, name } = this.#init;
    const found = await readManifest(session, key, signal);
    if (!found || BigInt(found.manifest.token) !== token || found.manifest.closed)
      return writeIsFenced(token);
    if (found.manifest.offset !== this.#stored.manifest.offset) return offsetMovedInPass(name);
    this.#stored = found;
    return transient(
      'ConditionLost',
      `${session.where}: another write of ${key} came between: it is tried again`,
    );
  }
}
