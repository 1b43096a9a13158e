import type { Batch, RawRequest } from '../../../core/batch.ts';
import type {
  ClaimRequest,
  CommitRow,
  Destination,
  OffsetChange,
  PassStart,
  SystemIdentity,
  WritePlan,
  WriteResult,
} from '../../../core/connector.ts';
import { reach } from '../../../core/crash-points.ts';
import { bug, type Finding } from '../../../core/errors.ts';
import { lastChanges } from '../../../core/last-changes.ts';
import type { Offset } from '../../../core/offset.ts';
import { toPacked } from '../../../core/packed-rows.ts';
import type { DestinationObject, WriteMode } from '../../../core/sync-spec.ts';
import type { Token } from '../../../core/token.ts';
import type { Relation, Value } from '../../../core/values.ts';
import { joinName, splitName } from '../../sql/names.ts';
import { tableName } from '../names.ts';
import { type FilePlace, FileThread } from '../session.ts';
import { affinityOf } from '../types/column-types.ts';
import { createCommitTable } from './commit-rows.ts';
import { shadowName, swapStatements, targetStatements } from './ddl.ts';
import type { DestinationFile } from './destination-file.ts';

/** Writes one table of a file, in its own thread: a batch is one transaction of prepared statements. */
export class SqliteDestination implements Destination {
  readonly guarantee = 'ExactlyOnce';
  readonly name: string;
  readonly #thread: FileThread<DestinationFile>;
  readonly #table: string;
  #hasCommitTable = false;
  /** Outlives the thread, which ends when the destination rests. */
  #lastClaim: ClaimRequest | undefined;

  constructor(place: FilePlace, object: DestinationObject) {
    this.#thread = new FileThread({ ...place, role: 'destination', object });
    const parts = splitName(object.table ?? '', 'spec.destination.table');
    this.name = joinName(parts);
    this.#table = tableName(this.name, 'spec.destination.table');
  }

  identity(signal: AbortSignal): Promise<SystemIdentity> {
    return this.#thread.call(signal, 'identity');
  }

  async describe(signal: AbortSignal): Promise<Relation | null> {
    this.#hasCommitTable = await this.#thread.call(signal, 'hasCommitTable');
    return await this.#thread.call(signal, 'describe');
  }

  check(writeMode: WriteMode, signal: AbortSignal): Promise<readonly Finding[]> {
    return this.#thread.call(signal, 'check', writeMode);
  }

  hasRows(signal: AbortSignal): Promise<boolean> {
    return this.#thread.call(signal, 'hasRows');
  }

  statements(plan: WritePlan): readonly string[] {
    const table = plan.existing?.name ?? this.#table;
    return [
      ...(this.#hasCommitTable ? [] : [createCommitTable]),
      ...targetStatements(table, plan),
      ...(plan.writeMode === 'Replace' ? swapStatements(table, shadowName(plan.uid, table)) : []),
    ];
  }

  /** If both columns have the same affinity, both files store a value identically. */
  rawRequests(plan: WritePlan): readonly RawRequest[] {
    const isSame = plan.columns.columns.every(
      (column) => affinityOf(column.ddl) === affinityOf(column.source.nativeType),
    );
    return isSame ? [{ format: 'sqlite', as: plan.columns.columns.map(() => 'stored') }] : [];
  }

  commitRows(uid: string, signal: AbortSignal): Promise<readonly CommitRow[]> {
    return this.#thread.call(signal, 'commitRows', uid);
  }

  claim(request: ClaimRequest, signal: AbortSignal): Promise<CommitRow> {
    this.#lastClaim = request;
    return this.#thread.call(signal, 'claim', request);
  }

  largest(columns: readonly string[], signal: AbortSignal): Promise<readonly Value[] | null> {
    return this.#thread.call(signal, 'largest', columns, this.#lastClaim);
  }

  beginPass(pass: PassStart, signal: AbortSignal): Promise<void> {
    return this.#thread.call(signal, 'beginPass', pass);
  }

  async write(batch: Batch, signal: AbortSignal): Promise<WriteResult> {
    const plan = this.#lastClaim?.plan;
    if (!plan) throw bug('a batch needs a claim');
    const { upserts, deletions } = lastChanges(batch, plan);
    const packed = pack(upserts);
    const rows = { format: 'values', rows: deletions } as const;
    const removed = pack({ rows });
    await reach('commit:before');
    return await this.#thread.call(signal, 'write', { packed, deletions: removed, offset: batch.offset });
  }

  async endPass(offset: Offset | null, signal: AbortSignal): Promise<WriteResult> {
    await reach('commit:before');
    return await this.#thread.call(signal, 'endPass', offset);
  }

  setOffset(change: OffsetChange, signal: AbortSignal): Promise<CommitRow> {
    return this.#thread.call(signal, 'setOffset', change);
  }

  closeRows(uid: string, token: Token, signal: AbortSignal): Promise<void> {
    return this.#thread.call(signal, 'closeRows', uid, token);
  }

  rest(): Promise<void> {
    return this.#thread.close();
  }

  close(): Promise<void> {
    return this.#thread.close();
  }
}

function pack({ rows }: Pick<Batch, 'rows'>): readonly Uint8Array[] {
  if ('rows' in rows) return toPacked(rows.rows).packs;
  if (rows.format === 'sqlite') return rows.chunks;
  throw bug(`SQLite does not accept rows as ${rows.format}`);
}
