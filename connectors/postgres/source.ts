import type { Batch, RawRequest, Rows, Wire } from '../../core/batch.ts';
import { systemClock } from '../../core/clock.ts';
import type { ReadColumn } from '../../core/column-plan.ts';
import type { PassEnd, ReadRequest, Source, SystemAccess } from '../../core/connector.ts';
import { type Finding, permanent, schemaChanged } from '../../core/errors.ts';
import { scalarText } from '../../core/offset.ts';
import { requireShape } from '../../core/relation-shape.ts';
import type { Mode, SourceObject } from '../../core/sync-spec.ts';
import type { Column, Relation, Scalar } from '../../core/values.ts';
import { type Range, selectRange, whereRange } from '../sql/keyset.ts';
import { joinName, splitName } from '../sql/names.ts';
import { keyIsNull } from '../sql/order-check.ts';
import {
  largest,
  orderColumns,
  type Part,
  type PassBound,
  type RangeReader,
  readPass,
  startAfter,
} from '../sql/read-pass.ts';
import { fieldsOf, keyDecoderOf } from './binary-keys.ts';
import { LateRowBound } from './bound.ts';
import { readFindings } from './check.ts';
import { decodeLines, splitLine, withoutRareEscapes } from './copy-text.ts';
import { describeQuery, describeTable, fromQuery } from './describe.ts';
import { dialect } from './dialect.ts';
import { queryShapeQuery, tableShapeQuery } from './fingerprint.ts';
import { type FramePart, joinBodies } from './frames.ts';
import { literalText } from './literals.ts';
import { quoteName, resolveName } from './names.ts';
import { type ExpectedShape, readerName, Session, ShapeDiffers } from './session.ts';
import { decoderOf } from './text-values.ts';
import { binaryItem, tsvItem } from './wire-types.ts';

/** Rows are counted up to here for an estimate; beyond it the planner's guess is told. */
const countLimit = 100_000;
/** An object whose catalogue entries change again and again without changing what it is. */
const shapeAttempts = 5;

/** A page is a range of an index: whatever the planner thinks of its cost, the other ways read the whole table for each page. */
const byIndex = 'SET enable_seqscan = off; SET enable_bitmapscan = off; SET enable_sort = off';

/** Reads one table, view or query by COPY, over one connection. */
export class PostgresSource implements Source, RangeReader {
  readonly dialect = dialect;
  readonly #access: SystemAccess;
  readonly #object: SourceObject;
  readonly #bound = new LateRowBound(systemClock);
  #session: Session | undefined;
  #from: string | undefined;
  #relation: Relation | undefined;
  #shape: ExpectedShape | undefined;

  constructor(access: SystemAccess, object: SourceObject) {
    this.#access = access;
    this.#object = object;
  }

  async describe(signal: AbortSignal): Promise<Relation> {
    const session = await this.#open(signal);
    const { query, table } = this.#object;
    // Looked at first: what changes meanwhile is seen by the first read, which describes again.
    const look = await this.#lookAtShape(session, signal).catch((error: unknown) => ({ error }));
    this.#relation =
      query === undefined ? await describeSource(session, table ?? '') : await describeQuery(session, query);
    if ('error' in look) throw look.error;
    this.#shape = look;
    return this.#relation;
  }

  async check(mode: Mode, signal: AbortSignal): Promise<readonly Finding[]> {
    return await readFindings(await this.#open(signal), mode, signal);
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
    for (let attempt = 1; ; attempt++) {
      try {
        return yield* this.#copyRange(range, request, signal);
      } catch (thrown) {
        if (!(thrown instanceof ShapeDiffers)) throw thrown;
        if (attempt === shapeAttempts) throw schemaChanged(request.relation.name);
        requireShape(request.relation, await this.describe(signal));
      }
    }
  }

  async *#copyRange(range: Range, request: ReadRequest, signal: AbortSignal): AsyncGenerator<Part> {
    const session = await this.#open(signal);
    const { wire, limits } = request;
    const isBinary = wire.format === 'pgcopy-binary';
    const select = selectRange(dialect, await this.#fromClause(session), range, wire);
    const sql = `COPY (${select}) TO STDOUT${isBinary ? ' (FORMAT binary)' : ''}`;
    const lastKey = lastKeyReader(range, wire);
    this.#shape ??= await this.#lookAtShape(session, signal);
    for await (const part of session.copyOut(sql, { limits, isBinary }, this.#shape, signal)) {
      const { rowCount, byteCount } = part;
      yield { rows: toRows(part, range, wire), rowCount, byteCount, lastKey: lastKey(part.lastRow) };
    }
  }

  async takeBound(request: ReadRequest, field: Column, signal: AbortSignal): Promise<PassBound> {
    const session = await this.#open(signal);
    const ask = { session, request, field, largest: () => largest(this, field, signal) };
    return await this.#bound.take(ask, signal);
  }

  async timeZone(): Promise<string> {
    return 'UTC';
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
    const [[plan] = []] = await session.query(
      `EXPLAIN (FORMAT JSON) SELECT 1 FROM ${await this.#fromClause(session)} ${where}`,
      signal,
    );
    const [{ Plan: top }] = JSON.parse(plan ?? '[{"Plan":{}}]') as [
      { readonly Plan: { readonly 'Plan Rows'?: number } },
    ];
    return Math.max(counted, top['Plan Rows'] ?? 0);
  }

  /** A query forgets nothing. */
  async acknowledge(): Promise<void> {}

  async rest(): Promise<void> {
    const session = this.#session;
    this.#session = undefined;
    await session?.close();
  }

  async close(): Promise<void> {
    await this.rest();
  }

  async #open(signal: AbortSignal): Promise<Session> {
    if (this.#session && !this.#session.isLost) return this.#session;
    const session = await Session.open(this.#access, readerName, signal);
    this.#session = session;
    if (this.#object.query === undefined) await session.query(byIndex, signal);
    return session;
  }

  async #fromClause(session: Session): Promise<string> {
    const { query, table } = this.#object;
    this.#from ??=
      query === undefined
        ? quoteName(await resolveName(session, splitName(table ?? '', tablePath), tablePath))
        : fromQuery(query);
    return this.#from;
  }

  async #lookAtShape(session: Session, signal: AbortSignal): Promise<ExpectedShape> {
    const from = await this.#fromClause(session);
    const { query: text, table } = this.#object;
    const query =
      text === undefined
        ? tableShapeQuery(await resolveName(session, splitName(table ?? '', tablePath), tablePath))
        : queryShapeQuery(
            from,
            await session.guard(() => session.fields(`SELECT * FROM ${from} LIMIT 0`), signal),
          );
    return { query, text: await session.shape(query, signal) };
  }

  /** One value as canonical text; undefined: NULL, or no row. */
  async first(field: Column, tail: string, signal: AbortSignal): Promise<string | undefined> {
    const session = await this.#open(signal);
    const sql = `SELECT ${dialect.quote(field.name)} FROM ${await this.#fromClause(session)} ${tail}`;
    const [[text] = []] = await session.query(sql, signal);
    return text === null || text === undefined ? undefined : canonicalText(text, field);
  }

  async count(where: string, signal: AbortSignal): Promise<number> {
    const session = await this.#open(signal);
    const from = await this.#fromClause(session);
    const [[count] = []] = await session.query(
      `SELECT count(*) FROM (SELECT 1 FROM ${from} ${where} LIMIT ${countLimit}) AS "counted"`,
      signal,
    );
    return Number(count ?? 0);
  }

  /** Of the sequence that the column owns, where it only grows and this user may look at it. */
  async largestIssued(field: Column, signal: AbortSignal): Promise<bigint | undefined> {
    if (this.#object.query !== undefined || this.#relation?.isOpaque) return undefined;
    const session = await this.#open(signal);
    const from = await this.#fromClause(session);
    const owned = `pg_get_serial_sequence(${literalText(from)}, ${literalText(field.name)})`;
    const [[issued] = []] = await session.query(
      `SELECT coalesce(last_value, start_value - 1) FROM pg_sequences
       WHERE format('%I.%I', schemaname, sequencename) = ${owned} AND increment_by > 0 AND NOT cycle
         AND has_sequence_privilege(${owned}, 'SELECT, USAGE')`,
      signal,
    );
    return issued === undefined || issued === null ? undefined : BigInt(issued);
  }

  /** All that a mode may page by, whichever it is. */
  #pagingColumns(): ReadonlySet<string> {
    const { key, idField, timestampField } = this.#object;
    const names = [...(key ?? this.#relation?.keys[0]?.columns ?? []), idField, timestampField];
    return new Set(names.filter((name) => name !== undefined));
  }
}

const tablePath = 'spec.source.table';

async function describeSource(session: Session, table: string): Promise<Relation> {
  const name = await resolveName(session, splitName(table, tablePath), tablePath);
  const entry = await describeTable(session, name, tablePath);
  if (entry) return entry.relation;
  throw permanent(
    'TableNotFound',
    `there is no table ${joinName([name.schema, name.table])}, or this user may not see it`,
    {
      path: tablePath,
      mend: 'check schema and name; names are case-sensitive',
    },
  );
}

function toRows(part: FramePart, range: Range, wire: Wire): Rows {
  if (wire.format === 'pgcopy-binary') return { format: wire.format, chunks: part.chunks };
  const lines = joinBodies(Buffer.concat(part.chunks), part.rowCount);
  if (wire.format === 'tsv') return { format: 'tsv', chunks: [withoutRareEscapes(lines)] };
  return {
    format: 'values',
    rows: decodeLines(
      lines,
      range.columns.map((column) => decoderOf(column.type)),
    ),
  };
}

function canonicalText(text: string, column: Column): string {
  // PostgreSQL's own text of an array reads back as a literal of its type.
  const decode = column.type.kind === 'array' ? undefined : decoderOf(column.type);
  return decode ? scalarText(decode(text) as Scalar) : text;
}

/** Looks only at the columns that rows are paged by, and only in a part's last row. */
function lastKeyReader(range: Range, wire: Wire): (row: Buffer) => readonly string[] {
  const keys = range.orderBy.map((column) => ({
    column,
    index: range.columns.findIndex((each) => each.name === column.name),
  }));
  if (wire.format === 'pgcopy-binary') {
    return (row) => {
      const fields = fieldsOf(row);
      return keys.map(({ column, index }) => {
        const field = fields[index];
        const decode = keyDecoderOf(wire.as[index] ?? '');
        if (!field || !decode) throw keyIsNull(column);
        return decode(field);
      });
    };
  }
  return (row) => {
    const texts = splitLine(row.toString('utf8', 0, row.length - 1));
    return keys.map(({ column, index }) => {
      const text = texts[index];
      if (text === null || text === undefined) throw keyIsNull(column);
      return wire.format === 'values'
        ? canonicalText(text, column)
        : encodedText(text, column, wire.as[index] ?? '');
    });
  };
}

function encodedText(text: string, column: Column, encoding: string): string {
  switch (encoding) {
    case 'boolean01':
      return String(text === '1');
    case 'hex':
      return text;
    case 'utc':
      return column.type.kind === 'timestamp' && column.type.hasZone
        ? text.replace(/^[^ ]+ [^ ]+/, '$&Z')
        : text;
    default:
      return canonicalText(text, column);
  }
}
