import type { Document } from 'mongodb';
import type { Relation, UniqueKey } from '../../../core/values.ts';
import { type CollectionInfo, listIndexes, readRaw } from '../describe.ts';
import type { Session } from '../session.ts';
import { type BsonValue, bson, bytesOf, documentValue, elementsOf, fieldOf } from '../types/format.ts';
import { idName } from './document-keys.ts';

const sampled = 20;

/** An existing collection as a destination: it has no columns of its own, and its keys are `_id` and its unique indexes. */
export async function relationAt(
  session: Session,
  collection: CollectionInfo,
  signal: AbortSignal,
): Promise<Relation> {
  const { name, identity, kind, options } = collection;
  const base = {
    name,
    columns: [],
    hasOpenColumns: true as const,
    ...(identity !== undefined && { identity }),
  };
  if (kind !== 'collection') return { ...base, keys: [] };
  const indexes = await listIndexes(session, name, signal);
  const unique = indexes
    .filter(({ isUnique }) => isUnique)
    .map(
      ({ name: index, fields }): UniqueKey => ({
        name: index,
        columns: fields.map(([path]) => path),
        isPrimary: index === '_id_',
      }),
    );
  const documents = await ends(session, name, signal);
  const derived = derivedKeys(documents.map(documentValue));
  const hasCollation =
    typeof (options.collation as Document | undefined)?.locale === 'string' &&
    options.collation.locale !== 'simple';
  return {
    ...base,
    keys: [...(hasCollation ? [] : derived), ...unique],
    ...(documents.length === 0 && { takesAnyKey: true as const }),
  };
}

async function ends(session: Session, name: string, signal: AbortSignal): Promise<Buffer[]> {
  const first = await readRaw(session, name, { sort: { _id: 1 }, limit: sampled }, signal);
  return [...first, ...(await readRaw(session, name, { sort: { _id: -1 }, limit: sampled }, signal))];
}

/** Columns from which all these documents have their `_id`, as document-keys.ts makes it. */
function derivedKeys(documents: readonly BsonValue[]): readonly UniqueKey[] {
  const [first] = documents;
  const id = first && fieldOf(first, idName);
  if (!first || !id) return [];
  const candidates =
    id.type === bson.object
      ? [[...elementsOf(id)].map((each) => each.name)]
      : [...elementsOf(first)]
          .filter((each) => each.name !== idName && isSame(each, id))
          .map((each) => [each.name]);
  return candidates
    .filter((columns) => columns.length > 0 && documents.every((each) => isDerived(each, columns)))
    .map((columns) => ({ name: `_id of ${columns.join(', ')}`, columns, isPrimary: false }));
}

function isDerived(document: BsonValue, columns: readonly string[]): boolean {
  const id = fieldOf(document, idName);
  if (!id) return false;
  if (columns.length === 1 && id.type !== bson.object) return isSame(fieldOf(document, columns[0] ?? ''), id);
  const parts = [...elementsOf(id)];
  return (
    parts.length === columns.length &&
    parts.every((each, at) => each.name === columns[at] && isSame(fieldOf(document, each.name), each))
  );
}

/** A NULL of a key is a null in `_id`, and its field is missing. */
function isSame(value: BsonValue | undefined, id: BsonValue): boolean {
  if (!value) return id.type === bson.null;
  return value.type === id.type && bytesOf(value).equals(bytesOf(id));
}
