import type { Batch, RawRequest, Rows } from '../../../core/batch.ts';
import { systemClock } from '../../../core/clock.ts';
import type { CountRequest, PassEnd, ReadRequest, Source, SystemIdentity } from '../../../core/connector.ts';
import type { Finding } from '../../../core/errors.ts';
import { PackedRows } from '../../../core/packed-rows.ts';
import { shapeOf } from '../../../core/relation-shape.ts';
import type { RowCount } from '../../../core/row-count.ts';
import type { Mode, SourceObject } from '../../../core/sync-spec.ts';
import type { Column, Relation } from '../../../core/values.ts';
import { countBetween } from '../../sql/source/count-between.ts';
import { type Range, selectRange, whereRange } from '../../sql/source/keyset.ts';
import { keyNullable } from '../../sql/source/order-check.ts';
import {
  findColumn,
  largest,
  orderColumns,
  type Part,
  type PassBound,
  type RangeReader,
  readPass,
} from '../../sql/source/read-pass.ts';
import { countLimit } from '../describe.ts';
import { styleReader } from '../destination/distinct-keys.ts';
import { type FilePlace, FileThread } from '../session.ts';
import { dialect } from '../types/literals.ts';
import { canonicalTimestamp, shapeLike } from '../types/time-text.ts';
import { LateRowBound } from './late-row-bound.ts';
import type { PackedPart, PartRequest } from './page-reader.ts';
import type { SourceFile } from './source-file.ts';

/** Reads one table, view or query of a file, in its own thread. */
export class SqliteSource implements Source, RangeReader {
  readonly dialect = dialect;
  readonly mostCounted = countLimit;
  readonly #thread: FileThread<SourceFile>;
  readonly #bound: LateRowBound;
  #from: string | undefined;
  #identity: SystemIdentity = [];
  /** The spelling styles of the keys seen so far. */
  #styles: readonly string[] | null = null;

  constructor(place: FilePlace, object: SourceObject) {
    this.#thread = new FileThread({ ...place, role: 'source', object });
    const probe = {
      probeWriter: (signal: AbortSignal) => this.#thread.call(signal, 'probeWriter'),
      largest: (field: Column, signal: AbortSignal) => largest(this, field, signal),
    };
    this.#bound = new LateRowBound(probe, systemClock, place.file);
  }

  async identity(signal: AbortSignal): Promise<SystemIdentity> {
    this.#identity = await this.#thread.call(signal, 'identity');
    return this.#identity;
  }

  describe(signal: AbortSignal): Promise<Relation> {
    return this.#thread.call(signal, 'describe');
  }

  check(mode: Mode, signal: AbortSignal): Promise<readonly Finding[]> {
    return this.#thread.call(signal, 'check', mode);
  }

  canServe(request: RawRequest): boolean {
    return request.format === 'sqlite';
  }

  async *read(request: ReadRequest, signal: AbortSignal): AsyncGenerator<Batch, PassEnd> {
    const field =
      request.timestampField === undefined ? undefined : findColumn(request.relation, request.timestampField);
    const hasZone = field?.type.kind === 'timestamp' && field.type.hasZone;
    const shaped = await this.#shapeOffset(request, field, signal);
    let last = shaped.after;
    const pass = readPass(this, shaped, signal);
    try {
      for (;;) {
        const step = await pass.next();
        if (step.done) {
          await this.#requireKeys(request, signal);
          if (field && last?.mode === 'Timestamp')
            await this.#thread.call(signal, 'requireTimeOrder', field.name, last.at);
          return endOf(step.value, hasZone);
        }
        const { lastTimestamp, offset } = step.value;
        last = offset;
        yield lastTimestamp === undefined
          ? step.value
          : { ...step.value, lastTimestamp: canonicalTimestamp(lastTimestamp, hasZone) };
      }
    } finally {
      await pass.return({ bound: { kind: 'none' }, isHeldBack: false });
    }
  }

  /** Rows that got NULL in their primary key after planning are not read by any range. */
  async #requireKeys(request: ReadRequest, signal: AbortSignal): Promise<void> {
    if (request.relation.isOpaque) return;
    const keys = orderColumns(request)
      .slice(request.mode === 'Snapshot' ? 0 : 1)
      .map((column) => column.name);
    const count = keys.length === 0 ? 0 : await this.#thread.call(signal, 'countNullKeys', keys);
    if (count > 0) throw keyNullable(count, request.relation.name, keys);
  }

  async *readRange(range: Range, request: ReadRequest, signal: AbortSignal): AsyncGenerator<Part> {
    if (range.orderBy.length === 0) yield* this.#scan(range, request, signal);
    else yield* this.#readByKey(range, request, signal);
  }

  takeBound(request: ReadRequest, field: Column, signal: AbortSignal): Promise<PassBound> {
    return this.#bound.take(request, field, signal);
  }

  async timeZone(): Promise<string> {
    return 'UTC';
  }

  async estimateWaiting(request: ReadRequest, signal: AbortSignal): Promise<number | undefined> {
    const orderBy = orderColumns(request);
    const after =
      request.after === null ? null : offsetKey(await this.#shapeOffset(request, orderBy[0], signal));
    const where = whereRange(dialect, { orderBy, after, upTo: undefined });
    return await this.count(where, signal);
  }

  async countBetween(range: CountRequest, signal: AbortSignal): Promise<RowCount | undefined> {
    const [field] = orderColumns(range.request);
    const request = await this.#shapeOffset(range.request, field, signal);
    const { upTo } = range;
    if (upTo === null || upTo === 'end') return await countBetween(this, { request, upTo }, signal);
    const end = await this.#shapeOffset({ ...range.request, after: upTo }, field, signal);
    return await countBetween(this, { request, upTo: end.after }, signal);
  }

  /** Nothing to do: reading does not remove rows from a file. */
  async acknowledge(): Promise<void> {}

  rest(): Promise<void> {
    return this.#thread.close();
  }

  close(): Promise<void> {
    return this.#thread.close();
  }

  /** Each part is its own statement: no snapshot, and in a file without WAL no lock, is held while the part is written. */
  async *#readByKey(range: Range, request: ReadRequest, signal: AbortSignal): AsyncGenerator<Part> {
    let after = range.after;
    let maxRows = range.maxRows ?? request.limits.maxRows;
    for (;;) {
      const part = await this.#thread.call(
        signal,
        'readPart',
        await this.#partRequest({ ...range, after, maxRows }, request, signal),
      );
      this.#styles = part.styles ?? this.#styles;
      if (part.rowCount > 0) yield toPart(part, request);
      after = part.lastKey;
      maxRows -= part.rowCount;
      if (part.isEnd || maxRows <= 0) return;
    }
  }

  async *#scan(range: Range, request: ReadRequest, signal: AbortSignal): AsyncGenerator<Part> {
    await this.#thread.call(signal, 'startScan', await this.#partRequest(range, request, signal));
    try {
      for (;;) {
        const part = await this.#thread.call(signal, 'nextPart');
        if (part.rowCount > 0) yield toPart(part, request);
        if (part.isEnd) return;
      }
    } finally {
      // If the signal has ended the thread, its scan has ended too.
      if (this.#thread.isRunning) await this.#thread.call(undefined, 'endScan');
    }
  }

  async #partRequest(range: Range, request: ReadRequest, signal: AbortSignal): Promise<PartRequest> {
    const { columns, orderBy } = range;
    const from = await this.#fromClause(signal);
    return {
      sql: selectRange(dialect, from, range, request.rowFormat),
      columns,
      keys: orderBy.map((column) => columns.findIndex((each) => each.name === column.name)),
      isStored: request.rowFormat.format === 'sqlite',
      maxRows: Math.min(range.maxRows ?? request.limits.maxRows, request.limits.maxRows),
      maxBytes: request.limits.maxBytes,
      shape: shapeOf(request.relation),
      identity: this.#identity,
      ...this.#distinctKeys(range, request, from),
    };
  }

  #distinctKeys(
    { columns }: Range,
    { relation, distinct = [], redactsKeys = false }: ReadRequest,
    from: string,
  ): Pick<PartRequest, 'distinct'> {
    if (distinct.length === 0) return {};
    const places = distinct.map((name) => columns.findIndex((column) => column.name === name));
    const keys = {
      relation: relation.name,
      from,
      columns: distinct.map((name) => findColumn(relation, name)),
      places,
      styles: this.#styles,
      redactsKeys,
    };
    return styleReader(keys) ? { distinct: keys } : {};
  }

  /**
   * Converts an offset from elsewhere to the format in which this file stores its times. If a row has exactly the given text, it is kept,
   * because the digits of fractions may differ between rows.
   */
  async #shapeOffset(
    request: ReadRequest,
    field: Column | undefined,
    signal: AbortSignal,
  ): Promise<ReadRequest> {
    const { after } = request;
    if (after?.mode !== 'Timestamp' || !field) return request;
    const sample = await largest(this, field, signal);
    const at = sample === undefined ? after.at : shapeLike(after.at, sample);
    if (at === after.at) return request;
    const name = dialect.quote(field.name);
    const same = `WHERE ${name} = ${dialect.literal(after.at, field)}`;
    const isStored = (await this.first(field, same, signal)) !== undefined;
    return isStored ? request : { ...request, after: { ...after, at } };
  }

  async first(field: Column, tail: string, signal: AbortSignal): Promise<string | undefined> {
    const sql = `SELECT ${dialect.quote(field.name)} FROM ${await this.#fromClause(signal)} ${tail} LIMIT 1`;
    return await this.#thread.call(signal, 'firstKey', sql, field);
  }

  async count(where: string, signal: AbortSignal): Promise<number> {
    return await this.#thread.call(
      signal,
      'count',
      `SELECT 1 FROM ${await this.#fromClause(signal)} ${where}`,
    );
  }

  async largestIssued(field: Column, signal: AbortSignal): Promise<bigint | undefined> {
    return field.isIdentity ? await this.#thread.call(signal, 'largestIssued') : undefined;
  }

  async #fromClause(signal: AbortSignal): Promise<string> {
    this.#from ??= await this.#thread.call(signal, 'fromClause');
    return this.#from;
  }
}

function offsetKey(request: ReadRequest): readonly string[] | null {
  switch (request.after?.mode) {
    case 'Snapshot':
      return request.after.key;
    case 'Id':
      return [request.after.id, ...(request.after.key ?? [])];
    case 'Timestamp':
      return [request.after.at, ...request.after.key];
    default:
      return null;
  }
}

function toPart(part: PackedPart, request: ReadRequest): Part {
  const { packed, rowCount, byteCount, lastKey } = part;
  return { rows: toRows(packed, rowCount, request), rowCount, byteCount, lastKey };
}

function toRows(packed: readonly Uint8Array[], rowCount: number, request: ReadRequest): Rows {
  const chunks = packed.map((bytes) => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
  return request.rowFormat.format === 'sqlite'
    ? { format: 'sqlite', chunks }
    : { format: 'values', rows: new PackedRows(chunks, rowCount) };
}

/** Rows waiting in the current second are mentioned only if there are any. */
function endOf(end: PassEnd, hasZone: boolean): PassEnd {
  const { heldBackBy, ...bound } = end.bound;
  return {
    ...end,
    bound: end.isHeldBack && heldBackBy ? { ...bound, heldBackBy } : bound,
    ...(end.oldestWaiting === undefined
      ? {}
      : { oldestWaiting: canonicalTimestamp(end.oldestWaiting, hasZone) }),
  };
}
