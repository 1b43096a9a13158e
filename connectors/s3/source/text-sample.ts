import type { JsonValue } from '../../../core/records/json-parser.ts';
import { isUtf8Dialect } from '../formats/csv-dialect.ts';
import { splitFields } from '../formats/csv-fields.ts';
import { CsvRows } from '../formats/csv-rows.ts';
import { asUtf8, compressionOf, decompressed } from '../formats/decoded-stream.ts';
import { RecordObject } from '../formats/record-object.ts';
import type { ObjectFormat } from '../object-format.ts';
import type { ObjectEntry, S3Session } from '../session.ts';
import { contentError } from './text-object.ts';

export interface SampleInit {
  readonly session: S3Session;
  readonly format: ObjectFormat;
  readonly object: ObjectEntry;
  readonly count: number;
}

/** An object that is larger is also looked at in its middle and at its end, if its lines can be found there. */
const wholeBytes = 1_024 ** 2;
const partBytes = 256 * 1_024;

/** Some records of an object: lines of JSON as text, records of CSV with the names of their columns. */
export async function sampleText(
  init: SampleInit,
  signal: AbortSignal,
): Promise<readonly (string | JsonValue)[]> {
  const { object, format, count } = init;
  const compression = compressionOf(object.key, format.compression);
  const hasParts = format.name === 'JSONLines' && compression === 'None' && object.size > wholeBytes;
  if (!hasParts) return await recordsFrom(init, 0, count, signal);
  const starts = [0, Math.floor(object.size / 2), object.size - partBytes];
  const found: (string | JsonValue)[] = [];
  for (const start of starts) found.push(...(await recordsFrom(init, start, Math.ceil(count / 3), signal)));
  return found;
}

async function recordsFrom(
  { session, object, format }: SampleInit,
  start: number,
  count: number,
  signal: AbortSignal,
): Promise<readonly (string | JsonValue)[]> {
  const body = await session.read(object.key, { etag: object.etag, start }, signal);
  try {
    const text = decompressed(body.chunks, compressionOf(object.key, format.compression));
    const isCsv = format.name === 'CSV';
    const chunks = isCsv && !isUtf8Dialect(format.csv) ? asUtf8(text, format.csv.encoding) : text;
    const collector = isCsv ? new CsvCollector(format) : new LineCollector();
    const source = new RecordObject(chunks, collector, { bytes: start, records: 0 }, () => {});
    // The first line of a part may have begun before it.
    await source.part({ maxRows: count + 1, maxBytes: Number.POSITIVE_INFINITY });
    return collector.found.slice(start > 0 ? 1 : 0);
  } catch (thrown) {
    throw contentError(session, object, 'in the sample for the columns', thrown);
  } finally {
    body.close();
  }
}

class LineCollector {
  readonly found: string[] = [];
  readonly row = undefined;

  endOf(buffer: Buffer, at: number, isLast: boolean, from: number): number {
    const found = buffer.indexOf(0x0a, Math.max(at, from));
    if (found >= 0) return found + 1;
    return isLast ? buffer.length : -1;
  }

  read(buffer: Buffer, at: number, isLast: boolean, from: number): number {
    const end = this.endOf(buffer, at, isLast, from);
    if (end >= 0) this.found.push(buffer.toString('utf8', at, end));
    return end;
  }
}

/** Finds records as CsvRows does, and keeps them with their names. */
class CsvCollector {
  readonly found: JsonValue[] = [];
  readonly row = undefined;
  readonly #format: ObjectFormat;
  readonly #rows: Pick<CsvRows<undefined>, 'endOf'>;
  #names: readonly string[] | undefined;

  constructor(format: ObjectFormat) {
    this.#format = format;
    this.#rows = new CsvRows({
      dialect: format.csv,
      columns: [],
      recordColumns: [],
      maker: { row: () => undefined, unreadable() {} },
      constants: new Map(),
      counter: -1,
      of: () => undefined,
      nameOf: () => '',
      findsNewFields: false,
    });
  }

  endOf(buffer: Buffer, at: number, isLast: boolean): number {
    return this.#rows.endOf(buffer, at, isLast);
  }

  read(buffer: Buffer, at: number, isLast: boolean): number {
    const end = this.endOf(buffer, at, isLast);
    if (end < 0) return end;
    const bytes = buffer.subarray(at, end);
    const text = /\r?\n$/.exec(bytes.toString('latin1', Math.max(0, bytes.length - 2)));
    const fields = splitFields(bytes.subarray(0, bytes.length - (text?.[0].length ?? 0)), this.#format.csv);
    if (typeof fields === 'string') return end;
    if (!this.#names) {
      const { hasHeader } = this.#format.csv;
      this.#names = fields.map((field, index) => (hasHeader ? (field ?? '') : `column${index + 1}`));
      // A header alone shows the columns, too.
      if (hasHeader) this.found.push(new Map(this.#names.map((name) => [name, ''])));
      if (hasHeader) return end;
    }
    this.found.push(new Map(this.#names.map((name, index) => [name, fields[index] ?? ''])));
    return end;
  }
}
