import type { Batch, BatchLimits } from '../../../core/batch.ts';
import type { BoundReport, PassEnd, ReadRequest } from '../../../core/connector.ts';
import { permanent } from '../../../core/errors.ts';
import { columnRemedy } from '../../../core/nearest.ts';
import type { Offset } from '../../../core/offset.ts';
import { requireUsualKey } from '../../../core/offset-size.ts';
import { orderedBy } from '../../../core/unique-order.ts';
import type { Column, Relation } from '../../../core/values.ts';
import { type Range, type UpTo, whereRange } from './keyset.ts';
import { OrderCheck } from './order-check.ts';
import { largest, type Part, type PassBound, type RangeReader } from './range-reader.ts';
import { requireNotBehind } from './source-behind.ts';

export { largest, type Part, type PassBound, type RangeReader } from './range-reader.ts';

/** One pass of any mode by keyset pagination; each statement is its own snapshot and returns at most what spec.batch allows. */
export async function* readPass(
  reader: RangeReader,
  request: ReadRequest,
  signal: AbortSignal,
): AsyncGenerator<Batch, PassEnd> {
  const orderBy = orderColumns(request);
  const field = request.mode === 'Snapshot' ? undefined : orderBy[0];
  const bound: PassBound = field
    ? await reader.takeBound(request, field, signal)
    : { upTo: 'all', report: { kind: 'none', because: 'a snapshot reads all rows' } };
  const pass: Pass = { reader, request, orderBy, check: new OrderCheck(reader, request, orderBy) };
  const start = startAfter(request);
  const mark = field && !request.isProbe ? await heldBackMark(pass, field, bound, signal) : undefined;
  let after = start;
  if (bound.upTo !== 'none') {
    for await (const part of partsOf(pass, start, bound, signal)) {
      after = part.lastKey;
      yield toBatch(part, request);
    }
  }
  await pass.check.requireNoNulls(signal);
  if (!field) return { bound: bound.report, isHeldBack: false };
  return await finishPass(pass, { field, start, after, mark }, bound, signal);
}

interface Pass {
  readonly reader: RangeReader;
  readonly request: ReadRequest;
  readonly orderBy: readonly Column[];
  readonly check: OrderCheck;
}

function partsOf(
  pass: Pass,
  start: readonly string[] | null,
  { upTo }: PassBound,
  signal: AbortSignal,
): AsyncIterable<Part> {
  if (pass.orderBy.length === 0) return readWhole(pass.reader, pass.request, signal);
  const range = { after: start, upTo: upTo === 'all' || upTo === 'none' ? undefined : upTo };
  return pass.check.isNeeded ? readCheckedPages(pass, range, signal) : readPages(pass, range, signal);
}

interface Ends {
  readonly field: Column;
  /** Where the pass began, and the last row that it read. */
  readonly start: readonly string[] | null;
  readonly after: readonly string[] | null;
  /** The largest value of the field when the pass began, or an earlier one that was held back; undefined if nothing can be held back. */
  readonly mark: string | undefined;
}

/**
 * Rows that arrive while the pass runs wait for the next one; rows that existed before are held back. For ids only a bound set by other
 * transactions holds back; a time may be in the current second, or in the future.
 */
async function heldBackMark(
  { reader, request }: Pass,
  field: Column,
  { upTo, report }: PassBound,
  signal: AbortSignal,
): Promise<string | undefined> {
  const isSetByOthers = report.heldBackBy !== undefined || upTo === 'none' || report.kind === 'safetyLag';
  if (upTo === 'all' || (request.mode === 'Id' && !isSetByOthers)) return undefined;
  return request.mark ?? (await largest(reader, field, signal));
}

/** Reports rows after the last one that was read, and rows that are never read because the field is NULL. */
async function finishPass(
  pass: Pass,
  { field, start, after, mark: markAtStart }: Ends,
  bound: PassBound,
  signal: AbortSignal,
): Promise<PassEnd> {
  const { reader, request, orderBy, check } = pass;
  const { dialect } = reader;
  const name = dialect.quote(field.name);
  const firstOf = async (upTo: UpTo | undefined) => {
    const where = whereRange(dialect, { orderBy, after, upTo });
    return await reader.first(field, `${where} ORDER BY ${name}`, signal);
  };
  const oldest = await firstOf(undefined);
  // A check without reading is short, and usually no row waits. The mark is queried only if one does; rows that arrived meanwhile count
  // as existing before.
  const isAsked = request.isProbe && oldest !== undefined;
  const mark = isAsked ? await heldBackMark(pass, field, bound, signal) : markAtStart;
  const isMarkWaiting =
    oldest !== undefined &&
    mark !== undefined &&
    (await firstOf({ text: mark, isInclusive: true })) !== undefined;
  if (start && after === start) {
    // Nothing was read, so no page could show a second row at the offset's own position.
    await check.requireDistinct({ from: start, to: start }, signal);
    if (oldest === undefined) await requireNotBehind(reader, request, field, start[0] ?? '', signal);
  }
  const nullRows = field.isNullable ? await reader.count(`WHERE ${name} IS NULL`, signal) : 0;
  return {
    bound: withZone(bound.report, request, field),
    isHeldBack: isMarkWaiting,
    hasRowsWaiting: oldest !== undefined,
    ...(isMarkWaiting ? { mark } : {}),
    nullRows,
    ...(oldest !== undefined && request.mode === 'Timestamp' ? { oldestWaiting: oldest } : {}),
  };
}

/** The time zone in use is part of the reported bound. */
function withZone(report: BoundReport, request: ReadRequest, { type }: Column): BoundReport {
  const hasZone = type.kind === 'timestamp' && type.hasZone;
  return request.mode === 'Timestamp' && !hasZone ? { ...report, timeZone: request.timeZone } : report;
}

async function* readPages(
  { reader, request, orderBy }: Pass,
  { after: start, upTo }: Pick<Range, 'after' | 'upTo'>,
  signal: AbortSignal,
): AsyncGenerator<Part> {
  const columns = request.columns.map((each) => each.column);
  let after = start;
  const limits = request.statementLimits ?? request.limits;
  let { maxRows } = limits;
  for (;;) {
    let count = 0;
    let bytes = 0;
    for await (const part of reader.readRange({ columns, orderBy, after, upTo, maxRows }, request, signal)) {
      count += part.rowCount;
      bytes += part.byteCount;
      requireUsualKey(part.lastKey);
      after = part.lastKey;
      yield part;
    }
    if (count < maxRows) return;
    maxRows = fittingRows(limits, count, bytes);
  }
}

/** The size of rows is not known before the first page, and a checked page must be one part. */
const firstCheckedRows = 1_000;

/**
 * Like the other pages, for an order that is not guaranteed. What is handed on has been checked, so a statement that fills more than one
 * part is abandoned after its first one.
 */
async function* readCheckedPages(
  { reader, request: asked, orderBy, check }: Pass,
  { after: start, upTo }: Pick<Range, 'after' | 'upTo'>,
  signal: AbortSignal,
): AsyncGenerator<Part> {
  const limits = asked.statementLimits ?? asked.limits;
  const request = { ...asked, limits };
  const columns = request.columns.map((each) => each.column);
  let after = start;
  let maxRows = Math.min(limits.maxRows, firstCheckedRows);
  for (;;) {
    const page = reader.readRange({ columns, orderBy, after, upTo, maxRows }, request, signal);
    const { part, isWhole } = await firstPart(page);
    if (!part) return;
    requireUsualKey(part.lastKey);
    await check.requireDistinct({ from: after, to: part.lastKey }, signal);
    yield part;
    after = part.lastKey;
    if (isWhole && part.rowCount < maxRows) return;
    maxRows = fittingRows(limits, part.rowCount, part.byteCount);
  }
}

async function firstPart(
  page: AsyncIterable<Part>,
): Promise<{ readonly part: Part | undefined; readonly isWhole: boolean }> {
  let part: Part | undefined;
  for await (const each of page) {
    if (part) return { part, isWhole: false };
    part = each;
  }
  return { part, isWhole: true };
}

/** As many rows as fit into maxBytes by the last statement's average, so that a statement is full batches. */
function fittingRows({ maxRows, maxBytes }: BatchLimits, rows: number, bytes: number): number {
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

/** Columns that a mode orders and pages by. */
export function orderColumns(
  request: Pick<ReadRequest, 'mode' | 'key' | 'timestampField' | 'relation'>,
): readonly Column[] {
  return orderedBy(request).map((name) => findColumn(request.relation, name));
}

export function findColumn(relation: Relation, name: string): Column {
  const column = relation.columns.find((each) => each.name === name);
  if (column) return column;
  throw permanent('FieldNotFound', `${relation.name} has no column ${name}`, {
    path: 'spec.source',
    fix: columnRemedy(
      name,
      relation.columns.map((each) => each.name),
    ),
  });
}

export function startAfter(request: ReadRequest): readonly string[] | null {
  const { after } = request;
  if (after === null) return null;
  switch (after.mode) {
    case 'Snapshot':
      return after.key;
    case 'Id':
      // Only by the id if it has become unique since the offset was stored.
      return [after.id, ...(after.key ?? [])].slice(0, new Set(request.key).size);
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
