import type { Batch, Rows } from '../../core/batch.ts';
import type { BoundReport, PassEnd, ReadRequest } from '../../core/connector.ts';
import { permanent } from '../../core/errors.ts';
import type { Offset } from '../../core/offset.ts';
import type { Column, Relation } from '../../core/values.ts';
import type { SqlDialect } from './dialect.ts';
import { type Range, type UpTo, whereRange } from './keyset.ts';

/** Rows of one statement, cut at the batch limits, still without their offset. */
export interface Part {
  readonly rows: Rows;
  readonly rowCount: number;
  readonly byteCount: number;
  /** Canonical texts of the orderBy columns of its last row. */
  readonly lastKey: readonly string[];
}

/** How far it is safe to read now (Invariant 10). */
export interface PassBound {
  /** `none`: nothing is final yet. `all`: no limit (Snapshot). */
  readonly upTo: UpTo | 'none' | 'all';
  readonly report: BoundReport;
}

/** What a SQL system gives to the shared pass: statements run, bounds taken. */
export interface RangeReader {
  /** Streams one statement's rows in parts within the limits. */
  readRange(range: Range, request: ReadRequest, signal: AbortSignal): AsyncIterable<Part>;
  /** Taken once per pass, before its first statement, so that all up to it is visible to a later snapshot. */
  takeBound(request: ReadRequest, field: Column, signal: AbortSignal): Promise<PassBound>;
  readonly dialect: SqlDialect;
  /** Canonical text of the field in the first row of `SELECT field FROM object tail`; undefined where there is none, or NULL. */
  first(field: Column, tail: string, signal: AbortSignal): Promise<string | undefined>;
  /** Rows of the object; may stop counting where more make no difference. */
  count(where: string, signal: AbortSignal): Promise<number>;
}

/** One pass of any mode over keyset pagination; each statement is its own snapshot and at most one batch's worth. */
export async function* readPass(
  reader: RangeReader,
  request: ReadRequest,
  signal: AbortSignal,
): AsyncGenerator<Batch, PassEnd> {
  const orderBy = orderColumns(request);
  const field = request.mode === 'Snapshot' ? undefined : orderBy[0];
  const bound: PassBound = field
    ? await reader.takeBound(request, field, signal)
    : { upTo: 'all', report: { kind: 'none', because: 'a snapshot reads what is there' } };
  let after = startAfter(request);
  if (bound.upTo !== 'none') {
    const upTo = bound.upTo === 'all' ? undefined : bound.upTo;
    const pages =
      orderBy.length === 0
        ? readWhole(reader, request, signal)
        : readPages(reader, request, orderBy, after, upTo, signal);
    for await (const part of pages) {
      after = part.lastKey;
      yield toBatch(part, request);
    }
  }
  if (!field) return { bound: bound.report, isHeldBack: false };
  return finishPass(reader, request, { field, orderBy, after }, bound, signal);
}

/** What stands behind the last row that was read, and rows that never come: with NULL in the field. */
async function finishPass(
  reader: RangeReader,
  request: ReadRequest,
  { field, ...rest }: { readonly field: Column } & Pick<Range, 'orderBy' | 'after'>,
  bound: PassBound,
  signal: AbortSignal,
): Promise<PassEnd> {
  const { dialect } = reader;
  const name = dialect.quote(field.name);
  const where = whereRange(dialect, { ...rest, upTo: undefined });
  const oldest = await reader.first(field, `${where} ORDER BY ${name} LIMIT 1`, signal);
  const nullRows = field.isNullable ? await reader.count(`WHERE ${name} IS NULL`, signal) : 0;
  return {
    bound: bound.report,
    isHeldBack: oldest !== undefined && isBeyondBound(bound),
    nullRows,
    ...(oldest !== undefined && request.mode === 'Timestamp' ? { oldestWaiting: oldest } : {}),
  };
}

/** Not max(): types that have an order need not have that. */
export async function largest(
  reader: Pick<RangeReader, 'dialect' | 'first'>,
  field: Column,
  signal: AbortSignal,
): Promise<string | undefined> {
  const name = reader.dialect.quote(field.name);
  return await reader.first(field, `WHERE ${name} IS NOT NULL ORDER BY ${name} DESC LIMIT 1`, signal);
}

/** Rows that came in while the pass ran wait for the next one; held back are they only when a bound is in force that others set. */
function isBeyondBound(bound: PassBound): boolean {
  return (
    bound.upTo !== 'all' &&
    (bound.report.heldBackBy !== undefined || bound.upTo === 'none' || bound.report.kind === 'safetyLag')
  );
}

async function* readPages(
  reader: RangeReader,
  request: ReadRequest,
  orderBy: readonly Column[],
  start: readonly string[] | null,
  upTo: UpTo | undefined,
  signal: AbortSignal,
): AsyncGenerator<Part> {
  const columns = request.columns.map((each) => each.column);
  let after = start;
  let maxRows = request.limits.maxRows;
  for (;;) {
    let count = 0;
    let bytes = 0;
    for await (const part of reader.readRange({ columns, orderBy, after, upTo, maxRows }, request, signal)) {
      count += part.rowCount;
      bytes += part.byteCount;
      after = part.lastKey;
      yield part;
    }
    if (count < maxRows) return;
    maxRows = fittingRows(request, count, bytes);
  }
}

/** As many rows as fit maxBytes by the last statement's average, so that a statement is one full batch. */
function fittingRows(request: ReadRequest, rows: number, bytes: number): number {
  const { maxRows, maxBytes } = request.limits;
  const fitting = Math.floor((maxBytes / Math.max(1, bytes / rows)) * 0.98);
  return Math.max(1, Math.min(maxRows, fitting));
}

/** A table without a key: one statement without order or limit. */
function readWhole(reader: RangeReader, request: ReadRequest, signal: AbortSignal): AsyncIterable<Part> {
  const columns = request.columns.map((each) => each.column);
  return reader.readRange(
    { columns, orderBy: [], after: null, upTo: undefined, maxRows: undefined },
    request,
    signal,
  );
}

/** Columns that a mode orders and pages by: (key), (idField), or (timestampField, key). */
export function orderColumns(
  request: Pick<ReadRequest, 'mode' | 'key' | 'timestampField' | 'relation'>,
): readonly Column[] {
  const names =
    request.mode === 'Timestamp' && request.timestampField
      ? [request.timestampField, ...request.key]
      : request.key;
  return [...new Set(names)].map((name) => findColumn(request.relation, name));
}

export function findColumn(relation: Relation, name: string): Column {
  const column = relation.columns.find((each) => each.name === name);
  if (column) return column;
  throw permanent('FieldNotFound', `${relation.name} has no column ${name}`, {
    path: 'spec.source',
    mend: `it has: ${relation.columns.map((each) => each.name).join(', ')}`,
  });
}

export function startAfter(request: ReadRequest): readonly string[] | null {
  const { after } = request;
  if (after === null) return null;
  switch (after.mode) {
    case 'Snapshot':
      return after.key;
    case 'Id':
      return [after.id, ...(after.key ?? [])];
    case 'Timestamp':
      return [after.at, ...after.key];
    case 'Stream':
      throw permanent('OffsetInvalid', `an offset of a stream does not fit mode ${request.mode}`);
  }
}

function toBatch(part: Part, request: ReadRequest): Batch {
  const { rows, rowCount, byteCount, lastKey } = part;
  const [first = '', ...rest] = lastKey;
  return {
    rows,
    rowCount,
    byteCount,
    offset: offsetAfter(request, lastKey, first, rest),
    ...(request.mode === 'Timestamp' ? { lastTimestamp: first } : {}),
  };
}

function offsetAfter(
  request: ReadRequest,
  lastKey: readonly string[],
  first: string,
  rest: readonly string[],
): Offset {
  switch (request.mode) {
    case 'Snapshot': {
      const pass = request.after?.mode === 'Snapshot' ? request.after.pass : 1;
      return { mode: 'Snapshot', pass, key: lastKey.length === 0 ? null : lastKey, isComplete: false };
    }
    case 'Id':
      return { mode: 'Id', id: first, ...(rest.length > 0 && { key: rest }) };
    case 'Timestamp':
      return { mode: 'Timestamp', at: first, key: rest };
    case 'Stream':
      throw permanent('OffsetInvalid', 'a stream is not read by ranges of keys');
  }
}
