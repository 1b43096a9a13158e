import { randomBytes } from 'node:crypto';
import type { Batch, RawRequest } from '../../../core/batch.ts';
import type {
  ClaimRequest,
  CommitRow,
  Destination,
  Guarantee,
  OffsetChange,
  PassStart,
  SystemAccess,
  WritePlan,
  WriteResult,
} from '../../../core/connector.ts';
import { bug, type Finding, permanent, transient } from '../../../core/errors.ts';
import type { Offset } from '../../../core/offset.ts';
import { offsetMoved } from '../../../core/offset-moved.ts';
import { columnOf } from '../../../core/records/columns.ts';
import { formatPath } from '../../../core/records/path.ts';
import { requireShape } from '../../../core/relation-shape.ts';
import type { DestinationObject, WriteMode } from '../../../core/sync-spec.ts';
import type { Token } from '../../../core/token.ts';
import type { Column, Relation, Value } from '../../../core/values.ts';
import { writeIsFenced } from '../../sql/destination/commit-table.ts';
import { destinationFindings } from '../check.ts';
import { formatOf } from '../object-format.ts';
import { S3Session } from '../session.ts';
import { ObjectList } from '../source/object-list.ts';
import { BatchWriter } from './batch-writer.ts';
import { ClaimedPrefix } from './claim.ts';
import {
  commitRowOf,
  hasObjects,
  type Manifest,
  manifestKey,
  ownFolder,
  readManifest,
  readManifests,
  requireOpenPrefix,
  writeManifest,
} from './commit-rows.ts';
import { deleteLeftovers, highestSequence, Intents } from './leftovers.ts';
import { partitionRefusal } from './partitions.ts';
import { onlyAppended, RawObjects, requireRawColumns } from './raw-objects.ts';
import { changed, close, storeClaim } from './store-claim.ts';

const path = 'spec.destination.prefix';

/** Writes objects below a prefix; the manifest of the Sync says which of them are committed. */
export class S3Destination implements Destination {
  readonly guarantee: Guarantee;
  readonly name: string;
  readonly #access: SystemAccess;
  readonly #object: DestinationObject;
  readonly #prefix: string;
  readonly #isRaw: boolean;
  #session: S3Session | undefined;
  /** Names what this process may leave; the same for all of its claims. */
  readonly #owner: string = randomBytes(8).toString('hex');
  #claimed: ClaimedPrefix | undefined;

  constructor(access: SystemAccess, object: DestinationObject) {
    this.#access = access;
    this.#object = object;
    this.#prefix = object.prefix ?? '';
    this.name = `${access.config.bucket}/${this.#prefix}`;
    requirePrefix(this.#prefix);
    requireOpenPrefix(this.#prefix, path);
    this.#isRaw = formatOf(object, 'destination').name === 'Raw';
    // Whole objects are there before the manifest is: readers see a batch that is not committed yet.
    this.guarantee = this.#isRaw ? 'AtLeastOnce' : 'ExactlyOnce';
  }

  /** The columns of what Idra wrote here before. */
  async describe(signal: AbortSignal): Promise<Relation | null> {
    const session = this.#open(signal);
    const manifests = (await readManifests(session, this.#prefix, signal)).map(({ manifest }) => manifest);
    const written = manifests.filter((each) => !each.closed || hasObjects(each));
    if (written.length > 0) return { name: this.name, columns: unionOf(written), keys: [] };
    const first = await new ObjectList(session, this.#prefix).next(signal);
    return first ? { name: this.name, columns: [], keys: [], hasOpenColumns: true } : null;
  }

  async check(writeMode: WriteMode, signal: AbortSignal): Promise<readonly Finding[]> {
    if (this.#isRaw && writeMode !== 'Append') return [onlyAppended(writeMode)];
    return await destinationFindings(this.#open(signal), this.#prefix, writeMode, signal);
  }

  async hasRows(signal: AbortSignal): Promise<boolean> {
    const session = this.#open(signal);
    return (await new ObjectList(session, this.#prefix).next(signal)) !== undefined;
  }

  statements(plan: WritePlan): readonly string[] {
    const url = `s3://${this.name}`;
    return [
      `PUT ${url}${ownFolder}${plan.uid}.json, if it is the one that was read`,
      `PUT ${url}${(this.#object.partitionBy ?? []).map(({ column }) => `${column}=.../`).join('')}${plan.uid}-..., for each batch`,
    ];
  }

  rawRequests(): readonly RawRequest[] {
    return [];
  }

  async commitRows(_uid: string, signal: AbortSignal): Promise<readonly CommitRow[]> {
    const found = await readManifests(this.#open(signal), this.#prefix, signal);
    return found.map(({ manifest }) => ({ ...commitRowOf(manifest), table: this.name }));
  }

  async claim(request: ClaimRequest, signal: AbortSignal): Promise<CommitRow> {
    const session = this.#open(signal);
    const { plan } = request;
    this.#requirePartitions(plan);
    if (this.#isRaw) requireRawColumns(plan);
    await this.#requireUnchanged(plan, signal);
    const intents = new Intents(session, this.#prefix, plan.uid, this.#owner);
    const { keys, old } = await intents.stored(signal);
    const format = this.#object.format ?? 'JSONLines';
    const usedSequence = highestSequence(keys, plan.uid);
    const init = { session, prefix: this.#prefix, name: this.name, request, format, usedSequence };
    const stored = await storeClaim(init, signal);
    await deleteLeftovers(session, keys, stored.manifest, signal);
    await session.remove(old, signal);
    const token = BigInt(stored.manifest.token);
    const writer = this.#isRaw
      ? new RawObjects({ session, prefix: this.#prefix, plan, token })
      : new BatchWriter({ plan, object: this.#object, name: this.name });
    this.#claimed = new ClaimedPrefix({ ...init, token, writer, intents, stored });
    return commitRowOf(stored.manifest);
  }

  #requirePartitions(plan: WritePlan): void {
    const columns = plan.columns.columns.map(({ name, source }) => ({ name, type: source.type }));
    for (const field of this.#object.partitionBy ?? []) {
      const refusal = partitionRefusal(field, columns);
      if (refusal === undefined) continue;
      throw permanent('PartitionRefused', `${this.name} cannot be partitioned: ${refusal}`, {
        path: 'spec.destination.partitionBy',
        fix: 'name a column of the destination; Day and Hour need a timestamp, or Day a date',
      });
    }
  }

  /** What is there must be what was planned for (Invariant 11). */
  async #requireUnchanged({ existing }: WritePlan, signal: AbortSignal): Promise<void> {
    if (!existing || existing.hasOpenColumns) return;
    const now = await this.describe(signal);
    if (now && isExtended(existing, now)) return;
    requireShape(existing, now);
  }

  async largest(): Promise<readonly Value[] | null> {
    throw bug(`${this.name} has no largest value`);
  }

  async beginPass(pass: PassStart, signal: AbortSignal): Promise<void> {
    await this.#owned().beginPass(pass, signal);
  }

  async write(batch: Batch, signal: AbortSignal): Promise<WriteResult> {
    signal.throwIfAborted();
    return await this.#owned().write(batch, signal);
  }

  async endPass(offset: Offset | null, signal: AbortSignal): Promise<WriteResult> {
    return await this.#owned().endPass(offset, signal);
  }

  async setOffset({ uid, expected, offset, token }: OffsetChange, signal: AbortSignal): Promise<CommitRow> {
    const session = this.#open(signal);
    const key = manifestKey(this.#prefix, uid);
    const found = await readManifest(session, key, signal);
    if (!found || BigInt(found.manifest.token) !== token || found.manifest.closed) throw writeIsFenced(token);
    if (found.manifest.offset !== expected) throw offsetMoved(expected, found.manifest.offset);
    const manifest = changed(found.manifest, { offset });
    const etag = await writeManifest(session, key, manifest, found.etag, signal);
    if (etag === undefined)
      throw transient('ConditionLost', `${session.where}: another write of ${key} came between`);
    this.#claimed?.storedIs({ manifest, etag });
    return commitRowOf(manifest);
  }

  async closeRows(uid: string, token: Token, signal: AbortSignal): Promise<void> {
    await close(this.#open(signal), this.#prefix, uid, token, signal);
  }

  async rest(): Promise<void> {
    this.#claimed = undefined;
    const session = this.#session;
    this.#session = undefined;
    await session?.close();
  }

  async close(): Promise<void> {
    await this.rest();
  }

  #open(signal: AbortSignal): S3Session {
    signal.throwIfAborted();
    this.#session ??= new S3Session(this.#access);
    return this.#session;
  }

  #owned(): ClaimedPrefix {
    if (!this.#claimed) throw bug(`${this.name} is written without a claim`);
    return this.#claimed;
  }
}

function requirePrefix(prefix: string): void {
  if (prefix === '' || prefix.endsWith('/')) return;
  throw permanent(
    'NameInvalid',
    `the prefix ${prefix} does not end in a slash: objects of others may begin with it`,
    {
      path,
      fix: `write ${prefix}/`,
    },
  );
}

/** Of all Syncs that write here. */
function unionOf(manifests: readonly Manifest[]): readonly Column[] {
  const columns = new Map<string, Column>();
  for (const { name, type, nullable } of manifests.flatMap((each) => each.columns))
    if (!columns.has(name)) columns.set(name, columnOf({ name, type, nullable, path: formatPath([name]) }));
  return [...columns.values()];
}

/** Another Sync, or this one before it was interrupted, has only added columns. */
function isExtended(planned: Relation, now: Relation): boolean {
  return planned.columns.every((column) =>
    now.columns.some((each) => each.name === column.name && each.nativeType === column.nativeType),
  );
}
