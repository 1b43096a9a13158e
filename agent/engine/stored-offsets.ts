import type { Batch } from '../../core/batch.ts';
import type {
  ClaimRequest,
  CommitRow,
  Destination,
  OffsetChange,
  PassStart,
  PlainDestination,
  SystemIdentity,
  WritePlan,
  WriteResult,
} from '../../core/connector.ts';
import { reach } from '../../core/crash-points.ts';
import { bug, type Finding } from '../../core/errors.ts';
import { encodeOffset, type Offset } from '../../core/offset.ts';
import { offsetMoved } from '../../core/offset-moved.ts';
import { qualifiedName, type Sync, type WriteMode } from '../../core/sync-spec.ts';
import type { SyncProgress } from '../../core/sync-store.ts';
import type { Token } from '../../core/token.ts';
import type { Relation } from '../../core/values.ts';

/** Stores the offset of a Sync whose destination cannot store it. */
export interface OffsetKeeper {
  readOffset(): Promise<string | null>;
  /** Durable when it returns; legal only while the Sync's lock is held. */
  writeOffset(offset: string | null): Promise<void>;
  /** As last written. */
  progress(): SyncProgress;
}

/**
 * Extends a PlainDestination to a Destination: its commit row is derived from the store of the Sync. The count of rows is stored at the end
 * of a pass, the offset with each batch, so after a crash the count may be too low (docs/status.md).
 */
export class StoredOffsets implements Destination {
  readonly guarantee = 'AtLeastOnce';
  readonly #plain: PlainDestination;
  readonly #sync: Sync;
  readonly #keeper: OffsetKeeper;
  #rows = 0;
  #stored: string | null = null;
  /** The rows of a pass that is written as a whole are counted when it has ended. */
  #isWholePass = false;

  constructor(plain: PlainDestination, sync: Sync, keeper: OffsetKeeper) {
    this.#plain = plain;
    this.#sync = sync;
    this.#keeper = keeper;
  }

  get name(): string {
    return this.#plain.name;
  }

  async identity(signal: AbortSignal): Promise<SystemIdentity> {
    return (await this.#plain.identity?.(signal)) ?? [];
  }

  describe(signal: AbortSignal): Promise<Relation | null> {
    return this.#plain.describe(signal);
  }

  check(writeMode: WriteMode, signal: AbortSignal): Promise<readonly Finding[]> {
    return this.#plain.check(writeMode, signal);
  }

  hasRows(signal: AbortSignal): Promise<boolean> {
    return this.#plain.hasRows(signal);
  }

  statements(plan: WritePlan): readonly string[] {
    return this.#plain.statements(plan);
  }

  rawRequests(plan: WritePlan) {
    return this.#plain.rawRequests(plan);
  }

  async commitRows(): Promise<readonly CommitRow[]> {
    const { fingerprint, rows = 0, target, lastSyncTime = '' } = this.#keeper.progress();
    if (fingerprint === undefined) return [];
    const row = { ...this.#identityOf(fingerprint), offset: await this.#keeper.readOffset(), rows };
    return [{ ...row, token: 0n, time: lastSyncTime, ...(target !== undefined && { target }) }];
  }

  async claim(request: ClaimRequest, signal: AbortSignal): Promise<CommitRow> {
    await this.#plain.prepare(request, signal);
    const [stored] = request.offset === 'keep' ? await this.commitRows() : [];
    if (!stored) await this.#keeper.writeOffset(null);
    this.#rows = stored?.rows ?? 0;
    this.#stored = stored?.offset ?? null;
    const target = (await this.#plain.describe(signal))?.identity;
    return {
      ...this.#identityOf(request.fingerprint),
      // The token is visible to nobody else: the lock of the Sync excludes other owners.
      token: request.token === 'next' ? 1n : request.token,
      offset: stored?.offset ?? null,
      rows: this.#rows,
      time: '',
      ...(target !== undefined && { target }),
    };
  }

  largest(): Promise<never> {
    throw bug('a destination that stores no offsets has no largest value');
  }

  beginPass(pass: PassStart, signal: AbortSignal): Promise<void> {
    this.#isWholePass = pass.isAtomic;
    return this.#plain.beginPass(pass, signal);
  }

  async write(batch: Batch, signal: AbortSignal): Promise<WriteResult> {
    const result = await this.#plain.write(batch, signal, this.#stored);
    if (!this.#isWholePass) await this.#keep(batch.offset);
    this.#rows += result.written;
    return { ...result, totalRows: this.#rows };
  }

  async endPass(offset: Offset | null, signal: AbortSignal): Promise<WriteResult> {
    const result = await this.#plain.endPass(signal);
    await this.#keep(offset);
    this.#isWholePass = false;
    this.#rows += result.written;
    return { ...result, totalRows: this.#rows };
  }

  async setOffset({ expected, offset, token }: OffsetChange): Promise<CommitRow> {
    const [row] = await this.commitRows();
    if (!row) throw bug('an offset is set without a claim');
    if (row.offset !== expected) throw offsetMoved(expected, row.offset);
    await this.#keeper.writeOffset(offset);
    this.#stored = offset;
    return { ...row, token, offset };
  }

  /** The stored data is deleted with the Sync's other keys. */
  async closeRows(_uid: string, _token: Token): Promise<void> {}

  rest(): Promise<void> {
    return this.#plain.rest();
  }

  close(): Promise<void> {
    return this.#plain.close();
  }

  /** Rows first, then the offset: a crash between them writes rows twice. */
  async #keep(offset: Offset | null): Promise<void> {
    await reach('commit:before');
    const text = offset && encodeOffset(offset);
    await this.#keeper.writeOffset(text);
    this.#stored = text;
  }

  #identityOf(fingerprint: string): Pick<CommitRow, 'uid' | 'table' | 'name' | 'fingerprint' | 'isClosed'> {
    return {
      uid: this.#sync.uid,
      table: this.#plain.name,
      name: qualifiedName(this.#sync),
      fingerprint,
      isClosed: false,
    };
  }
}
