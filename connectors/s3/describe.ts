import { permanent } from '../../core/errors.ts';
import { columnOf, stepsOf } from '../../core/records/columns.ts';
import { defaultSample, Inference } from '../../core/records/inference.ts';
import { jsonAccess, jsonOrMisfit } from '../../core/records/json.ts';
import { Misfit } from '../../core/records/misfit.ts';
import { formatPath } from '../../core/records/path.ts';
import type { RecordColumn } from '../../core/records/record-column.ts';
import { noRecords, tooManyFields } from '../../core/records/refusals.ts';
import { formatType } from '../../core/records/type-text.ts';
import type { SourceObject } from '../../core/sync-spec.ts';
import type { Column, Relation } from '../../core/values.ts';
import type { ObjectFormat } from './object-format.ts';
import type { ObjectEntry, S3Session } from './session.ts';
import { metadataColumns } from './source/metadata.ts';
import { ObjectList } from './source/object-list.ts';
import { openFile } from './source/parquet-object.ts';
import { rawColumns, rawKeys } from './source/raw-object.ts';
import { sampleText } from './source/text-sample.ts';

/** Objects whose records or columns are looked at, from both ends of the list and its middle. */
const sampledObjects = 12;
/** The list is followed this far: both ends of a longer one are not known. */
const listedObjects = 5_000;

export interface DescribeInit {
  readonly session: S3Session;
  readonly object: SourceObject;
  readonly format: ObjectFormat;
}

/** The rows that the objects of a prefix give. Throws TableNotFound if there are none, ColumnsNotInferred. */
export async function describePrefix(init: DescribeInit, signal: AbortSignal): Promise<Relation> {
  const { object } = init;
  if (init.format.name === 'Raw')
    return {
      name: prefixName(init),
      columns: [...rawColumns, ...metadataColumns(object.metadata ?? [])],
      keys: rawKeys,
    };
  requirePaths(init);
  const recordColumns = object.columns ?? (await inferColumns(init, signal));
  const required = new Set(object.key ?? []);
  const columns: Column[] = recordColumns.map(columnOf).map((column) => notNull(column, required));
  return {
    name: prefixName(init),
    columns: [...columns, ...metadataColumns(object.metadata ?? [])],
    keys: [],
    // Nothing proves that columns of objects identify a row; the position of a row is that in its object.
    isOpaque: true,
    recordColumns,
  };
}

/** Where a path cannot lead to a value, its column would be NULL, or something else. */
function requirePaths({ object, format }: DescribeInit): void {
  for (const column of object.columns ?? []) {
    const [first, ...more] = stepsOf(column);
    const refusal =
      format.name === 'CSV' && (typeof first === 'number' || more.length > 0)
        ? 'a field of CSV has nothing within it; a dot in its name is written \\.'
        : format.name === 'Parquet' && typeof first !== 'string'
          ? 'a column of a file of Parquet begins with the name of a field'
          : undefined;
    if (refusal === undefined) continue;
    throw permanent('ManifestInvalid', `the path ${JSON.stringify(column.path)} leads nowhere: ${refusal}`, {
      path: 'spec.source.columns',
      fix: `correct the path of column ${column.name}`,
    });
  }
}

function notNull(column: Column, required: ReadonlySet<string>): Column {
  return required.has(column.name) ? { ...column, isNullable: false } : column;
}

export function prefixName({ session, object }: Pick<DescribeInit, 'session' | 'object'>): string {
  return `${session.config.bucket}/${object.prefix ?? ''}`;
}

async function inferColumns(init: DescribeInit, signal: AbortSignal): Promise<readonly RecordColumn[]> {
  const objects = await someObjects(init, signal);
  if (objects.length === 0) throw noObjects(init);
  return init.format.name === 'Parquet'
    ? await columnsOfFiles(init, objects, signal)
    : await columnsOfTexts(init, objects, signal);
}

async function someObjects({ session, object }: DescribeInit, signal: AbortSignal): Promise<ObjectEntry[]> {
  const list = new ObjectList(session, object.prefix ?? '');
  const found: ObjectEntry[] = [];
  while (found.length < listedObjects) {
    const next = await list.next(signal);
    if (!next) break;
    if (next.size > 0) found.push(next);
  }
  if (found.length <= sampledObjects) return found;
  const step = (found.length - 1) / (sampledObjects - 1);
  return Array.from({ length: sampledObjects }, (_, index) => found[Math.round(index * step)] as ObjectEntry);
}

function noObjects(init: DescribeInit): Error {
  return permanent('TableNotFound', `${init.session.where} has no objects below ${init.object.prefix}`, {
    path: 'spec.source.prefix',
    fix: 'check the prefix; names are case-sensitive, and do not begin with a slash unless the keys do',
  });
}

/** Fields in the order of the first file that has them. A field of several types becomes JSON. */
async function columnsOfFiles(
  { session }: DescribeInit,
  objects: readonly ObjectEntry[],
  signal: AbortSignal,
): Promise<readonly RecordColumn[]> {
  const types = new Map<string, Set<string>>();
  for (const each of objects) {
    const { fields } = await openFile(session, each, signal);
    for (const { name, type } of fields) {
      const seen = types.get(name) ?? new Set();
      types.set(name, seen.add(formatType(type) ?? 'json'));
    }
  }
  return [...types].map(([name, seen]) => {
    const [type = 'json'] = seen;
    return {
      name,
      path: formatPath([name]),
      type: seen.size === 1 ? type : commonType([...seen]),
      nullable: true,
    };
  });
}

const intSizes = ['int8', 'int16', 'int32', 'int64'];

/** Integers of several sizes have the largest in common. */
function commonType(types: readonly string[]): string {
  if (types.every((type) => intSizes.includes(type)))
    return intSizes[Math.max(...types.map((type) => intSizes.indexOf(type)))] ?? 'int64';
  return types.every((type) => type.startsWith('float')) ? 'float64' : 'json';
}

async function columnsOfTexts(
  init: DescribeInit,
  objects: readonly ObjectEntry[],
  signal: AbortSignal,
): Promise<readonly RecordColumn[]> {
  const { session, object, format } = init;
  const perObject = Math.max(1, Math.ceil((object.sample ?? defaultSample) / objects.length));
  const inference = new Inference(jsonAccess);
  for (const each of objects) {
    for (const record of await sampleText({ session, format, object: each, count: perObject }, signal)) {
      // What is not JSON is reported when it is read.
      const parsed = typeof record === 'string' ? jsonOrMisfit(record) : record;
      if (!(parsed instanceof Misfit) && jsonAccess.read(parsed).kind === 'object') inference.add(parsed);
    }
  }
  if (inference.hasTooManyFields) throw tooManyFields(prefixName(init));
  const columns = inference.columns();
  if (columns.length === 0) throw noRecords(prefixName(init));
  return format.name === 'CSV' ? columns.map((column) => ({ ...column, type: 'text' })) : columns;
}
