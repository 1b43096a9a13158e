import { answerMemory } from '../../../core/answer-memory.ts';
import type { BatchLimits } from '../../../core/batch.ts';
import { IdraError, permanent } from '../../../core/errors.ts';
import { namespaceOf } from '../../../core/sync-spec.ts';
import type { Value } from '../../../core/values.ts';
import type { ObjectBody } from '../connection/object-contents.ts';
import { objectDamaged } from '../errors.ts';
import { isUtf8Dialect } from '../formats/csv-dialect.ts';
import { CsvRows } from '../formats/csv-rows.ts';
import { asUtf8, compressionOf, decompressed } from '../formats/decoded-stream.ts';
import { JsonRows } from '../formats/json-rows.ts';
import {
  maxRecordBytes,
  type Position,
  type RecordFormat,
  RecordObject,
  RecordTooLarge,
} from '../formats/record-object.ts';
import type { ObjectPart, ObjectPosition, ObjectReader } from '../object-reader.ts';
import type { ObjectEntry, S3Session } from '../session.ts';
import { constantsOf, recordCounter } from './metadata.ts';
import { type RecordReading, recordName } from './record-reading.ts';

const noBytes: ObjectBody = { etag: '', size: 0, chunks: (async function* () {})(), close() {} };

/** JSON Lines or CSV. A text that is not compressed is continued at a byte, another one is read again up to the record. */
export async function openTextObject(
  reading: RecordReading,
  object: ObjectEntry,
  [bytes, records]: ObjectPosition,
  signal: AbortSignal,
): Promise<ObjectReader> {
  const { session, format } = reading.init;
  const compression = compressionOf(object.key, format.compression);
  const encoding = format.name === 'CSV' && !isUtf8Dialect(format.csv) ? format.csv.encoding : undefined;
  const isSeekable = compression === 'None' && encoding === undefined;
  const open = async (start: number) => {
    if (start >= object.size) return noBytes;
    return await reading.ahead.read(object, { start }, signal);
  };
  const plain = (body: ObjectBody) => {
    // No compressed content is empty, but some writers leave an empty object where there is nothing to write.
    if (object.size === 0) return body.chunks;
    const text = decompressed(body.chunks, compression);
    return encoding === undefined ? text : asUtf8(text, encoding);
  };
  const isContinued = isSeekable ? bytes > 0 : records > 0 && !format.csv.hasHeader;
  const names = isContinued ? await firstNames(reading, object, plain, signal) : undefined;
  const body = await open(isSeekable ? bytes : 0);
  const share = answerMemory.shareOf({
    namespace: namespaceOf(session.dataSource),
    where: `${session.where}, ${object.key}`,
    end: () => body.close(),
  });
  const from: Position = isSeekable ? { bytes, records } : { bytes: 0, records: 0 };
  const source = new RecordObject(plain(body), formatOf(reading, object, names), from, (held) =>
    share.hold(held),
  );
  const reader = new TextObject({
    source,
    object,
    session,
    isSeekable,
    close() {
      body.close();
      share.release();
    },
  });
  try {
    if (!isSeekable && records > 0) await reader.skip(records);
  } catch (thrown) {
    reader.close();
    throw thrown;
  }
  return reader;
}

/** The names of CSV are those of its header, or of the fields of its first record, wherever it is continued. */
async function firstNames(
  reading: RecordReading,
  object: ObjectEntry,
  plain: (body: ObjectBody) => AsyncIterable<Buffer>,
  signal: AbortSignal,
): Promise<readonly string[] | undefined> {
  if (reading.init.format.name !== 'CSV') return undefined;
  const body = await reading.ahead.read(object, { end: Math.min(object.size, maxRecordBytes) }, signal);
  try {
    // What does not fit was recorded when it was read first.
    const maker = { row: () => undefined, unreadable() {} };
    const rows = csvRows(reading, object, undefined, maker);
    const start = new RecordObject(plain(body), rows, { bytes: 0, records: 0 }, () => {});
    for (let isEnd = false; !rows.names && !isEnd; )
      ({ isEnd } = await start.part({ maxRows: 1, maxBytes: 1 }));
    return rows.names;
  } finally {
    body.close();
  }
}

function formatOf(
  reading: RecordReading,
  object: ObjectEntry,
  names: readonly string[] | undefined,
): RecordFormat {
  return reading.init.format.name === 'CSV' ? csvRows(reading, object, names) : jsonRows(reading, object);
}

function jsonRows(reading: RecordReading, object: ObjectEntry): RecordFormat {
  return new JsonRows({ ...rowsInit(reading, object), maker: reading.json });
}

function csvRows(
  reading: RecordReading,
  object: ObjectEntry,
  names: readonly string[] | undefined,
  maker: CsvMaker = reading.csv,
) {
  const { format } = reading.init;
  return new CsvRows({ ...rowsInit(reading, object), dialect: format.csv, maker, names });
}

type CsvMaker = Pick<RecordReading['csv'], 'row' | 'unreadable'>;

function rowsInit({ init }: RecordReading, object: ObjectEntry) {
  const { columns, metadata, request } = init;
  return {
    columns: request.columns.map(({ column }) => column),
    recordColumns: columns,
    constants: constantsOf(metadata, object) as ReadonlyMap<string, Value>,
    counter: recordCounter(init),
    of: ({ records }: Position) => ({ object, record: records }),
    nameOf: ({ records }: Position) => recordName(object, records),
    findsNewFields: request.findsNewFields === true,
  };
}

interface TextObjectInit {
  readonly source: RecordObject;
  readonly object: ObjectEntry;
  readonly session: S3Session;
  readonly isSeekable: boolean;
  readonly close: () => void;
}

class TextObject implements ObjectReader {
  readonly #init: TextObjectInit;

  constructor(init: TextObjectInit) {
    this.#init = init;
  }

  async skip(records: number): Promise<void> {
    await this.#named(() => this.#init.source.skip(records));
  }

  async part(limits: BatchLimits, isAlone: boolean): Promise<ObjectPart> {
    const { rows, bytes, position, isEnd } = await this.#named(() => this.#init.source.part(limits, isAlone));
    return { rows, bytes, isEnd, position: [this.#init.isSeekable ? position.bytes : 0, position.records] };
  }

  close(): void {
    this.#init.close();
  }

  /** Errors of the content name the object and the record. */
  async #named<T>(body: () => Promise<T>): Promise<T> {
    const { session, object, source } = this.#init;
    try {
      return await body();
    } catch (thrown) {
      throw contentError(session, object, `after record ${source.position.records}`, thrown);
    }
  }
}

/** What reading the content of a text has thrown, with the name of its object. */
export function contentError(
  session: S3Session,
  object: ObjectEntry,
  place: string,
  thrown: unknown,
): unknown {
  if (thrown instanceof IdraError) return thrown;
  if (thrown instanceof RecordTooLarge)
    return permanent(
      'RecordOverLimit',
      `${session.where}: ${object.key} has a record of more than ${maxRecordBytes} bytes, ${place}`,
      {
        path: 'spec.source.format',
        fix: 'check format and compression of the source, or split the record',
      },
    );
  const code = (thrown as NodeJS.ErrnoException).code ?? '';
  return /^(Z_|ZSTD_|ERR_ENCODING_INVALID|ERR_BUFFER_TOO_LARGE)/.test(code)
    ? objectDamaged(session.where, object.key, `its content cannot be decoded (${code}), ${place}`, thrown)
    : thrown;
}
