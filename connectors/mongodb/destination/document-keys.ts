import { createHash } from 'node:crypto';
import { BSON } from 'mongodb';
import type { WritePlan } from '../../../core/connector.ts';
import type { Index } from '../describe.ts';
import type { BsonWriter } from '../types/bson-writer.ts';
import { bson } from '../types/format.ts';

/**
 * How a document gets its `_id`:
 * - `own`: a column has the name `_id`, or documents travel whole;
 * - `derived`: the value of the one key column, or a document of several, sorted by name;
 * - `fields`: the collection has a unique index over the key columns, and the server makes the `_id`;
 * - `generated`: there is no key, or the documents are a history.
 */
export type IdForm = 'own' | 'derived' | 'fields' | 'generated';

export const idName = '_id';

export function idFormOf(plan: WritePlan, isWhole: boolean, indexes: readonly Index[]): IdForm {
  const { key, columns, hasUniqueKey } = plan;
  if (isWhole || columns.columns.some(({ name }) => name === idName)) return 'own';
  if (!hasUniqueKey) return 'generated';
  return hasUniqueIndex(indexes, key) ? 'fields' : 'derived';
}

export function hasUniqueIndex(indexes: readonly Index[], key: readonly string[]): boolean {
  return indexes.some(
    ({ isUnique, fields }) =>
      isUnique && fields.length === key.length && fields.every(([path]) => key.includes(path)),
  );
}

/** The key by which documents are found: `_id`, or fields with a unique index. */
export function isFoundById(form: IdForm, { key }: Pick<WritePlan, 'key'>): boolean {
  return form === 'derived' || (form === 'own' && (key.length === 0 || key.join() === idName));
}

/** The same rows have the same ids, so that a batch that is written again after a failure adds nothing. */
export function deterministicId(uid: string, row: Buffer, occurrence: number): Buffer {
  return createHash('sha256').update(`${uid} ${occurrence} `).update(row).digest().subarray(0, 12);
}

export function randomId(): Uint8Array {
  return new BSON.ObjectId().id;
}

export function writeObjectId(writer: BsonWriter, id: Uint8Array): void {
  writer.name(bson.objectId, idName);
  writer.raw(id);
}
