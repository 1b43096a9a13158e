import type { Batch } from '../../../core/batch.ts';
import { restartCommand } from '../../../core/commands.ts';
import type { ReadRequest } from '../../../core/connector.ts';
import { permanent } from '../../../core/errors.ts';
import type { Offset } from '../../../core/offset.ts';
import type { PassEnd } from '../../../core/pass-end.ts';
import { type BsonValue, documentValue } from '../types/format.ts';
import { notBelow, stepsAfter, type UpTo } from './key-order.ts';
import type { PassBound } from './late-row-bound.ts';
import type { Page } from './page-reader.ts';

/** What one pass by ranges asks of its collection. Positions are values of the fields that it orders by. */
export interface RangeReader {
  readonly fields: Parameters<typeof stepsAfter>[0];
  pages(steps: ReturnType<typeof stepsAfter>, signal: AbortSignal): AsyncIterable<Page>;
  toBatch(page: Page, offset: Offset): Omit<Batch, 'lastTimestamp'>;
  /** Texts of the position of a document. */
  positionOf(document: BsonValue): readonly string[];
  valuesOf(position: readonly string[]): readonly BsonValue[];
  takeBound(signal: AbortSignal): Promise<PassBound>;
  /** The text of the field in the first of these documents. */
  first(steps: ReturnType<typeof stepsAfter>, signal: AbortSignal): Promise<string | undefined>;
  largest(signal: AbortSignal): Promise<{ readonly value: BsonValue; readonly text: string } | undefined>;
  /** Documents whose field has no position. */
  countUnread(signal: AbortSignal): Promise<number>;
}

/** One pass of Snapshot, Id or Timestamp. */
export async function* readPass(
  reader: RangeReader,
  request: ReadRequest,
  signal: AbortSignal,
): AsyncGenerator<Batch, PassEnd> {
  const isSnapshot = request.mode === 'Snapshot';
  const bound: PassBound = isSnapshot
    ? { upTo: 'all', report: { kind: 'none', because: 'a snapshot reads all rows' } }
    : await reader.takeBound(signal);
  const start = startAfter(request);
  const mark = isSnapshot || request.isProbe ? undefined : await markOf(reader, request, bound, signal);
  let after = start;
  let previous: string | undefined;
  if (bound.upTo !== 'none') {
    const upTo = bound.upTo === 'all' ? undefined : bound.upTo;
    const steps = stepsAfter(reader.fields, start && reader.valuesOf(start), upTo);
    for await (const page of reader.pages(steps, signal)) {
      if (request.relation.isOpaque) previous = requireDistinct(reader, request, page, previous);
      after = positionAfter(reader, page);
      const offset = offsetAfter(request, after);
      const [at = ''] = after;
      yield { ...reader.toBatch(page, offset), ...(request.mode === 'Timestamp' && { lastTimestamp: at }) };
    }
  }
  if (isSnapshot) return { bound: bound.report, isHeldBack: false };
  return await endOf(reader, request, { start, after, mark, bound }, signal);
}

interface Ends {
  readonly start: readonly string[] | null;
  readonly after: readonly string[] | null;
  readonly mark: string | undefined;
  readonly bound: PassBound;
}

/** The largest value when the pass began: what is not read up to it was held back. */
async function markOf(
  reader: RangeReader,
  request: ReadRequest,
  { upTo }: PassBound,
  signal: AbortSignal,
): Promise<string | undefined> {
  if (upTo === 'all') return undefined;
  return request.mark ?? (await reader.largest(signal))?.text;
}

async function endOf(
  reader: RangeReader,
  request: ReadRequest,
  ends: Ends,
  signal: AbortSignal,
): Promise<PassEnd> {
  const { start, after, bound } = ends;
  const values = after && reader.valuesOf(after);
  const firstUpTo = (upTo: UpTo | undefined) => reader.first(stepsAfter(reader.fields, values, upTo), signal);
  const oldest = await firstUpTo(undefined);
  const isAsked = request.isProbe === true && oldest !== undefined;
  const mark = isAsked ? await markOf(reader, request, bound, signal) : ends.mark;
  const [markValue] = mark === undefined || oldest === undefined ? [] : reader.valuesOf([mark]);
  const isMarkWaiting =
    markValue !== undefined && (await firstUpTo({ value: markValue, isInclusive: true })) !== undefined;
  if (start && after === start && oldest === undefined)
    await requireNotBehind(reader, request, start, signal);
  return {
    bound: bound.report,
    isHeldBack: isMarkWaiting,
    hasRowsWaiting: oldest !== undefined,
    ...(isMarkWaiting && mark !== undefined && { mark }),
    nullRows: await reader.countUnread(signal),
    ...(oldest !== undefined && request.mode === 'Timestamp' && { oldestWaiting: oldest }),
  };
}

/** Ids have started again, the source was restored, or its newest documents were deleted: what is written below the offset is not read. */
async function requireNotBehind(
  reader: RangeReader,
  { mode, relation, key, timestampField }: ReadRequest,
  start: readonly string[],
  signal: AbortSignal,
): Promise<void> {
  const [first = ''] = start;
  const newest = (await reader.largest(signal))?.text;
  const [value] = reader.valuesOf([first]);
  const [by] = reader.fields;
  if (newest === undefined || !value || !by) return;
  if ((await reader.first([notBelow(by, value)], signal)) !== undefined) return;
  const field = mode === 'Id' ? key[0] : timestampField;
  throw permanent(
    'SourceBehindOffset',
    `the largest ${field} of ${relation.name} is ${newest}, below the offset ${first}: the source was restored, or its newest documents were deleted; documents that are written below the offset are not read`,
    {
      path: mode === 'Id' ? 'spec.source.idField' : 'spec.source.timestampField',
      fix: `run ${restartCommand} (reads everything again; nothing at the destination is deleted), or set the offset to ${newest} (continues from there). The Sync continues by itself when a larger value arrives`,
    },
  );
}

/** Of two documents at one position a later pass would read only one. They are next to each other. */
function requireDistinct(
  reader: RangeReader,
  { relation, key }: ReadRequest,
  page: Page,
  previous: string | undefined,
): string | undefined {
  let last = previous;
  for (const document of page.documents) {
    const position = JSON.stringify(reader.positionOf(documentValue(document)));
    if (position === last) {
      throw permanent(
        'KeyNotUnique',
        `several documents of ${relation.name} have equal values of (${key.join(', ')}): those at the edge of two batches would be lost`,
        { path: 'spec.source.key', fix: 'name the columns that identify a document in source.key' },
      );
    }
    last = position;
  }
  return last;
}

function positionAfter(reader: RangeReader, { documents }: Page): readonly string[] {
  const last = documents.at(-1);
  return last ? reader.positionOf(documentValue(last)) : [];
}

export function startAfter({ after, mode, key }: ReadRequest): readonly string[] | null {
  if (after === null) return null;
  switch (after.mode) {
    case 'Snapshot':
      return after.key;
    case 'Id':
      return [after.id, ...(after.key ?? [])].slice(0, new Set(key).size);
    case 'Timestamp':
      return [after.at, ...after.key];
    case 'Stream':
      throw permanent('OffsetInvalid', `an offset of a stream does not fit mode ${mode}`);
  }
}

function offsetAfter({ mode, after }: ReadRequest, position: readonly string[]): Offset {
  const [first = '', ...rest] = position;
  if (mode === 'Id') return { mode, id: first, ...(rest.length > 0 && { key: rest }) };
  if (mode === 'Timestamp') return { mode, at: first, key: rest };
  const pass = after?.mode === 'Snapshot' ? after.pass : 1;
  return { mode: 'Snapshot', pass, key: position.length === 0 ? null : position, isComplete: false };
}
