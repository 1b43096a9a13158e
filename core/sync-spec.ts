import type { RecordColumn } from './records/record-column.ts';

/**
 * A Sync and a DataSource as the engine uses them: validated, defaults filled in, durations in ms, sizes in bytes. The manifest's own
 * shape and the conversion are in core/manifest.
 */
export type Mode =
  | 'Snapshot'
  | 'Id'
  | 'Timestamp'
  | 'LastDestinationId'
  | 'LastDestinationTimestamp'
  | 'Stream';
export type WriteMode = 'Append' | 'Upsert' | 'Replace';
export type OnError = 'Stop' | 'Skip' | 'DeadLetter';
export type CreateTable = 'IfMissing' | 'Never';
export type SchemaChanges = 'Fail' | 'AddColumns' | 'Ignore';
export type Deletes = 'Ignore' | 'Hard' | 'Soft';

export type Schedule =
  | { readonly kind: 'every'; readonly everyMs: number }
  | { readonly kind: 'cron'; readonly cron: string; readonly timeZone: string }
  | { readonly kind: 'continuous' }
  | { readonly kind: 'once' };

/** Fields that name an object of a system; each system has its own of them (Definition.fields). */
export const objectFields = ['table', 'collection', 'topic', 'prefix', 'path'] as const;
export type ObjectField = (typeof objectFields)[number];
type ObjectNames = { readonly [Field in ObjectField]?: string };

/** Fields of spec.source and spec.destination that belong to systems: which object, and how it is written. */
export type SystemField =
  | ObjectField
  | 'query'
  | 'filter'
  | 'format'
  | 'compression'
  | MessageField
  | RecordField
  | HttpSourceField
  | HttpDestinationField
  | StoredObjectField;

/** Fields of systems of messages. */
export const messageFields = {
  source: ['envelope', 'consumerGroup'],
  destination: [
    'numbersAsText',
    'partitions',
    'replicationFactor',
    'topicConfig',
    'messageHeaders',
    'messageBatch',
  ],
} as const;
export type MessageField = (typeof messageFields)['source' | 'destination'][number];

/** Fields of spec.source that systems without fixed columns have. */
export const recordFields = ['columns', 'sample', 'metadata', 'startFrom'] as const;
export type RecordField = (typeof recordFields)[number];

/** Fields of HTTP APIs. */
export const httpSourceFields = [
  'method',
  'bodyTemplate',
  'itemsPath',
  'errorPath',
  'param',
  'paramFormat',
  'paging',
] as const;
export type HttpSourceField = (typeof httpSourceFields)[number];
export const httpDestinationFields = [
  'method',
  'bodyTemplate',
  'contentType',
  'deletePath',
  'rowsPerCall',
  'parallelCalls',
  'idempotencyHeader',
  'errorPath',
  'results',
] as const;
export type HttpDestinationField = (typeof httpDestinationFields)[number];

/** Fields of systems of stored objects. */
export const storedObjectFields = {
  source: ['csv', 'horizon'],
  destination: ['csv', 'partitionBy', 'objectSize'],
} as const;
export type StoredObjectField = (typeof storedObjectFields)['source' | 'destination'][number];

/** Fields of spec.source that reach the connector as the manifest has them, besides those that name objects. */
export const sourceFields = [
  'query',
  'filter',
  'sample',
  'metadata',
  'startFrom',
  'format',
  'compression',
  ...messageFields.source,
  ...httpSourceFields,
  ...storedObjectFields.source,
] as const;

/** The same of spec.destination. */
export const destinationFields = [
  'format',
  'compression',
  ...messageFields.destination,
  ...httpDestinationFields,
  ...storedObjectFields.destination,
] as const;

/** How pages of an HTTP API are read: core/manifest/http-fields.ts describes the fields. */
export interface HttpPaging {
  readonly cursorPath?: string | undefined;
  readonly cursorParam?: string | undefined;
  readonly pageParam?: string | undefined;
  readonly firstPage?: number | undefined;
  readonly offsetParam?: string | undefined;
  readonly linkHeader?: true | undefined;
  readonly nextUrlPath?: string | undefined;
  readonly limitParam?: string | undefined;
  readonly limit?: number | undefined;
  readonly morePath?: string | undefined;
  readonly onePage?: true | undefined;
  readonly recheck?: boolean | undefined;
}

export interface HttpSourceObject {
  readonly method?: 'GET' | 'POST';
  readonly bodyTemplate?: string;
  readonly itemsPath?: string;
  readonly errorPath?: string;
  readonly param?: string;
  readonly paramFormat?: 'ISO' | 'Unix' | 'UnixMs' | 'Date';
  readonly paging?: HttpPaging;
}

export interface HttpDestinationObject {
  readonly method?: 'POST' | 'PUT' | 'PATCH';
  readonly bodyTemplate?: string;
  readonly contentType?: 'JSON' | 'Form' | 'NDJSON';
  readonly deletePath?: string;
  readonly rowsPerCall?: number;
  readonly parallelCalls?: number;
  readonly idempotencyHeader?: string;
  readonly errorPath?: string;
  readonly results?: {
    readonly path: string;
    readonly errorPath?: string | undefined;
    readonly statusPath?: string | undefined;
  };
}

/** Fields of spec.source that decide which rows and columns an offset refers to, besides those that name objects. */
export const offsetFields = ['columns', 'metadata', 'format', 'csv', 'filter'] as const;

/** How CSV is written: core/manifest/stored-object-fields.ts describes the fields. */
export interface CsvForm {
  readonly delimiter?: string | undefined;
  readonly quote?: string | undefined;
  readonly escape?: string | undefined;
  readonly header?: boolean | undefined;
  readonly encoding?: string | undefined;
}

/** A part of the path of an object: `COLUMN=VALUE/`, or the day or hour of a time. */
export interface PartitionField {
  readonly column: string;
  readonly by?: 'Day' | 'Hour' | undefined;
}

/** What to read from a system. */
export interface SourceObject extends ObjectNames, HttpSourceObject {
  readonly compression?: string;
  readonly csv?: CsvForm;
  /** How long after others an object may still appear with an earlier time: a duration, as in the manifest. */
  readonly horizon?: string;
  readonly query?: string;
  /** A condition that records must meet, in the system's own language. */
  readonly filter?: string;
  /** Columns of records without fixed columns: those of the manifest, or those inferred earlier (Offset.columns); omitted: infer them. */
  readonly columns?: readonly RecordColumn[];
  /** How many records to infer columns from; omitted: core/records/inference.ts has the default. */
  readonly sample?: number;
  /** Names of extra columns without their `_`: partition, offset. */
  readonly metadata?: readonly string[];
  /** Where Stream begins; omitted: with everything that is there. An instant in ISO 8601 for startKind `Timestamp`. */
  readonly startFrom?: string;
  /** How records are written: JSON, Avro. */
  readonly format?: string;
  /** Records are change events of this tool: `Debezium`. */
  readonly envelope?: string;
  /** Group under which positions are shown to other tools. */
  readonly consumerGroup?: string;
  /**
   * The destination is a system of the same kind and nothing asks for columns: `describe` returns the columns in which a record travels
   * whole, and rawRequests of the destination has a format for them. Only if SourceCapabilities.readsWholeRecords.
   */
  readonly isWhole?: true;
  /** Columns that identify a row; by default the primary key, else a NOT NULL unique index. */
  readonly key?: readonly string[];
  readonly idField?: string;
  readonly timestampField?: string;
  /** IANA zone of a timestamp column without zone; omitted: the server's default for new sessions. */
  readonly timeZone?: string;
}

export interface DestinationObject extends ObjectNames, HttpDestinationObject {
  readonly key?: readonly string[];
  /** `Keep`: Append may write to a table that has rows. */
  readonly existingRows: 'Refuse' | 'Keep';
  readonly format?: string;
  readonly csv?: CsvForm;
  readonly partitionBy?: readonly PartitionField[];
  /** Limit of an object: a size, as in the manifest. */
  readonly objectSize?: string;
  readonly compression?: string;
  readonly numbersAsText?: boolean;
  /** Of an object that is created. */
  readonly partitions?: number;
  readonly replicationFactor?: number;
  readonly topicConfig?: Readonly<Record<string, string>>;
  /** Messages have headers that name the Sync and the offset. */
  readonly messageHeaders?: boolean;
  /** Size, as in the manifest. */
  readonly messageBatch?: string;
}

export interface SyncSpec {
  readonly source: SourceObject & { readonly dataSource: string };
  readonly destination: DestinationObject & { readonly dataSource: string };
  readonly mode: Mode;
  readonly writeMode: WriteMode;
  readonly schedule: Schedule;
  readonly batch: { readonly maxRows: number; readonly maxBytes: number };
  /** Omitted: 0 if a bound by the source's transactions is in force, else 5000. */
  readonly safetyLagMs?: number;
  readonly isSuspended: boolean;
  readonly createTable: CreateTable;
  readonly schemaChanges: SchemaChanges;
  readonly onError: OnError;
  readonly deletes: Deletes;
  readonly redactsKeys: boolean;
  readonly placement: Placement;
}

export interface Placement {
  /** Labels that an agent must have. */
  readonly agentSelector: Readonly<Record<string, string>>;
  /** Relative load for the balancer; 1 by default. */
  readonly weight?: number;
}

/** Modes whose offset is the largest value at the destination, so none is stored. */
export const lastDestinationModes = ['LastDestinationId', 'LastDestinationTimestamp'] as const;

export function isLastDestination({ mode }: Pick<SyncSpec, 'mode'>): boolean {
  return lastDestinationModes.some((each) => each === mode);
}

/** The field that names an object; undefined: a query. */
export function objectFieldOf(object: ObjectNames): ObjectField | undefined {
  return objectFields.find((field) => object[field] !== undefined);
}

/** Path in the manifest, for findings about the object as a whole. */
export function objectPath(end: 'source' | 'destination', object: SourceObject | DestinationObject): string {
  return `spec.${end}.${objectFieldOf(object) ?? 'query'}`;
}

export const startKinds = ['Earliest', 'Latest', 'Now', 'Timestamp'] as const;
export type StartKind = (typeof startKinds)[number];

/** The kind of a `startFrom`: a word, or an instant. */
export function startKindOf(startFrom: string): StartKind {
  return startKinds.find((each) => each === startFrom) ?? 'Timestamp';
}

/** The name of the object in the manifest. */
export function objectName(object: SourceObject | DestinationObject): string {
  const field = objectFieldOf(object);
  return (field && object[field]) ?? '(query)';
}

export interface SyncIdentity {
  /** The uid of Kubernetes, or one generated at the first apply. */
  readonly uid: string;
  readonly namespace: string;
  readonly name: string;
}

/** A validated Sync, ready to run. */
export interface Sync extends SyncIdentity {
  readonly generation: number;
  readonly spec: SyncSpec;
}

/** The field of a DataSource that names a system: `postgres`. */
export type SystemType = string;

export interface DataSourceSpec {
  readonly type: SystemType;
  /** The system's own object, parsed by its definition's schema. */
  readonly config: Readonly<Record<string, unknown>>;
  /** The value in the manifest; `slotLimit` returns the one in force. */
  readonly maxConcurrentSyncs?: number;
  readonly maxRowsPerSecond?: number;
  readonly placement: Placement;
}

export interface DataSource {
  readonly uid: string;
  readonly namespace: string;
  readonly name: string;
  readonly generation: number;
  readonly spec: DataSourceSpec;
}

/** Default of maxConcurrentSyncs. */
export const defaultConcurrentSyncs = 8;

/** How many Syncs may move rows of a DataSource concurrently; undefined: no limit. */
export function slotLimit(maxConcurrentSyncs: number | undefined): number | undefined {
  const limit = maxConcurrentSyncs ?? defaultConcurrentSyncs;
  return limit === 0 ? undefined : limit;
}

/** The name of a Sync or DataSource in logs, locks and labels: `team-a/orders`. */
export function qualifiedName(of: { readonly namespace: string; readonly name: string }): string {
  return `${of.namespace}/${of.name}`;
}

/** Of what has this qualified name. */
export function namespaceOf(qualified: string): string {
  const [namespace = ''] = qualified.split('/');
  return namespace;
}
