import type { Document } from 'mongodb';
import type { Batch } from '../../../core/batch.ts';
import type { CountRequest, ReadRequest } from '../../../core/connector.ts';
import { permanent } from '../../../core/errors.ts';
import type { Offset } from '../../../core/offset.ts';
import { stepsOf } from '../../../core/records/columns.ts';
import { converterOf } from '../../../core/records/convert.ts';
import { Misfit } from '../../../core/records/misfit.ts';
import { RowMaker } from '../../../core/records/rows.ts';
import type { RowCount } from '../../../core/row-count.ts';
import { nameRow } from '../../../core/row-name.ts';
import { orderedBy } from '../../../core/unique-order.ts';
import type { Column, Row } from '../../../core/values.ts';
import { readRaw } from '../describe.ts';
import { longMs, type Session } from '../session.ts';
import { bsonAccess } from '../types/decode.ts';
import { type BsonValue, bson, documentValue, fieldOf, firstFieldOf } from '../types/format.ts';
import { keyText, keyValue } from '../types/key-text.ts';
import { wholeFormat } from '../types/row-formats.ts';
import { all, allBrackets, cursorBrackets, type OrderField, type Step, stepsAfter } from './key-order.ts';
import type { LateRowBound, PassBound } from './late-row-bound.ts';
import { type Page, readPages } from './page-reader.ts';
import { type RangeReader, startAfter } from './range-pass.ts';
import { dottedPath, idName } from './relation.ts';

export interface ReaderOptions {
  readonly collection: string;
  readonly filter: Document | undefined;
  readonly request: ReadRequest;
  readonly bound: LateRowBound;
}

interface Ordered extends OrderField {
  readonly column: Column;
  readonly steps: readonly string[];
}

/** Documents of one collection in the order of a request, and as its rows. */
export class CollectionReader implements RangeReader {
  readonly fields: readonly Ordered[];
  readonly #session: Session;
  readonly #options: ReaderOptions;
  readonly #projection: Document | undefined;
  #rows: RowMaker<BsonValue, undefined> | undefined;
  /** Whether the cursor field holds ObjectIds, whose plain text a destination may have returned. */
  #isObjectId = false;

  constructor(session: Session, options: ReaderOptions) {
    this.#session = session;
    this.#options = options;
    const { request } = options;
    const { relation } = request;
    this.fields = orderFieldsOf(request);
    this.#projection = projectionOf(request, this.fields);
    if (request.rowFormat.format !== wholeFormat)
      this.#rows = new RowMaker({ access: bsonAccess, columns: relation.recordColumns ?? [] }, request);
  }

  pages(steps: readonly Step[], signal: AbortSignal): AsyncIterable<Page> {
    const { collection, filter, request } = this.#options;
    const { limits } = request;
    const query = { collection, filter, projection: this.#projection, fields: this.fields, limits };
    return readPages(this.#session, query, steps, signal);
  }

  toBatch(page: Page, offset: Offset): Batch {
    this.#requirePositions(page);
    const { documents, byteCount } = page;
    if (!this.#rows)
      return {
        rows: { format: wholeFormat, chunks: [Buffer.concat(documents)] },
        rowCount: documents.length,
        byteCount,
        offset,
      };
    const rows: Row[] = [];
    for (const each of documents) {
      const row = this.rowOf(documentValue(each));
      if (row) rows.push(row);
    }
    return {
      rows: { format: 'values', rows },
      rowCount: rows.length,
      byteCount,
      offset,
      ...this.takeMisfits(),
    };
  }

  /** Undefined: it does not fit, or rows travel as documents. */
  rowOf(document: BsonValue): Row | undefined {
    return this.#rows?.row(document, undefined, () => this.#nameOf(document));
  }

  /** The key alone, for a deletion; undefined: its value does not fit the column. */
  deletionRow(id: BsonValue): Row | undefined {
    const { columns, relation } = this.#options.request;
    const name = relation.recordColumns?.find((each) => each.path === idName)?.name;
    const values = columns.map(({ column }) =>
      column.name === name ? converterOf(column.type, bsonAccess)(id) : null,
    );
    return values.some((each) => each instanceof Misfit) ? undefined : (values as Row);
  }

  takeMisfits(): Pick<Batch, 'misfits' | 'newFields'> {
    return this.#rows?.take() ?? {};
  }

  #nameOf(document: BsonValue): string {
    const id = fieldOf(document, idName);
    const key = id && { columns: [idName], values: [plainText(id)] };
    return nameRow(key, this.#options.request.redactsKeys ?? false) ?? 'a document';
  }

  positionOf(document: BsonValue): readonly string[] {
    return this.fields.map((field) => keyText(this.#placeOf(field, document), field.column));
  }

  /** Every document must have a position, not only the last one of a page. */
  #requirePositions({ documents }: Page): void {
    const asked = this.fields.filter(({ path, isCursor }) => path !== idName && !isCursor);
    if (asked.length === 0) return;
    for (const each of documents) {
      const document = documentValue(each);
      for (const field of asked) this.#placeOf(field, document);
    }
  }

  /** The value by which the server sorts this document. */
  #placeOf({ column, steps }: Ordered, document: BsonValue): BsonValue {
    let value: BsonValue | undefined = document;
    for (const step of steps) {
      value = value && firstFieldOf(value, step);
      if (value?.type === bson.array) throw arrayHasNoPlace(this.#options.collection, column.name);
    }
    return value ?? nullValue;
  }

  valuesOf(position: readonly string[]): readonly BsonValue[] {
    if (position.length > this.fields.length)
      throw permanent(
        'OffsetInvalid',
        `the offset has ${position.length} values for ${this.fields.length} fields`,
      );
    return position.map((text, at) => {
      const { column } = this.fields[at] as Ordered;
      const value = keyValue(text, column, at === 0 && this.#isObjectId);
      if (value) return value;
      throw permanent('OffsetInvalid', `"${text}" is not a value of column ${column.name}`, {
        fix: 'write it as `idra offset get` prints it',
      });
    });
  }

  async takeBound(signal: AbortSignal): Promise<PassBound> {
    const { request, bound } = this.#options;
    const largest = async () => await this.largest(signal);
    return await bound.take(
      { request, largest, serverTime: () => serverTime(this.#session, signal) },
      signal,
    );
  }

  async first(steps: readonly Step[], signal: AbortSignal): Promise<string | undefined> {
    for (const { filter, sort } of steps) {
      const [value] = await this.#fieldValues({ filter, sort, limit: 1 }, signal);
      if (value) return value.text;
    }
    return undefined;
  }

  async largest(signal: AbortSignal) {
    const [field] = this.fields;
    if (!field) return undefined;
    const [ofTypes] = stepsAfter([field], null, undefined);
    const [largest] = await this.#fieldValues(
      { filter: ofTypes?.filter ?? {}, sort: { [field.path]: -1 }, limit: 1 },
      signal,
    );
    this.#isObjectId = largest?.value.type === bson.objectId;
    return largest;
  }

  async #fieldValues(
    query: { readonly filter: Document; readonly sort: Document; readonly limit: number },
    signal: AbortSignal,
  ) {
    const [field] = this.fields;
    const { collection, filter } = this.#options;
    if (!field) return [];
    const projection = { [field.path]: 1, ...(field.path === idName ? {} : { [idName]: 0 }) };
    const found = await readRaw(
      this.#session,
      collection,
      { ...query, filter: all([filter ?? {}, query.filter]), projection },
      signal,
    );
    return found.map((each) => {
      const value = this.#placeOf(field, documentValue(each));
      return { value, text: keyText(value, field.column) };
    });
  }

  async countUnread(signal: AbortSignal): Promise<number> {
    const [field] = this.fields;
    if (!field || field.path === idName) return 0;
    const readable = stepsAfter([field], null, undefined).map(({ filter }) => filter);
    return await count(
      this.#session,
      this.#options.collection,
      all([this.#options.filter ?? {}, { $nor: readable }]),
      signal,
    );
  }
}

function arrayHasNoPlace(collection: string, column: string): Error {
  return permanent(
    'FieldNotOrdered',
    `${collection} has a document with an array at ${column}, which is sorted by one of its elements and has no position of its own`,
    { path: 'spec.source.key', fix: 'name a key whose values are not arrays, such as _id' },
  );
}

/** For messages. */
function plainText(value: BsonValue): string {
  const node = bsonAccess.read(value);
  if (node.kind === 'int') return String(node.value);
  const text = 'text' in node ? node.text : undefined;
  return text ?? bsonAccess.json(value) ?? node.kind;
}

const nullValue: BsonValue = { type: bson.null, bytes: Buffer.alloc(0), start: 0, end: 0 };

function orderFieldsOf(request: ReadRequest): readonly Ordered[] {
  const { relation, mode } = request;
  const names = mode === 'Stream' ? [idColumnOf(request)] : orderedBy(request);
  return names.map((name, at) => {
    const column = relation.columns.find((each) => each.name === name);
    if (!column)
      throw permanent('FieldNotFound', `${relation.name} has no column ${name}`, { path: 'spec.source' });
    const record = relation.recordColumns?.find((each) => each.name === name);
    const path = dottedPath(name, relation.recordColumns);
    const isCursor = at === 0 && (mode === 'Id' || mode === 'Timestamp');
    const steps = record ? stepsOf(record).map(String) : path.split('.');
    return { column, path, steps, isCursor, brackets: isCursor ? cursorBrackets(column.type) : allBrackets };
  });
}

/** The snapshot before a stream is read in the order of `_id`, whether or not it is a column. */
function idColumnOf({ relation }: ReadRequest): string {
  const named = relation.recordColumns?.find((each) => each.path === idName)?.name;
  if (relation.recordColumns === undefined || named !== undefined) return named ?? idName;
  throw permanent(
    'KeyMissing',
    `mode Stream reads ${relation.name} by ${idName}, which is not among the columns`,
    {
      path: 'spec.source.columns',
      fix: `add a column with the path ${idName}`,
    },
  );
}

/** The fields at the top of documents that the columns are in. Undefined: all of them are needed, or their names are no projection. */
function projectionOf(request: ReadRequest, fields: readonly Ordered[]): Document | undefined {
  const { recordColumns } = request.relation;
  if (!recordColumns || request.findsNewFields) return undefined;
  const wanted = new Set(request.columns.map(({ column }) => column.name));
  const paths = recordColumns.filter(({ name }) => wanted.has(name)).map((each) => stepsOf(each)[0]);
  const names = [...paths, ...fields.map(({ steps }) => steps[0])];
  const isPlain = names.every((each) => typeof each === 'string' && !/[.$\0]/.test(each) && each !== '');
  if (!isPlain || paths.length === 0) return undefined;
  return { ...Object.fromEntries(names.map((each) => [String(each), 1])), [idName]: 1 };
}

export async function serverTime(session: Session, signal: AbortSignal): Promise<bigint> {
  const { localTime } = await session.guard(() => session.admin.command({ hello: 1 }), signal);
  if (localTime instanceof Date) return BigInt(localTime.getTime());
  return typeof localTime === 'bigint' ? localTime : BigInt(Date.now());
}

/** Documents are counted up to this number. */
const countLimit = 100_000;

async function count(
  session: Session,
  collection: string,
  filter: Document,
  signal: AbortSignal,
): Promise<number> {
  const options = { limit: countLimit, maxTimeMS: longMs };
  return await session.guard(() => session.collection(collection).countDocuments(filter, options), signal);
}

export async function countWaiting(
  session: Session,
  reader: CollectionReader,
  collection: string,
  filter: Document | undefined,
  request: ReadRequest,
  signal: AbortSignal,
): Promise<number> {
  const start = startAfter(request);
  let waiting = 0;
  for (const step of stepsAfter(reader.fields, start && reader.valuesOf(start), undefined))
    waiting += await count(session, collection, all([filter ?? {}, step.filter]), signal);
  return waiting;
}

/** Documents after one position and not after another. */
export async function countRange(
  session: Session,
  reader: CollectionReader,
  { collection, filter, request }: ReaderOptions,
  upTo: CountRequest['upTo'],
  signal: AbortSignal,
): Promise<RowCount> {
  const start = startAfter(request);
  const end = upTo === 'end' || upTo === null ? upTo : startAfter({ ...request, after: upTo });
  if (end === null) return { rows: 0, precision: 'exact' };
  const values = end === 'end' ? undefined : reader.valuesOf(end);
  const [first] = values ?? [];
  const beyond = values
    ? [{ $nor: stepsAfter(reader.fields, values, undefined).map((each) => each.filter) }]
    : [];
  const bound = first && { value: first, isInclusive: true };
  let rows = 0;
  for (const step of stepsAfter(reader.fields, start && reader.valuesOf(start), bound))
    rows += await count(session, collection, all([filter ?? {}, step.filter, ...beyond]), signal);
  return { rows, precision: rows >= countLimit ? 'atLeast' : 'exact' };
}
