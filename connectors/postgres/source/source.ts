import type { Batch, RawRequest } from '../../../core/batch.ts';
import { systemClock } from '../../../core/clock.ts';
import type { ReadColumn } from '../../../core/column-plan.ts';
import type { PassEnd, ReadRequest, Source, SystemAccess, SystemIdentity } from '../../../core/connector.ts';
import { changesWhileRead, type Finding } from '../../../core/errors.ts';
import { requireShape } from '../../../core/relation-shape.ts';
import type { Mode, SourceObject } from '../../../core/sync-spec.ts';
import { OneSystem } from '../../../core/system-identity.ts';
import type { Column, Relation } from '../../../core/values.ts';
import { OwnSession } from '../../sql/connection/own-session.ts';
import { serverInteger } from '../../sql/connection/server-integer.ts';
import { countBetween } from '../../sql/source/count-between.ts';
import { type Range, whereRange } from '../../sql/source/keyset.ts';
import {
  largest,
  orderColumns,
  type Part,
  type PassBound,
  type RangeReader,
  readPass,
  startAfter,
} from '../../sql/source/read-pass.ts';
import { issuedSql } from '../catalog.ts';
import { indexFindingsOf, orderFindings, readFindings } from '../check.ts';
import { readConfig } from '../config.ts';
import { ShapeDiffers } from '../connection/copy.ts';
import { readerName } from '../connection/open.ts';
import { type ExpectedShape, readFields, readRows } from '../connection/read-only.ts';
import type { Names } from '../connection/search-path.ts';
import type { TextRow } from '../connection/statements.ts';
import {
  bareQuery,
  describeQuery,
  describeSource,
  fromQuery,
  isHidingRefused,
  refuseHidingSql,
  refusesHiding,
  withHiddenRows,
} from '../describe.ts';
import { mayBeSchemaChange } from '../errors.ts';
import { queryShapeQuery, tableShapeQuery } from '../fingerprint.ts';
import { quoteName, resolveName } from '../names.ts';
import { Session } from '../session.ts';
import { keyDecoderOf } from '../types/binary-keys.ts';
import { dialect } from '../types/literals.ts';
import { moneyFindings } from '../types/money.ts';
import { binaryItem, ownItem, tsvItem } from '../types/row-formats.ts';
import { withBadColumn } from './bad-encoding.ts';
import { elsewhereFinding, rowsFromElsewhere } from './foreign-rows.ts';
import { LateRowBound } from './late-row-bound.ts';
import { requireOneStatement } from './one-statement.ts';
import { canonicalText, copyParts } from './page-reader.ts';
import { otherZones, serverTimeZone } from './time-zone.ts';

/** For an estimate, rows are counted up to this number; beyond it the planner's estimate is reported. */
const countLimit = 100_000;
/** Attempts for an object whose catalog entries keep changing without changing its shape. */
const shapeAttempts = 5;

/** A page is a range of an index. Whatever cost the planner assumes, other plans read the whole table for each page. */
const byIndex = 'SET enable_seqscan = off; SET enable_bitmapscan = off; SET enable_sort = off';

/** Reads one table, view or query by COPY, over one connection. */
export class PostgresSource implements Source, RangeReader {
  readonly dialect = dialect;
  readonly mostCounted = countLimit;
  readonly #object: SourceObject;
  readonly #bound = new LateRowBound(systemClock);
  readonly #session: OwnSession<Session>;
  readonly #names: Names;
  readonly #system = new OneSystem();
  readonly #dataSource: string;
  #from: string | undefined;
  #relation: Relation | undefined;
  #shape: ExpectedShape | undefined;

  constructor(access: SystemAccess, object: SourceObject) {
    this.#object = object;
    this.#dataSource = access.dataSource;
    const { search_path } = readConfig(access).parameters;
    this.#names = object.query !== undefined || search_path !== undefined ? 'users' : 'own';
    this.#session = new OwnSession(access.dataSource, (signal) => openReader(access, object, signal));
  }

  async describe(signal: AbortSignal): Promise<Relation> {
    const session = await this.#open(signal);
    const { query, table } = this.#object;
    // Read first: a change meanwhile is detected by the first read, which describes the object again.
    const shape = await this.#readShape(session, signal).catch((error: unknown) => ({ error }));
    const relation =
      query === undefined
        ? await describeSource(session, table ?? '', tablePath)
        : await describeQuery(session, query);
    this.#relation = await withHiddenRows(session, relation, await this.#readObject(session));
    if ('error' in shape) throw shape.error;
    this.#shape = shape;
    return this.#relation;
  }

  async check(mode: Mode, signal: AbortSignal): Promise<readonly Finding[]> {
    const session = await this.#open(signal);
    const zones = this.#isReadInServersZone(mode) ? await otherZones(session, signal) : [];
    const money = this.#relation ? await moneyFindings(session, this.#relation, 'spec.source', signal) : [];
    return [
      ...(await readFindings(session, mode, signal)),
      ...(await this.#elsewhereFindings(session, mode, signal)),
      ...zones,
      ...money,
      ...(await this.#orderFindings(session, signal)),
      ...(await indexFindingsOf(session, mode, this.#object, this.#relation, signal)),
    ];
  }

  async #elsewhere(session: Session, signal: AbortSignal): Promise<string | undefined> {
    const oid = this.#object.query === undefined ? this.#relation?.identity : undefined;
    return await rowsFromElsewhere(session, { ...(await this.#readObject(session)), oid }, signal);
  }

  async #elsewhereFindings(session: Session, mode: Mode, signal: AbortSignal): Promise<Finding[]> {
    if (mode === 'Snapshot') return [];
    const why = await this.#elsewhere(session, signal);
    return why === undefined ? [] : [elsewhereFinding(this.#relation?.name ?? '', why)];
  }

  #isReadInServersZone(mode: Mode): boolean {
    const { timestampField, timeZone } = this.#object;
    if (!mode.endsWith('Timestamp') || timeZone !== undefined) return false;
    const type = this.#relation?.columns.find((each) => each.name === timestampField)?.type;
    return type !== undefined && !(type.kind === 'timestamp' && type.hasZone);
  }

  async #orderFindings(session: Session, signal: AbortSignal): Promise<Finding[]> {
    const { columns = [], name = '' } = this.#relation ?? {};
    const paging = this.#pagingColumns();
    const names = columns.map((each) => each.name).filter((each) => paging.has(each));
    return await orderFindings(
      session,
      { ...(await this.#readObject(session)), name, columns: names },
      signal,
    );
  }

  canServe({ format, as }: RawRequest, columns: readonly ReadColumn[]): boolean {
    const item = format === 'pgcopy-binary' ? binaryItem : format === 'tsv' ? tsvItem : undefined;
    if (!item || columns.length === 0) return false;
    const paging = this.#pagingColumns();
    return columns.every(({ column }, index) => {
      const wanted = as[index] ?? '';
      if (item(column, wanted) === undefined) return false;
      return format !== 'pgcopy-binary' || !paging.has(column.name) || keyDecoderOf(wanted) !== undefined;
    });
  }

  read(request: ReadRequest, signal: AbortSignal): AsyncGenerator<Batch, PassEnd> {
    return readPass(this, request, signal);
  }

  async *readRange(range: Range, request: ReadRequest, signal: AbortSignal): AsyncGenerator<Part> {
    // The latest description does not apply to a plan that was made before it.
    if (this.#relation && this.#relation !== request.relation) requireShape(request.relation, this.#relation);
    for (let attempt = 1; ; attempt++) {
      try {
        return yield* this.#copyRange(range, request, signal);
      } catch (thrown) {
        if (isHidingRefused(thrown) && refusesHiding(request.relation))
          requireShape(request.relation, await this.describe(signal));
        if (!(thrown instanceof ShapeDiffers)) throw await this.#explained(thrown, range, request, signal);
        if (attempt === shapeAttempts) throw changesWhileRead(request.relation.name);
        requireShape(request.relation, await this.describe(signal));
      }
    }
  }

  async #explained(
    thrown: unknown,
    range: Range,
    { relation }: ReadRequest,
    signal: AbortSignal,
  ): Promise<unknown> {
    if (signal.aborted || !this.#session.current) return thrown;
    const session = this.#session.current;
    const object = await this.#readObject(session);
    return await withBadColumn(thrown, session, { ...object, range, relation }, signal);
  }

  async *#copyRange(range: Range, request: ReadRequest, signal: AbortSignal): AsyncGenerator<Part> {
    const session = await this.#open(signal);
    const from = await this.#fromClause(session);
    this.#shape ??= await this.#readShape(session, signal);
    const expected = refusesHiding(request.relation)
      ? { ...this.#shape, query: { ...this.#shape.query, opening: refuseHidingSql } }
      : this.#shape;
    yield* copyParts(session, { from, range, request, expected }, signal);
  }

  async takeBound(request: ReadRequest, field: Column, signal: AbortSignal): Promise<PassBound> {
    const session = await this.#open(signal);
    const ask = {
      session,
      request,
      field,
      largest: () => largest(this, field, signal),
      elsewhere: () => this.#elsewhere(session, signal),
      has: (condition: string) => this.#has(condition, signal),
    };
    return await this.#bound.take(ask, signal);
  }

  async timeZone(signal: AbortSignal): Promise<string> {
    return await serverTimeZone(await this.#open(signal), signal);
  }

  async estimateWaiting(request: ReadRequest, signal: AbortSignal): Promise<number | undefined> {
    const where = whereRange(dialect, {
      orderBy: orderColumns(request),
      after: startAfter(request),
      upTo: undefined,
    });
    const counted = await this.count(where, signal);
    if (counted < countLimit) return counted;
    const session = await this.#open(signal);
    const sql = `EXPLAIN (FORMAT JSON) SELECT 1 FROM ${await this.#fromClause(session)} ${where}`;
    const [[plan] = []] = await session.guard(() => readRows(session, sql, this.#names), signal);
    const [{ Plan: top }] = JSON.parse(plan ?? '[{"Plan":{}}]') as [
      { readonly Plan: { readonly 'Plan Rows'?: number } },
    ];
    return Math.max(counted, top['Plan Rows'] ?? 0);
  }

  readonly countBetween: Required<Source>['countBetween'] = (range, signal) =>
    countBetween(this, range, signal);

  /** Nothing to do: reading does not remove rows from a query. */
  async acknowledge(): Promise<void> {}

  async rest(): Promise<void> {
    await this.#session.rest();
  }

  async close(): Promise<void> {
    await this.#session.close();
  }

  async identity(signal: AbortSignal): Promise<SystemIdentity> {
    return (await this.#open(signal)).identity;
  }

  async #open(signal: AbortSignal): Promise<Session> {
    const session = await this.#session.get(signal);
    this.#system.require(session.identity, `the server of ${this.#dataSource}`);
    return session;
  }

  async #fromClause(session: Session): Promise<string> {
    const { query, table } = this.#object;
    this.#from ??=
      query === undefined ? quoteName(await resolveName(session, table ?? '', tablePath)) : fromQuery(query);
    return this.#from;
  }

  async #readObject(session: Session): Promise<{ readonly from: string; readonly names: Names }> {
    return { from: await this.#fromClause(session), names: this.#names };
  }

  async #readShape(session: Session, signal: AbortSignal): Promise<ExpectedShape> {
    const from = await this.#fromClause(session);
    const { query: text, table } = this.#object;
    const query =
      text === undefined
        ? tableShapeQuery(await resolveName(session, table ?? '', tablePath), this.#names)
        : queryShapeQuery(
            from,
            await session.guard(() => readFields(session, `SELECT * FROM ${from} LIMIT 0`, 'users'), signal),
          );
    return { query, text: await session.shape(query, signal) };
  }

  /** One value as canonical text; undefined for NULL, or if there is no row. */
  async first(field: Column, tail: string, signal: AbortSignal): Promise<string | undefined> {
    const [[text] = []] = await this.#ask(
      (from) => `SELECT ${ownItem(field)} AS "idra value" FROM ${from} ${tail} LIMIT 1`,
      signal,
    );
    return text === null || text === undefined ? undefined : canonicalText(text, field);
  }

  async #has(condition: string, signal: AbortSignal): Promise<boolean> {
    const [[has] = []] = await this.#ask(
      (from) => `SELECT EXISTS (SELECT FROM ${from} WHERE ${condition})`,
      signal,
    );
    return has === 't';
  }

  async count(where: string, signal: AbortSignal): Promise<number> {
    const [[count] = []] = await this.#ask(
      (from) =>
        `SELECT pg_catalog.count(*) FROM (SELECT 1 FROM ${from} ${where} LIMIT ${countLimit}) AS "counted"`,
      signal,
    );
    return Number(count ?? 0);
  }

  /** From the sequence that the column owns, if it only increases and this user may read it. */
  async largestIssued(field: Column, signal: AbortSignal): Promise<bigint | undefined> {
    if (this.#object.query !== undefined || this.#relation?.isOpaque) return undefined;
    const session = await this.#open(signal);
    const from = await this.#fromClause(session);
    const [[issued] = []] = await session.query(issuedSql(from, field.name), signal);
    return issued === undefined || issued === null ? undefined : serverInteger(issued, this.#dataSource);
  }

  /** A query beside the pages. If the object has changed, the error says so. */
  async #ask(sql: (from: string) => string, signal: AbortSignal): Promise<readonly TextRow[]> {
    const session = await this.#open(signal);
    const text = sql(await this.#fromClause(session));
    try {
      return await session.abortable(() => readRows(session, text, this.#names), signal);
    } catch (thrown) {
      const planned = this.#relation;
      if (planned && mayBeSchemaChange(thrown)) requireShape(planned, await this.describe(signal));
      throw session.classified(thrown);
    }
  }

  /** All columns that any mode may page by. */
  #pagingColumns(): ReadonlySet<string> {
    const { key, idField, timestampField } = this.#object;
    const names = [...(key ?? this.#relation?.keys[0]?.columns ?? []), idField, timestampField];
    return new Set(names.filter((name) => name !== undefined));
  }
}

const tablePath = 'spec.source.table';

async function openReader(access: SystemAccess, object: SourceObject, signal: AbortSignal): Promise<Session> {
  const session = await Session.open(access, readerName, signal);
  try {
    if (object.query === undefined) await session.query(byIndex, signal);
    else await requireOneStatement(session, bareQuery(object.query), signal);
    return session;
  } catch (thrown) {
    await session.close();
    throw thrown;
  }
}
