import type { Batch } from '../../../core/batch.ts';
import type { ReadRequest } from '../../../core/connector.ts';
import { stepsOf } from '../../../core/records/columns.ts';
import { valueAtPath } from '../../../core/records/node.ts';
import { formatPath, type Step } from '../../../core/records/path.ts';
import type { RecordColumn } from '../../../core/records/record-column.ts';
import { RowMaker } from '../../../core/records/rows.ts';
import type { Value } from '../../../core/values.ts';
import { partitionName } from '../names.ts';
import { changeOf, isUnavailable, payloadOf } from '../types/debezium.ts';
import { FlatJson } from '../types/flat-json.ts';
import { type MessageFormat, Unreadable } from '../types/format.ts';
import { isObject, type RecordNode, recordAccess } from '../types/record-node.ts';
import { adapterOf, unclearDecimal } from '../types/untyped-json.ts';
import { type Message, metadataValues } from './metadata-columns.ts';

export interface MessageRowsInit {
  readonly format: MessageFormat;
  readonly isDebezium: boolean;
  readonly columns: readonly RecordColumn[];
  /** Columns that identify a row. */
  readonly key: readonly string[];
}

export interface MessageRow {
  readonly row: readonly Value[];
  readonly isDeletion: boolean;
  /** The row of an earlier key, which is deleted first: the change has moved it. */
  readonly moved?: readonly Value[];
}

/** Makes rows and deletions of messages. What does not fit is collected, each with its topic, partition and offset. */
export class MessageRows {
  readonly #init: MessageRowsInit;
  readonly #rows: RowMaker<RecordNode, Message>;
  readonly #keys: RowMaker<RecordNode, Message>;
  readonly #keyColumns: readonly {
    readonly name: string;
    readonly index: number;
    /** Where the key of a message, or a row, has it. */
    readonly paths: readonly (readonly Step[])[];
  }[];
  readonly #width: number;
  readonly #wantsDeletions: boolean;
  readonly #adapt: (row: RecordNode) => RecordNode;
  readonly #flat: FlatJson | undefined;
  readonly #metadata: readonly { readonly index: number; readonly value: (message: Message) => Value }[];
  /** By partition: the key of the last message, if it was a deletion that was read. */
  readonly #deleted = new Map<string, Buffer>();
  /** Columns that may not be NULL. */
  readonly #required: readonly number[];

  constructor(init: MessageRowsInit, request: ReadRequest) {
    const { columns, key } = init;
    this.#init = init;
    this.#rows = new RowMaker({ access: recordAccess, columns, metadata: metadataValues }, request);
    const read = request.columns.map(({ column }) => column);
    const keyed = read.filter(({ name }) => key.includes(name));
    this.#keys = new RowMaker(
      { access: recordAccess, columns: columns.map((each) => ({ ...each, path: formatPath([each.name]) })) },
      { columns: keyed.map((column) => ({ column })) },
    );
    this.#keyColumns = keyed.map(({ name }) => {
      const column = columns.find((each) => each.name === name);
      const index = read.findIndex((each) => each.name === name);
      return { name, index, paths: keyPaths(name, column && stepsOf(column), init.isDebezium) };
    });
    this.#width = read.length;
    this.#wantsDeletions = request.wantsDeletions === true;
    const isFlat = init.format.name === 'JSON' && !init.isDebezium;
    this.#flat = isFlat ? FlatJson.of(columns, request.columns) : undefined;
    this.#metadata = read.flatMap(({ name }, index) => {
      const value = metadataValues[name];
      return value ? [{ index, value }] : [];
    });
    this.#required = read.flatMap(({ name, isNullable }, index) =>
      isNullable || metadataValues[name] ? [] : [index],
    );
    this.#adapt = init.isDebezium ? adapterOf(columns) : (row) => row;
  }

  /** Fetches what `read` needs; undefined: nothing. */
  prepare({ cursor }: Message, signal: AbortSignal): Promise<void> | undefined {
    const { format } = this.#init;
    if (!format.prepare) return undefined;
    return prepared(format, cursor.value, cursor.key, signal);
  }

  /** Undefined: there is nothing to write, or it was collected as a misfit. */
  read(message: Message): MessageRow | undefined {
    const { format, isDebezium } = this.#init;
    const flat = this.#flat && message.cursor.valueLength > 0 && this.#flatRow(this.#flat, message);
    if (flat) return flat;
    const value = message.cursor.value;
    const isRepeated = isDebezium && this.#isRepeated(message);
    if (value === null) return isRepeated ? undefined : this.#deletion(message, null);
    const node = format.value(value);
    if (node instanceof Unreadable) return this.#unreadable(message, node.reason);
    if (!isDebezium) return this.#row(message, node);
    const change = changeOf(node);
    message.envelope = change.kind === 'row' || change.kind === 'deletion' ? change.envelope : undefined;
    switch (change.kind) {
      case 'nothing':
        return undefined;
      case 'unreadable':
        return this.#unreadable(message, change.reason);
      case 'deletion': {
        const deletion = this.#deletion(message, change.row);
        if (deletion && message.cursor.key)
          this.#deleted.set(partitionName(message), Buffer.from(message.cursor.key));
        return deletion;
      }
      case 'row': {
        const row = this.#adapt(change.row);
        const fault = isObject(row) ? faultOf(row.values()) : undefined;
        if (fault !== undefined) return this.#unreadable(message, fault);
        return this.#moved(message, change.envelope.before, row);
      }
    }
  }

  /** Undefined: the message has another form, or does not fit. */
  #flatRow(flat: FlatJson, message: Message): MessageRow | undefined {
    const { bytes, valueAt, valueLength } = message.cursor;
    const text = bytes.toString('utf8', valueAt, valueAt + valueLength);
    // Stands for bytes that are not UTF-8.
    const row = text.includes('\ufffd') ? undefined : flat.row(text);
    if (!row) return undefined;
    for (const index of this.#required) if (row[index] === null) return undefined;
    for (const { index, value } of this.#metadata) row[index] = value(message);
    return { row, isDeletion: false };
  }

  take(): Pick<Batch, 'misfits' | 'newFields'> {
    const { misfits, ...rows } = this.#rows.take();
    const keys = this.#keys.take().misfits;
    const count = (misfits?.count ?? 0) + (keys?.count ?? 0);
    if (count === 0) return rows;
    const rejections = [...(misfits?.rejections ?? []), ...(keys?.rejections ?? [])];
    return { ...rows, misfits: { count, rejections } };
  }

  #row(message: Message, node: RecordNode): MessageRow | undefined {
    const row = this.#rows.row(node, message, positionOf(message));
    return row && { row, isDeletion: false };
  }

  /** Debezium reports a change of the primary key as a deletion and a new row, but not one of other columns that identify a row. */
  #moved(message: Message, before: RecordNode, after: RecordNode): MessageRow | undefined {
    const row = this.#row(message, after);
    const from = row && this.#wantsDeletions ? this.#keyIn(before) : undefined;
    const to = from && this.#keyIn(after);
    if (!row || !from || !to || recordAccess.json(from) === recordAccess.json(to)) return row;
    const moved = this.#keyRow(from, message);
    return moved && { ...row, moved };
  }

  /** The row that is deleted is known by the key of its message, or by what Debezium says that it was. */
  #deletion(message: Message, before: RecordNode): MessageRow | undefined {
    if (!this.#wantsDeletions) return undefined;
    const found = this.#keyIn(before) ?? this.#keyOfMessage(message);
    if (found instanceof Unreadable) return this.#unreadable(message, found.reason);
    const row = this.#keyRow(found, message);
    return row && { row, isDeletion: true };
  }

  /**
   * Debezium sends a message without value behind each deletion, for compaction. It says nothing new, and its key may not have the columns that
   * identify a row here. Alone, after compaction, it is the deletion.
   */
  #isRepeated(message: Message): boolean {
    const partition = partitionName(message);
    const before = this.#deleted.get(partition);
    if (before === undefined) return false;
    this.#deleted.delete(partition);
    return message.cursor.value === null && message.cursor.key?.equals(before) === true;
  }

  #keyRow(key: RecordNode, message: Message): readonly Value[] | undefined {
    const values = this.#keys.row(key, message, positionOf(message));
    if (!values) return undefined;
    const row: Value[] = new Array(this.#width).fill(null);
    for (const [at, { index }] of this.#keyColumns.entries()) row[index] = values[at] ?? null;
    return row;
  }

  #keyOfMessage({ cursor }: Message): RecordNode | Unreadable {
    const bytes = cursor.key;
    if (bytes === null) return new Unreadable('has neither value nor key');
    const decoded = this.#init.format.key(bytes);
    if (decoded instanceof Unreadable) return decoded;
    const node = payloadOf(decoded) ?? decoded;
    const [only, ...more] = this.#keyColumns;
    if (only && more.length === 0 && !isObject(node)) return new Map([[only.name, node]]);
    return (
      this.#keyIn(node) ??
      new Unreadable(
        `has no value, and its key does not have ${this.#keyColumns.map(({ name }) => name).join(', ')}`,
      )
    );
  }

  /** The values of the key columns; undefined: one is missing. */
  #keyIn(given: RecordNode): RecordNode | undefined {
    const node = this.#adapt(given);
    if (!isObject(node) || this.#keyColumns.length === 0) return undefined;
    const key = new Map<string, RecordNode>();
    for (const { name, paths } of this.#keyColumns) {
      const found = paths.map((steps) => valueAtPath(recordAccess, node, steps) ?? null);
      const value = found.find((each) => each !== null);
      if (value === undefined) return undefined;
      key.set(name, value);
    }
    return key;
  }

  #unreadable(message: Message, reason: string): undefined {
    this.#rows.unreadable(positionOf(message), reason);
  }
}

/**
 * Keys of events have the columns of the table, as rows have them: a field that only has the name of the Sync's column is another one. Keys of
 * other messages are made by their producers, with the field's own name or that of the column.
 */
function keyPaths(
  name: string,
  steps: readonly Step[] | undefined,
  isDebezium: boolean,
): readonly (readonly Step[])[] {
  if (isDebezium && steps) return [steps];
  const last = steps?.findLast((step) => typeof step === 'string');
  return [...new Set([last, name])].flatMap((field) => (field === undefined ? [] : [[field]]));
}

/** Why the row of an event cannot be written. */
function faultOf(values: Iterable<RecordNode>): string | undefined {
  for (const value of values) {
    if (isUnavailable(value))
      return 'leaves out a large value that did not change; set REPLICA IDENTITY FULL for the table';
    if (value === unclearDecimal)
      return 'has a decimal that may be digits or base64; set decimal.handling.mode to string with a column of type text, or send schemas';
  }
  return undefined;
}

/** A deletion may need both. What was fetched for one may have been forgotten for the other. */
async function fetched(format: MessageFormat, parts: readonly (Buffer | null)[], signal: AbortSignal) {
  for (const part of parts) await format.prepare?.(part, signal);
}

function prepared(
  format: MessageFormat,
  value: Buffer | null,
  key: Buffer | null,
  signal: AbortSignal,
): Promise<void> | undefined {
  const first = format.prepare?.(value, signal) ?? format.prepare?.(key, signal);
  return first?.then(() => fetched(format, [value, key, value], signal));
}

export function positionOf({ topic, partition, cursor }: Message): string {
  return `topic ${topic}, partition ${partition}, offset ${cursor.offset}`;
}
