import type { Batch } from '../../../core/batch.ts';
import type { ReadRequest } from '../../../core/connector.ts';
import { jsonAccess } from '../../../core/records/json.ts';
import type { JsonValue } from '../../../core/records/json-parser.ts';
import { formatPath } from '../../../core/records/path.ts';
import type { RecordColumn } from '../../../core/records/record-column.ts';
import { RowMaker } from '../../../core/records/rows.ts';
import { type CsvField, type CsvRecord, csvAccess } from '../formats/csv-record.ts';
import type { ObjectFormat } from '../object-format.ts';
import type { ObjectEntry, S3Session } from '../session.ts';
import { metadataOf, type RecordFacts } from './metadata.ts';
import { ObjectsAhead } from './objects-ahead.ts';

export interface ReadingInit {
  readonly session: S3Session;
  readonly prefix: string;
  readonly format: ObjectFormat;
  readonly columns: readonly RecordColumn[];
  /** Names without `_`. */
  readonly metadata: readonly string[];
  readonly request: Pick<ReadRequest, 'columns' | 'findsNewFields'>;
}

/** Reads objects as the rows of one pass, and collects what does not fit. */
export class RecordReading {
  readonly init: ReadingInit;
  readonly ahead: ObjectsAhead;
  readonly json: RowMaker<JsonValue, RecordFacts>;
  readonly csv: RowMaker<CsvRecord | CsvField, RecordFacts>;
  readonly #newFields: RecordColumn[] = [];

  constructor(init: ReadingInit) {
    const { columns, request } = init;
    const metadata = metadataOf(init.metadata);
    this.init = init;
    this.ahead = new ObjectsAhead(init.session);
    this.json = new RowMaker({ access: jsonAccess, columns, metadata }, request);
    this.csv = new RowMaker({ access: csvAccess, columns, metadata }, request);
  }

  /** A field of a file that says itself which type its fields have. */
  addField({ name, type }: Pick<RecordColumn, 'name' | 'type'>): void {
    if (this.#newFields.some((each) => each.name === name)) return;
    this.#newFields.push({ name, path: formatPath([name]), type, nullable: true });
  }

  /** What was collected since the last call. */
  take(): Pick<Batch, 'misfits' | 'newFields'> {
    const taken = this.init.format.name === 'CSV' ? this.csv.take() : this.json.take();
    const newFields = this.#newFields.splice(0);
    return newFields.length > 0 ? { ...taken, newFields } : taken;
  }
}

/** How messages name a record. */
export function recordName({ key }: Pick<ObjectEntry, 'key'>, record: number): string {
  return `${record} of ${key}`;
}
