import type { RawRequest } from '../../../core/batch.ts';
import type { PlannedColumn, ReadColumn } from '../../../core/column-plan.ts';
import { protocolError } from '../../../core/error-class.ts';
import type { Column } from '../../../core/values.ts';
import { BsonWriter } from './bson-writer.ts';
import { type BsonValue, documentValue } from './format.ts';

/**
 * Documents as their bytes, one behind the other. A deletion is four bytes of ones and a document with the `_id` of the one that was
 * deleted.
 */
export const wholeFormat = 'bson';
/** The column of a document as a whole. */
export const wholeColumnName = 'document';
const wholeNativeType = 'document';
const deletionMark = Buffer.from([0xff, 0xff, 0xff, 0xff]);

export const wholeColumn: Column = {
  name: wholeColumnName,
  type: { kind: 'json' },
  nativeType: wholeNativeType,
  isNullable: false,
};

export function isWhole(columns: readonly Pick<PlannedColumn, 'source'>[]): boolean {
  return columns.some(
    ({ source }) => source.name === wholeColumnName && source.nativeType === wholeNativeType,
  );
}

/** Other columns are fields of the document, by which the source orders. */
export function wholeRequest(columns: readonly Pick<PlannedColumn, 'source'>[]): RawRequest {
  return {
    format: wholeFormat,
    as: columns.map(({ source }) => (source.name === wholeColumnName ? 'document' : 'field')),
  };
}

export function servesWhole({ format }: RawRequest, columns: readonly ReadColumn[]): boolean {
  return format === wholeFormat && isWhole(columns.map(({ column }) => ({ source: column })));
}

/** A deletion, for the chunks of a batch. */
export function deletionOf(id: BsonValue): Buffer {
  const writer = new BsonWriter(64);
  writer.raw(deletionMark);
  const start = writer.beginDocument();
  writer.element('_id', id);
  writer.endDocument(start);
  // The length of a document counts from its own start.
  return Buffer.from(writer.written);
}

export interface WholeRecord {
  readonly document: BsonValue;
  readonly isDeletion: boolean;
}

export function* recordsIn(chunks: readonly Buffer[]): Generator<WholeRecord, void> {
  for (const chunk of chunks) {
    let at = 0;
    while (at < chunk.length) {
      const isDeletion = chunk.readInt32LE(at) === -1;
      const start = isDeletion ? at + 4 : at;
      const length = chunk.readInt32LE(start);
      if (length < 5 || start + length > chunk.length)
        throw protocolError('MongoDB', 'a document with a wrong length');
      yield { document: documentValue(chunk.subarray(start, start + length)), isDeletion };
      at = start + length;
    }
  }
}
