import type { Batch, Misfits } from '../batch.ts';
import type { ReadRequest } from '../connector.ts';
import type { Rejection } from '../rejection.ts';
import type { Value } from '../values.ts';
import { stepsOf } from './columns.ts';
import { type Converter, converterOf } from './convert.ts';
import { Inference } from './inference.ts';
import { Misfit } from './misfit.ts';
import { type NodeAccess, valueAtPath } from './node.ts';
import type { Step } from './path.ts';
import type { RecordColumn } from './record-column.ts';

export interface RowSource<N, M> {
  readonly access: NodeAccess<N>;
  readonly columns: readonly RecordColumn[];
  /** Values of columns that are not in the record, by their names: `_offset`. M: what the connector knows of a record beside its content. */
  readonly metadata?: Readonly<Record<string, (of: M) => Value>>;
}

/** Enough for a message, whatever the number of misfits. */
const mostRejections = 100;

/**
 * Makes the rows of records, in the order of ReadRequest.columns. Collects what does not fit until `take`, which belongs to one batch.
 */
export class RowMaker<N, M = undefined> {
  readonly #source: RowSource<N, M>;
  readonly #cells: readonly Cell<N, M>[];
  /** Undefined: new fields are not looked for. */
  readonly #known: ReadonlySet<string> | undefined;
  /** All columns are fields. */
  readonly #needsObject: boolean;
  #count = 0;
  #rejections: Rejection[] = [];
  #fields: Inference<N> | undefined;

  constructor(source: RowSource<N, M>, request: Pick<ReadRequest, 'columns' | 'findsNewFields'>) {
    this.#source = source;
    this.#cells = request.columns.map(({ column }) => cellOf(source, column));
    const { columns } = source;
    this.#needsObject = columns.length > 0 && columns.every((each) => typeof stepsOf(each)[0] === 'string');
    this.#known = request.findsNewFields ? knownFields(source.columns) : undefined;
  }

  /**
   * Undefined: the record does not fit, which is recorded. `position` names it in messages: `partition 3, offset 42`; a function is called
   * only for them.
   */
  row(record: N, of: M, position: string | (() => string)): Value[] | undefined {
    if (this.#needsObject && this.#source.access.read(record).kind !== 'object') {
      this.unreadable(typeof position === 'string' ? position : position(), 'is not an object with fields');
      return undefined;
    }
    if (this.#known) this.#look(record, this.#known);
    const row: Value[] = [];
    for (const cell of this.#cells) {
      const value = cell.read(record, of);
      if (value instanceof Misfit) {
        this.#reject(cell.name, typeof position === 'string' ? position : position(), value);
        return undefined;
      }
      row.push(value);
    }
    return row;
  }

  /** A record that could not be read at all, such as a text that is not JSON. */
  unreadable(position: string, reason: string): void {
    this.#add({ code: 'RecordUnreadable', row: position, message: `the record ${reason}` });
  }

  /** What was collected since the last call. */
  take(): Pick<Batch, 'misfits' | 'newFields'> {
    const misfits: Misfits = { count: this.#count, rejections: this.#rejections };
    const newFields = this.#fields?.columns() ?? [];
    this.#count = 0;
    this.#rejections = [];
    this.#fields = undefined;
    return { ...(misfits.count > 0 && { misfits }), ...(newFields.length > 0 && { newFields }) };
  }

  #look(record: N, known: ReadonlySet<string>): void {
    for (const [name, value] of this.#source.access.fields(record)) {
      if (name === '' || known.has(name)) continue;
      this.#fields ??= new Inference(this.#source.access);
      this.#fields.addField(name, value);
    }
  }

  #reject(column: string, row: string, { reason }: Misfit): void {
    this.#add({ code: 'RecordMisfit', column, row, message: `the value ${reason}` });
  }

  #add(rejection: Rejection): void {
    this.#count += 1;
    if (this.#rejections.length < mostRejections) this.#rejections.push(rejection);
  }
}

interface Cell<N, M> {
  readonly name: string;
  readonly read: (record: N, of: M) => Value | Misfit;
}

type CellColumn = ReadRequest['columns'][number]['column'];

function cellOf<N, M>({ access, columns, metadata }: RowSource<N, M>, column: CellColumn): Cell<N, M> {
  const { name } = column;
  const extra = metadata?.[name];
  if (extra) return { name, read: (_record, of) => extra(of) };
  const field = columns.find((each) => each.name === name);
  if (!field) return { name, read: () => null };
  const convert = converterOf(column.type, access);
  return { name, read: reader(access, stepsOf(field), convert, column.isNullable) };
}

const missing = new Misfit('is missing, and the column is not nullable');

function reader<N>(
  access: NodeAccess<N>,
  steps: readonly Step[],
  convert: Converter<N>,
  isNullable: boolean,
): (record: N) => Value | Misfit {
  return (record) => {
    const node = valueAtPath(access, record, steps);
    const value = node === undefined ? null : convert(node);
    return value === null && !isNullable ? missing : value;
  };
}

/** Undefined if a column has the whole record, and with it every field. */
function knownFields(columns: readonly RecordColumn[]): ReadonlySet<string> | undefined {
  const first = columns.map((column) => stepsOf(column)[0]);
  if (first.includes(undefined)) return undefined;
  return new Set(first.filter((step) => typeof step === 'string'));
}
