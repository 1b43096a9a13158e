import type { SystemAccess } from '../../core/connector.ts';
import { permanent } from '../../core/errors.ts';
import { columnOf } from '../../core/records/columns.ts';
import { defaultSample, Inference } from '../../core/records/inference.ts';
import type { RecordColumn } from '../../core/records/record-column.ts';
import { noRecords, tooManyFields } from '../../core/records/refusals.ts';
import type { SourceObject } from '../../core/sync-spec.ts';
import type { Column, Relation, UniqueKey } from '../../core/values.ts';
import type { TopicMetadata } from './connection/requests.ts';
import { SchemaRegistry } from './connection/schema-registry.ts';
import type { KafkaSession } from './session.ts';
import { metadataColumn, metadataNames } from './source/metadata-columns.ts';
import { rawColumns, wholeColumns } from './source/raw-messages.ts';
import { type Sampled, sampleOf } from './source/sample.ts';
import { columnsOfSchema } from './types/column-types.ts';
import { changeOf, payloadOf } from './types/debezium.ts';
import { AvroFormat, jsonFormat, type MessageFormat, Unreadable } from './types/format.ts';
import { isObject, type RecordNode, recordAccess } from './types/record-node.ts';

export interface SourceShape {
  readonly relation: Relation;
  /** Undefined: messages travel as they are. */
  readonly format: MessageFormat | undefined;
}

export const isRaw = ({ format, isWhole }: SourceObject): boolean => format === 'Raw' || isWhole === true;
export const isDebezium = ({ envelope }: SourceObject): boolean => envelope === 'Debezium';

/** The columns of the topics: given, of the registered schema, or inferred from messages. */
export async function describeSource(
  access: SystemAccess,
  session: KafkaSession,
  object: SourceObject,
  topics: readonly TopicMetadata[],
  signal: AbortSignal,
): Promise<SourceShape> {
  const [only] = topics;
  const base = {
    name: object.topic ?? '',
    ...(topics.length === 1 && only?.id !== undefined && { identity: only.id }),
  };
  if (object.isWhole)
    return { relation: { ...base, columns: wholeColumns, keys: [keyOf(['key'])] }, format: undefined };
  const metadata = (object.metadata ?? []).map(requireMetadata);
  if (object.format === 'Raw')
    return {
      relation: { ...base, columns: rawColumns, keys: [keyOf(['topic', 'partition', 'offset'])] },
      format: undefined,
    };
  const [format, ofSchema] = await formatOf(access, object, only, signal);
  const needsSample = object.columns === undefined && ofSchema === undefined;
  const needsKey = object.key === undefined;
  const sample =
    needsSample || needsKey ? await sampleOf(session, topics, object.sample ?? defaultSample, signal) : [];
  for (const { value, key } of sample) {
    await format.prepare?.(value, signal);
    await format.prepare?.(key, signal);
  }
  const recordColumns = object.columns ?? ofSchema ?? inferred(object, sample, format);
  const names = [...recordColumns.map(({ name }) => name), ...metadata.map(({ name }) => name)];
  const key = object.key ?? keyInMessages(sample, format, names);
  const columns = [...recordColumns.map(columnOf), ...metadata].map((column) => required(column, key));
  return { relation: { ...base, columns, keys: keysOf(key, names), recordColumns }, format };
}

/** A key is never NULL: messages without it are misfits. */
function required(column: Column, key: readonly string[]): Column {
  return key.includes(column.name) ? { ...column, isNullable: false } : column;
}

function requireMetadata(name: string): Column {
  const column = metadataColumn(name);
  if (column) return column;
  throw permanent('ManifestInvalid', `messages have no metadata ${name}`, {
    path: 'spec.source.metadata',
    fix: `use ${metadataNames.join(', ')}`,
  });
}

const keyOf = (columns: readonly string[]): UniqueKey => ({
  name: columns.join('_'),
  columns,
  isPrimary: true,
});

/** Where a message is identifies it, too. */
function keysOf(key: readonly string[], names: readonly string[]): UniqueKey[] {
  const position = ['_topic', '_partition', '_offset'].filter((name) => names.includes(name));
  const isUnique = position.includes('_partition') && position.includes('_offset');
  const keys = key.length > 0 && key.every((name) => names.includes(name)) ? [keyOf(key)] : [];
  return isUnique ? [...keys, { name: 'position', columns: position, isPrimary: keys.length === 0 }] : keys;
}

async function formatOf(
  access: SystemAccess,
  object: SourceObject,
  topic: TopicMetadata | undefined,
  signal: AbortSignal,
): Promise<readonly [MessageFormat, readonly RecordColumn[] | undefined]> {
  if (object.format !== 'Avro') {
    requireKnownFormat(object.format);
    return [jsonFormat, undefined];
  }
  const registry = new SchemaRegistry(access);
  const isOne = object.topic?.includes('*') === false;
  const schema = isOne && topic ? await registry.latest(`${topic.name}-value`, signal) : undefined;
  return [new AvroFormat(registry, schema), schema && columnsOfSchema(schema, isDebezium(object))];
}

export function requireKnownFormat(
  format: string | undefined,
  end: 'source' | 'destination' = 'source',
): void {
  if (format === undefined || ['JSON', 'Avro', 'Raw'].includes(format)) return;
  throw permanent('ManifestInvalid', `messages are not written as ${format}`, {
    path: `spec.${end}.format`,
    fix: 'use JSON, Avro or Raw',
  });
}

function inferred(
  object: SourceObject,
  sample: readonly Sampled[],
  format: MessageFormat,
): readonly RecordColumn[] {
  const inference = new Inference(recordAccess);
  for (const { value } of sample) {
    const row = value === null ? undefined : rowIn(format.value(value), isDebezium(object));
    if (row !== undefined) inference.add(row);
  }
  const name = `topic ${object.topic}`;
  if (inference.hasTooManyFields) throw tooManyFields(name);
  const columns = inference.columns();
  if (columns.length === 0) throw noRecords(name);
  return columns;
}

function rowIn(node: RecordNode | Unreadable, isEvent: boolean): RecordNode | undefined {
  if (node instanceof Unreadable) return undefined;
  if (!isEvent) return node;
  const change = changeOf(node);
  return change.kind === 'row' ? change.row : undefined;
}

/** The fields of the messages' keys, if all keys are objects with the same fields and these are columns. */
function keyInMessages(
  sample: readonly Sampled[],
  format: MessageFormat,
  names: readonly string[],
): readonly string[] {
  let found: readonly string[] | undefined;
  for (const { key } of sample) {
    const decoded = key === null ? undefined : format.key(key);
    const node = decoded === undefined || decoded instanceof Unreadable ? undefined : payloadOf(decoded);
    const fields = isObject(node) ? [...node.keys()] : [];
    if (fields.length === 0 || (found && found.join('\0') !== fields.join('\0'))) return [];
    found = fields;
  }
  return found?.every((name) => names.includes(name)) ? found : [];
}
