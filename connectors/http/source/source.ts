import type { Batch } from '../../../core/batch.ts';
import { type Clock, systemClock } from '../../../core/clock.ts';
import type { PassEnd, ReadRequest, Source, SystemAccess } from '../../../core/connector.ts';
import type { Finding } from '../../../core/errors.ts';
import { IdraError } from '../../../core/errors.ts';
import { jsonAccess } from '../../../core/records/json.ts';
import type { RecordColumn } from '../../../core/records/record-column.ts';
import { RowMaker } from '../../../core/records/rows.ts';
import type { Mode, SourceObject } from '../../../core/sync-spec.ts';
import type { Relation } from '../../../core/values.ts';
import { sourceFindings } from '../check.ts';
import { describeList } from '../describe.ts';
import { Session, type SessionOptions } from '../session.ts';
import { BatchMaker } from './batches.ts';
import { fieldOf, keyReader, type OrderField } from './field-filter.ts';
import type { WalkedItem } from './item-reader.ts';
import { IdBound, isBefore, lagOf, lagReport, snapshotReport, timeBoundMs } from './late-row-bound.ts';
import { PageReader } from './page-reader.ts';
import { PageWalk } from './page-walk.ts';
import { canonicalStart, type Start, startOf } from './position.ts';
import { SourceBehind } from './source-behind.ts';
import { SourceFields } from './source-fields.ts';

/** A list of an API as a source. */
export class HttpSource implements Source {
  readonly guarantee = 'AtLeastOnce';
  readonly #session: Session;
  readonly #object: SourceObject;
  readonly #fields: SourceFields;
  readonly #reader: PageReader;
  readonly #clock: Clock;
  #ids: IdBound | undefined;

  constructor(access: SystemAccess, object: SourceObject, options: SessionOptions = {}) {
    this.#fields = new SourceFields(object);
    this.#session = new Session(access, options);
    this.#object = object;
    this.#reader = new PageReader(this.#session, this.#fields);
    this.#clock = options.clock ?? systemClock;
  }

  describe(signal: AbortSignal): Promise<Relation> {
    const walk = new PageWalk({
      reader: this.#reader,
      paging: this.#fields.paging,
      keyOf: undefined,
      since: undefined,
      isSnapshot: true,
    });
    return describeList(walk.items(undefined, signal), this.#object, this.#fields.paging.isOnePage);
  }

  async check(mode: Mode): Promise<readonly Finding[]> {
    return sourceFindings(mode, this.#object, this.#fields);
  }

  canServe(): boolean {
    return false;
  }

  async *read(request: ReadRequest, signal: AbortSignal): AsyncGenerator<Batch, PassEnd> {
    const columns = request.relation.recordColumns ?? [];
    const field = fieldOf(request, columns);
    const start = canonicalStart(startOf(request), field);
    const pass = new Pass({ request, start, columns, field, clock: this.#clock });
    if (field && request.mode === 'Id' && lagOf(request) > 0 && start.progress?.bound === undefined) {
      const bound = await this.#idBound(request, field, start, signal);
      if (bound.kind !== 'upTo') {
        const isHeldBack = bound.kind === 'held';
        return { bound: lagReport, isHeldBack, hasRowsWaiting: isHeldBack, nullRows: bound.nullRows };
      }
      pass.idBound = bound.id;
    }
    const walk = new PageWalk({
      reader: this.#reader,
      paging: this.#fields.paging,
      keyOf: keyReader(this.#object.key ?? [], columns),
      since: start.since,
      isSnapshot: request.mode === 'Snapshot',
    });
    return yield* pass.batches(walk.items(start.progress?.place, signal), () => this.#reader.dateMs);
  }

  async timeZone(): Promise<string> {
    return 'UTC';
  }

  async estimateWaiting(): Promise<undefined> {
    return undefined;
  }

  async acknowledge(): Promise<void> {}

  async rest(): Promise<void> {
    this.#session.close();
  }

  async close(): Promise<void> {
    this.#session.close();
  }

  /** Looks through the list for the largest id, and waits until it is final. */
  async #idBound(
    request: ReadRequest,
    field: OrderField,
    { since }: Start,
    signal: AbortSignal,
  ): Promise<FoundBound> {
    const { read, compare } = field;
    const { paging } = this.#fields;
    const behind = new SourceBehind(request, field, since);
    const walk = new PageWalk({ reader: this.#reader, paging, keyOf: undefined, since, isSnapshot: true });
    let largest: string | undefined;
    let nullRows = 0;
    for await (const items of walk.items(undefined, signal)) {
      for (const { record } of items) {
        const id = record === undefined ? undefined : read(record);
        if (id === null) nullRows += 1;
        else behind.see(id);
        if (id === null || id === undefined) continue;
        if (since !== undefined && compare(id, since) <= 0) continue;
        if (largest === undefined || compare(id, largest) > 0) largest = id;
      }
    }
    behind.require();
    if (largest === undefined) return { kind: 'nothing', nullRows };
    this.#ids ??= new IdBound(lagOf(request), this.#clock, compare);
    const id = await this.#ids.take({ largest, since, mayWait: request.isProbe !== true }, signal);
    return id === undefined ? { kind: 'held', nullRows } : { kind: 'upTo', id };
  }
}

type FoundBound =
  | { readonly kind: 'nothing' | 'held'; readonly nullRows: number }
  | { readonly kind: 'upTo'; readonly id: string };

interface PassInput {
  readonly request: ReadRequest;
  readonly start: Start;
  readonly columns: readonly RecordColumn[];
  readonly field: OrderField | undefined;
  readonly clock: Clock;
}

/** One pass over the list: which of its items are handed on, and where it ends. */
class Pass {
  readonly #input: PassInput;
  /** Mode Id: the largest id that is final. */
  idBound: string | undefined;
  #timeBoundMs: number | undefined;
  #nullRows = 0;
  #oldestHeld: string | undefined;
  #newestSeen: string | undefined;
  readonly #behind: SourceBehind | undefined;

  constructor(input: PassInput) {
    this.#input = input;
    const { request, field, start } = input;
    // A pass that continues sees the rest of the list only.
    const isWhole = start.progress?.place === undefined;
    this.#behind = field && isWhole ? new SourceBehind(request, field, start.since) : undefined;
    const { bound } = start.progress ?? {};
    if (request.mode === 'Id') this.idBound = bound;
    else if (bound !== undefined) this.#timeBoundMs = Number(bound);
  }

  async *batches(
    items: AsyncGenerator<readonly WalkedItem[], void>,
    dateMs: () => number | undefined,
  ): AsyncGenerator<Batch, PassEnd> {
    const { request, columns, start } = this.#input;
    const rows = new RowMaker({ access: jsonAccess, columns }, request);
    let batch: BatchMaker | undefined;
    let count = 0;
    try {
      for await (const some of items)
        for (const item of some) {
          count += 1;
          this.#takeTimeBound(dateMs());
          batch ??= new BatchMaker(request, start, this.#bound, rows);
          const { record, bytes, place } = item;
          if (record === undefined) {
            rows.unreadable(`number ${count}`, 'is not valid JSON');
            batch.add(undefined, 0, place, undefined);
            continue;
          }
          const value = this.#valueOf(record);
          if (value === 'left out') continue;
          if (batch.isFullFor(bytes)) yield batch.take(false);
          batch.add(rows.row(record, undefined, `number ${count}`), bytes, place, this.#noted(value, batch));
        }
    } catch (thrown) {
      // What was read before the failure is kept, so that an API that fails now and then is read to its end.
      if (batch && !batch.isEmpty && isTransient(thrown)) yield batch.take(false);
      throw thrown;
    }
    if (batch && !batch.isEmpty) yield batch.take(true);
    this.#behind?.require();
    return this.#end();
  }

  get #bound(): string | undefined {
    return this.#timeBoundMs === undefined ? this.idBound : String(this.#timeBoundMs);
  }

  #takeTimeBound(apiMs: number | undefined): void {
    const { request, clock } = this.#input;
    if (request.mode === 'Timestamp') this.#timeBoundMs ??= timeBoundMs(request, apiMs, clock);
  }

  /** The value of the field; undefined: there is none, or it does not fit. */
  #valueOf(record: Parameters<OrderField['read']>[0]): string | undefined | 'left out' {
    const { field, start, request } = this.#input;
    if (!field) return undefined;
    const value = field.read(record);
    if (value === null) {
      this.#nullRows += 1;
      return 'left out';
    }
    this.#behind?.see(value);
    if (value === undefined) return undefined;
    if (start.since !== undefined && field.compare(value, start.since) <= 0) return 'left out';
    if (this.#newestSeen === undefined || field.compare(value, this.#newestSeen) > 0)
      this.#newestSeen = value;
    const isFinal =
      this.#timeBoundMs === undefined
        ? this.idBound === undefined || field.compare(value, this.idBound) <= 0
        : isBefore(value, this.#timeBoundMs, request.timeZone);
    if (isFinal) return value;
    if (this.#oldestHeld === undefined || field.compare(value, this.#oldestHeld) < 0)
      this.#oldestHeld = value;
    return 'left out';
  }

  #noted(value: string | undefined, { largest }: BatchMaker) {
    const { field } = this.#input;
    if (value === undefined || !field) return undefined;
    return {
      text: value,
      isLargest: largest === undefined || field.compare(value, largest) > 0,
      isOldest: (than: string | undefined) => than === undefined || field.compare(value, than) < 0,
    };
  }

  #end(): PassEnd {
    const { request, field } = this.#input;
    if (!field) return { bound: snapshotReport, isHeldBack: false };
    const hasZone = field.column.type.kind === 'timestamp' && field.column.type.hasZone;
    const isTime = request.mode === 'Timestamp';
    const oldest = this.#oldestHeld;
    const mark = request.mark ?? this.#newestSeen;
    const isHeldBack =
      isTime && oldest !== undefined && mark !== undefined && field.compare(oldest, mark) <= 0;
    return {
      bound: isTime && !hasZone ? { ...lagReport, timeZone: request.timeZone } : lagReport,
      nullRows: this.#nullRows,
      isHeldBack,
      hasRowsWaiting: oldest !== undefined,
      ...(isHeldBack && { mark }),
      ...(isTime && oldest !== undefined && { oldestWaiting: oldest }),
    };
  }
}

function isTransient(thrown: unknown): boolean {
  return thrown instanceof IdraError && thrown.disposition === 'transient';
}
