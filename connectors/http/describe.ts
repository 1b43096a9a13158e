import { columnOf } from '../../core/records/columns.ts';
import { defaultSample, Inference } from '../../core/records/inference.ts';
import { jsonAccess } from '../../core/records/json.ts';
import type { JsonValue } from '../../core/records/json-parser.ts';
import type { RecordColumn } from '../../core/records/record-column.ts';
import { noRecords, tooManyFields } from '../../core/records/refusals.ts';
import { timestampFromIso } from '../../core/records/time-text.ts';
import type { SourceObject } from '../../core/sync-spec.ts';
import type { Relation } from '../../core/values.ts';
import type { WalkedItem } from './source/item-reader.ts';

/**
 * The columns of a list: those of the manifest, or inferred from its first items. The first page is read in any case, and to its end if it
 * should be the only one: what the answer says of a next page is behind its items.
 */
export async function describeList(
  pages: AsyncGenerator<readonly WalkedItem[], void>,
  object: SourceObject,
  isOnePage: boolean,
): Promise<Relation> {
  const { path = '', columns, key } = object;
  const records: JsonValue[] = [];
  const wanted = columns ? 1 : (object.sample ?? defaultSample);
  for await (const items of pages) {
    if (records.length < wanted)
      records.push(...items.flatMap(({ record }) => (record === undefined ? [] : [record])));
    if (records.length >= wanted && !isOnePage) break;
  }
  records.splice(wanted);
  const recordColumns = columns ?? inferred(records, object);
  const known = key?.every((name) => recordColumns.some((each) => each.name === name));
  return {
    name: path,
    columns: recordColumns
      .map(columnOf)
      .map((each) => (key?.includes(each.name) ? { ...each, isNullable: false } : each)),
    keys: key && known ? [{ name: 'source.key', columns: key, isPrimary: true }] : [],
    isOpaque: true,
    recordColumns,
  };
}

function inferred(
  records: readonly JsonValue[],
  { path = '', key = [], timestampField }: SourceObject,
): readonly RecordColumn[] {
  const inference = new Inference(jsonAccess);
  for (const record of records) inference.add(record);
  if (inference.hasTooManyFields) throw tooManyFields(path);
  const columns = inference.columns();
  if (columns.length === 0) throw noRecords(path);
  return columns.map((column) => {
    const isTime = column.name === timestampField && column.type === 'text';
    const type = isTime ? (timeType(records, column.name) ?? column.type) : column.type;
    return { ...column, type, nullable: !key.includes(column.name) };
  });
}

/** JSON has no times: the field that the Sync names as one is a timestamp, if each value in the sample is. */
function timeType(records: readonly JsonValue[], name: string): string | undefined {
  const texts = records.flatMap((record) => {
    const value = jsonAccess.field(record, name);
    return typeof value === 'string' ? [value] : [];
  });
  const isAll = (hasZone: boolean) =>
    texts.every((text) => 'text' in timestampFromIso(text, { precision: 9, hasZone }));
  const digits = Math.max(...texts.map((text) => /\.(\d+)/.exec(text)?.[1]?.length ?? 0));
  // A value without digits may be followed by one with them.
  const precision = Math.max(6, digits);
  if (isAll(true)) return `timestamp(${precision}) with time zone`;
  return isAll(false) ? `timestamp(${precision})` : undefined;
}
