import {
  Binary,
  BSONRegExp,
  Code,
  Decimal128,
  Double,
  Int32,
  Long,
  MaxKey,
  MinKey,
  ObjectId,
  Timestamp,
} from 'mongodb';
import { asText, type TestCollections } from '../kit/systems.ts';
import type { Kind, ReadColumn } from './type-case.ts';

/** Fields of all documents as text, in the order of the first one. A missing field is null. */
export async function readDocuments(
  database: TestCollections,
  collection: string,
  columns: readonly ReadColumn[],
): Promise<readonly (readonly (string | null)[])[]> {
  const documents = await database.collection(collection).find().toArray();
  const rows = documents.map((document) => columns.map(({ name, kind }) => fieldText(document[name], kind)));
  return rows.sort(([one], [other]) => inOrder(String(one), String(other)));
}

/** By number as far as a double tells them apart, then by text. */
function inOrder(one: string, other: string): number {
  return Number(one) - Number(other) || (one < other ? -1 : Number(one > other));
}

/** Independent of the tested code. JSON that came from another system may be a JSON null, which is not a missing field. */
export function fieldText(value: unknown, kind: Kind): string | null {
  if (value === null) return kind === 'json' ? 'null' : null;
  if (value === undefined) return null;
  if (typeof kind !== 'string') return itemsText(value, kind.arrayOf);
  if (kind === 'extended' || kind === 'json') return jsonText(value, kind === 'extended');
  if (value instanceof Date) return dateText(value, kind === 'date');
  if (value instanceof Binary) return binaryText(value);
  return scalarText(value);
}

function itemsText(value: unknown, of: Kind): string {
  if (!Array.isArray(value)) return String(value);
  const items = value.map((each) => {
    if (Array.isArray(each)) return itemsText(each, of);
    return each === null ? 'null' : JSON.stringify(fieldText(each, of));
  });
  return `[${items.join(',')}]`;
}

function scalarText(value: unknown): string {
  if (value instanceof Double || value instanceof Int32) return asText(value.valueOf()) ?? '';
  if (value instanceof ObjectId) return value.toHexString();
  return String(value);
}

function binaryText(value: Binary): string {
  const hex = Buffer.from(value.value()).toString('hex');
  return value.sub_type === Binary.SUBTYPE_UUID ? uuidText(hex) : hex;
}

function uuidText(hex: string): string {
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}

/** As PostgreSQL writes it: years before the first one with BC, and those of five digits without a sign. */
export function dateText(date: Date, isDay: boolean): string {
  const year = date.getUTCFullYear();
  const [day = '', clock = ''] = date
    .toISOString()
    .replace(/^[+-]?\d+-/, '')
    .split('T');
  const text = `${String(year > 0 ? year : 1 - year).padStart(4, '0')}-${day}${isDay ? '' : ` ${clock.slice(0, -1)}`}`;
  return year > 0 ? text : `${text} BC`;
}

/**
 * `isExtended`: the form of docs/mongodb.md for values of documents. Otherwise the value is JSON of another system, whose numbers became
 * those of BSON with the same digits.
 */
function jsonText(value: unknown, isExtended: boolean): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return `[${value.map((each) => jsonText(each, isExtended)).join(',')}]`;
  if (typeof value === 'string' || typeof value === 'boolean') return JSON.stringify(value);
  // A Timestamp of the driver is a Long as well.
  if (value instanceof Timestamp) return JSON.stringify({ $timestamp: { t: value.t, i: value.i } });
  if (value instanceof Int32 || value instanceof Long) return String(value);
  if (value instanceof Double) return doubleText(value.value, isExtended);
  if (value instanceof Decimal128)
    return isExtended ? JSON.stringify({ $numberDecimal: String(value).replace('E', 'e') }) : String(value);
  const special = specialOf(value);
  if (special !== undefined) return JSON.stringify(special);
  const members = Object.entries(value as object).map(
    ([name, each]) => `${JSON.stringify(name)}:${jsonText(each, isExtended)}`,
  );
  return `{${members.join(',')}}`;
}

function doubleText(value: number, isExtended: boolean): string {
  if (!Number.isFinite(value)) return JSON.stringify({ $numberDouble: String(value) });
  const text = asText(value) ?? '';
  return isExtended && !/[.e]/.test(text) ? `${text}.0` : text;
}

/** Values that JSON has no form for. */
function specialOf(value: unknown): object | undefined {
  if (value instanceof ObjectId) return { $oid: value.toHexString() };
  if (value instanceof Date) return { $date: value.toISOString() };
  if (value instanceof BSONRegExp)
    return { $regularExpression: { pattern: value.pattern, options: value.options } };
  if (value instanceof Code) return { $code: value.code };
  if (value instanceof MinKey) return { $minKey: 1 };
  if (value instanceof MaxKey) return { $maxKey: 1 };
  if (!(value instanceof Binary)) return undefined;
  const data = Buffer.from(value.value());
  if (value.sub_type === Binary.SUBTYPE_UUID) return { $uuid: uuidText(data.toString('hex')) };
  const subType = value.sub_type.toString(16).padStart(2, '0');
  return { $binary: { base64: data.toString('base64'), subType } };
}
