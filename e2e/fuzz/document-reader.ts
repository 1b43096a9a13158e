import { BSON, type Document } from 'mongodb';
import { dateText } from '../pairs/read-documents.ts';
import type { Kind } from '../pairs/type-case.ts';
import type { Session } from './sessions.ts';
import { command } from './systems/mongodb.ts';

/** A value of a document, in the forms that it may have elsewhere. Written for this comparison, independently of the tested code. */
export interface DocumentValue {
  readonly type: DocumentType;
  /** Extended JSON with every type: equal only for the same value of the same type. */
  readonly exact: string;
  /** As a scalar: digits, the text itself, bytes as hexadecimal digits, times in UTC; documents and arrays as in `json`. */
  readonly plain: string;
  /** As part of a JSON column (docs/mongodb.md). */
  readonly json: string;
}

export type DocumentType =
  | 'number'
  | 'text'
  | 'boolean'
  | 'date'
  | 'bytes'
  | 'uuid'
  | 'objectId'
  | 'json'
  | 'other';

export type ReadDocument = ReadonlyMap<string, DocumentValue | null>;

/** Undefined if the collection does not exist. */
export async function readDocuments(
  session: Session,
  collection: string,
): Promise<readonly ReadDocument[] | undefined> {
  const [found] = await session.query(
    command({ listCollections: 1, filter: { name: collection }, cursor: {} }),
  );
  if (!found) return undefined;
  const rows = await session.query(
    command({ find: collection, filter: {}, batchSize: 100_000, singleBatch: true }),
  );
  return rows.map(([text]) => {
    const document = BSON.EJSON.parse(text ?? '{}', { relaxed: false }) as Document;
    return new Map(
      Object.entries(document).map(([name, value]) => [name, value === null ? null : documentValueOf(value)]),
    );
  });
}

/** The value at a path of names. */
export function valueAt(document: ReadDocument, path: string): DocumentValue | null {
  const [first = '', ...rest] = path.split('.');
  const top = document.get(first) ?? null;
  if (rest.length === 0 || top === null) return top;
  let value: unknown = BSON.EJSON.parse(top.exact, { relaxed: false });
  for (const name of rest) {
    value = isDocument(value) ? value[name] : undefined;
  }
  return value === undefined || value === null ? null : documentValueOf(value);
}

export function kindOfValue({ type }: DocumentValue): Kind {
  switch (type) {
    case 'number':
      return 'decimal';
    case 'boolean':
    case 'bytes':
    case 'json':
      return type;
    case 'date':
      return 'timestamp';
    default:
      return 'text';
  }
}

function documentValueOf(value: unknown): DocumentValue {
  const exact = BSON.EJSON.stringify(value, { relaxed: false });
  const { type, plain, json = JSON.stringify(plain) } = formsOf(value);
  return { type, exact, plain, json };
}

interface Forms {
  readonly type: DocumentType;
  readonly plain: string;
  readonly json?: string;
}

function formsOf(value: unknown): Forms {
  if (typeof value === 'string') return { type: 'text', plain: value };
  if (typeof value === 'boolean') return { type: 'boolean', plain: String(value), json: String(value) };
  if (value instanceof Date) return dateForms(value);
  // A Timestamp is a Long, too.
  const isLong = value instanceof BSON.Long && !(value instanceof BSON.Timestamp);
  if (value instanceof BSON.Int32 || isLong)
    return { type: 'number', plain: value.toString(), json: value.toString() };
  if (value instanceof BSON.Double) return doubleForms(value.value);
  if (value instanceof BSON.Decimal128)
    return {
      type: 'number',
      plain: value.toString(),
      json: JSON.stringify({ $numberDecimal: value.toString() }),
    };
  if (value instanceof BSON.ObjectId)
    return { type: 'objectId', plain: value.toHexString(), json: `{"$oid":"${value.toHexString()}"}` };
  if (value instanceof BSON.Binary) return binaryForms(value);
  if (Array.isArray(value)) {
    const json = `[${value.map(jsonOf).join(',')}]`;
    return { type: 'json', plain: json, json };
  }
  if (isDocument(value)) {
    const members = Object.entries(value).map(([name, each]) => `${JSON.stringify(name)}:${jsonOf(each)}`);
    const json = `{${members.join(',')}}`;
    return { type: 'json', plain: json, json };
  }
  const exact = BSON.EJSON.stringify(value, { relaxed: false });
  return { type: 'other', plain: exact, json: exact };
}

function isDocument(value: unknown): value is Document {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !('_bsontype' in value);
}

function jsonOf(value: unknown): string {
  return value === null || value === undefined ? 'null' : documentValueOf(value).json;
}

function doubleForms(value: number): Forms {
  if (!Number.isFinite(value))
    return { type: 'number', plain: String(value), json: `{"$numberDouble":"${value}"}` };
  const plain = Object.is(value, -0) ? '-0' : String(value);
  return { type: 'number', plain, json: plain };
}

function dateForms(value: Date): Forms {
  const ms = value.getTime();
  const isUsual = ms >= 0 && ms < 253_402_300_800_000;
  const json = isUsual ? value.toISOString() : { $numberLong: String(ms) };
  return {
    type: 'date',
    plain: dateText(value, false),
    json: JSON.stringify({ $date: json }),
  };
}

function binaryForms(value: BSON.Binary): Forms {
  const bytes = Buffer.from(value.value());
  if (value.sub_type === BSON.Binary.SUBTYPE_UUID) {
    const text = value.toUUID().toHexString(true);
    return { type: 'uuid', plain: text, json: `{"$uuid":"${text}"}` };
  }
  const subType = value.sub_type.toString(16).padStart(2, '0');
  return {
    type: 'bytes',
    plain: bytes.toString('hex'),
    json: JSON.stringify({ $binary: { base64: bytes.toString('base64'), subType } }),
  };
}
