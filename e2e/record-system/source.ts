import type { Batch, RawRequest, Rows } from '../../core/batch.ts';
import type { PassEnd, ReadRequest, Source } from '../../core/connector.ts';
import { permanent } from '../../core/errors.ts';
import { historyLost } from '../../core/history-lost.ts';
import type { Offset } from '../../core/offset.ts';
import { columnOf } from '../../core/records/columns.ts';
import { defaultSample, Inference } from '../../core/records/inference.ts';
import { jsonAccess } from '../../core/records/json.ts';
import { type JsonValue, parseJson } from '../../core/records/json-parser.ts';
import type { RecordColumn } from '../../core/records/record-column.ts';
import { noRecords, tooManyFields } from '../../core/records/refusals.ts';
import { RowMaker } from '../../core/records/rows.ts';
import type { SourceObject } from '../../core/sync-spec.ts';
import type { Column, Relation, Row, Value } from '../../core/values.ts';
import type { Change, Collection, LoggedChange } from './collection.ts';
import { decodeToken, isAhead, type StreamToken } from './token.ts';

/** Lines of `[id, document]`, null for a deletion: between two collections documents are transferred unchanged. */
export const documentFormat = 'record-documents';

const wholeColumns: readonly Column[] = [
  { name: '_id', type: { kind: 'int', bits: 64 }, nativeType: '_id', isNullable: false },
  { name: 'document', type: { kind: 'json' }, nativeType: 'document', isNullable: false },
];
const positionColumn: Column = {
  ...{ name: '_position', type: { kind: 'int', bits: 64 }, nativeType: 'position', isNullable: true },
};

type Read = Change & Partial<Pick<LoggedChange, 'position' | 'at'>>;

export class RecordSource implements Source {
  readonly #collection: Collection;
  readonly #object: SourceObject;
  readonly isAhead = isAhead;

  constructor(collection: Collection, object: SourceObject) {
    this.#collection = collection;
    this.#object = object;
  }

  async describe(): Promise<Relation> {
    const { name } = this.#collection;
    const identity = this.#collection.identity();
    if (identity === undefined) throw permanent('TableNotFound', `there is no collection ${name}`);
    if (this.#object.isWhole) return { name, columns: wholeColumns, keys: [keyOn('_id')], identity };
    const columns = this.#object.columns ?? this.#infer();
    const key = columns.find(({ path, nullable }) => path === '_id' && !nullable);
    return {
      name,
      columns: [...columns.map(columnOf), ...(this.#object.metadata ?? []).map(() => positionColumn)],
      recordColumns: columns,
      keys: key ? [keyOn(key.name)] : [],
      identity,
    };
  }

  async check(): Promise<readonly []> {
    return [];
  }

  canServe({ format }: RawRequest): boolean {
    return format === documentFormat && this.#object.isWhole === true;
  }

  async *read(request: ReadRequest): AsyncGenerator<Batch, PassEnd> {
    yield* request.mode === 'Stream' ? this.#stream(request) : this.#snapshot(request);
    return { bound: { kind: request.mode === 'Stream' ? 'log' : 'none' }, isHeldBack: false };
  }

  async *#snapshot(request: ReadRequest): AsyncGenerator<Batch> {
    const { after, limits } = request;
    if (after?.mode !== 'Snapshot') throw new Error('a snapshot begins with its pass');
    const batch = this.#batchMaker(request);
    for (let [last] = after.key?.map(Number) ?? []; ; ) {
      const page = this.#collection.documents(last, limits.maxRows);
      if (page.length === 0) return;
      last = page.at(-1)?.id;
      yield batch(page, { mode: 'Snapshot', pass: after.pass, key: [String(last)], isComplete: false });
    }
  }

  async *#stream(request: ReadRequest): AsyncGenerator<Batch> {
    const { end, lost } = this.#collection.log();
    const batch = this.#batchMaker(request);
    const offset = (token: StreamToken): Offset => ({ mode: 'Stream', token: JSON.stringify(token) });
    let token = request.after?.mode === 'Stream' ? decodeToken(request.after.token) : undefined;
    if (token && token.position < lost)
      throw historyLost(this.#collection.name, {
        what: `its log begins behind position ${lost}, and ${token.position} was stored`,
        keep: 'keep the log for longer',
      });
    if (!token && this.#object.startFrom === 'Now') {
      yield batch([], offset({ position: end }));
      return;
    }
    token ??= { position: end, after: -1 };
    while (token.after !== undefined) {
      const page = this.#collection.documents(token.after, request.limits.maxRows);
      const isLast = page.length < request.limits.maxRows;
      const { position }: StreamToken = token;
      token = isLast ? { position } : { position, after: page.at(-1)?.id ?? 0 };
      yield batch(page, offset(token));
    }
    for (const part of byTransactions(this.#collection.changes(token.position, end), request.limits.maxRows))
      yield batch(part, offset({ position: part.at(-1)?.position ?? end }));
  }

  async timeZone(): Promise<string> {
    return 'UTC';
  }

  async estimateWaiting({ after }: ReadRequest): Promise<number> {
    const { end } = this.#collection.log();
    return after?.mode === 'Stream'
      ? end - decodeToken(after.token).position
      : this.#collection.documents().length;
  }

  async acknowledge(): Promise<void> {}

  async rest(): Promise<void> {}

  async close(): Promise<void> {}

  #infer(): readonly RecordColumn[] {
    const { name } = this.#collection;
    const inference = new Inference(jsonAccess);
    for (const { document } of this.#collection.sample(this.#object.sample ?? defaultSample))
      inference.add(parseJson(document ?? ''));
    if (inference.hasTooManyFields) throw tooManyFields(name);
    const columns = inference.columns();
    if (columns.length === 0) throw noRecords(name);
    return columns.map((column) => (column.path === '_id' ? { ...column, nullable: false } : column));
  }

  #batchMaker(request: ReadRequest): (changes: readonly Read[], offset: Offset) => Batch {
    if (request.rowFormat.format === documentFormat)
      return (changes, offset) => {
        const isWanted = ({ document }: Read) => document !== null || request.wantsDeletions === true;
        return wholeBatch(changes.filter(isWanted), offset);
      };
    const { recordColumns = [] } = request.relation;
    const metadata = {
      _position: ({ position }: Read): Value => (position === undefined ? null : BigInt(position)),
    };
    const isWhole = this.#object.isWhole === true;
    const columns = isWhole ? wholeRecordColumns : recordColumns;
    const maker = new RowMaker<JsonValue, Read>({ access: jsonAccess, columns, metadata }, request);
    const key = request.relation.keys[0]?.columns[0];
    const deletionOf = ({ id }: Read): Row =>
      request.columns.map(({ column }) => (column.name === key ? BigInt(id) : null));
    return (changes, offset) => {
      const rows: Row[] = [];
      const deletions: number[] = [];
      for (const change of changes) {
        const row = change.document === null ? undefined : rowOf(maker, change);
        if (row) rows.push(row);
        else if (change.document === null && request.wantsDeletions) {
          deletions.push(rows.length);
          rows.push(deletionOf(change));
        }
      }
      const made: Rows = { format: 'values', rows, ...(deletions.length > 0 && { deletions }) };
      return { ...sizeOf(changes, rows.length), rows: made, offset, ...maker.take(), ...timeOf(changes) };
    };
  }
}

const wholeRecordColumns: readonly RecordColumn[] = [
  { name: '_id', path: '_id', type: 'int64', nullable: false },
  { name: 'document', path: '', type: 'json', nullable: false },
];

function rowOf(maker: RowMaker<JsonValue, Read>, change: Read): Row | undefined {
  const position = `_id ${change.id}`;
  try {
    return maker.row(parseJson(change.document ?? ''), change, position);
  } catch {
    maker.unreadable(position, 'is not JSON');
    return undefined;
  }
}

function wholeBatch(changes: readonly Read[], offset: Offset): Batch {
  const lines = changes.map(({ id, document }) => `${JSON.stringify([id, document])}\n`);
  const rows: Rows = { format: documentFormat, chunks: [Buffer.from(lines.join(''))] };
  return { ...sizeOf(changes, changes.length), rows, offset, ...timeOf(changes) };
}

function sizeOf(changes: readonly Read[], rowCount: number) {
  return { rowCount, byteCount: changes.reduce((sum, { document }) => sum + (document?.length ?? 8), 0) };
}

function timeOf(changes: readonly Read[]): Pick<Batch, 'lastTimestamp'> {
  const { at } = changes.at(-1) ?? {};
  return at === undefined ? {} : { lastTimestamp: at };
}

/** A part ends only where a transaction ends. */
function* byTransactions(
  changes: readonly LoggedChange[],
  maxRows: number,
): Generator<readonly LoggedChange[]> {
  let part: LoggedChange[] = [];
  for (const [index, change] of changes.entries()) {
    part.push(change);
    const isEnd = changes[index + 1]?.transaction !== change.transaction;
    if (isEnd && (part.length >= maxRows || index + 1 === changes.length)) {
      yield part;
      part = [];
    }
  }
}

const keyOn = (name: string) => ({ name: '_id', columns: [name], isPrimary: true });
