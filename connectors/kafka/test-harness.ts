import { after, before } from 'node:test';
import type { Batch } from '../../core/batch.ts';
import { planColumns } from '../../core/column-plan.ts';
import type {
  ClaimRequest,
  Destination,
  PassEnd,
  ReadRequest,
  Source,
  SystemAccess,
  WritePlan,
} from '../../core/connector.ts';
import { installCrashHook } from '../../core/crash-points.ts';
import type { Offset } from '../../core/offset.ts';
import type { DestinationObject, SourceObject } from '../../core/sync-spec.ts';
import type { Column, Row } from '../../core/values.ts';
import { type KafkaOptions, type KafkaServer, kafka } from '../../e2e/kit/servers.ts';
import { connector } from './connector.ts';
import { accessTo, noSignal, TestClient } from './test-client.ts';
import { types } from './types/types.ts';

export { accessTo, noSignal, type SeenMessage, TestClient, type TestMessage } from './test-client.ts';

/** A broker for the tests of one file, and the driver's client. */
export interface TestBroker {
  readonly server: KafkaServer;
  readonly client: TestClient;
  access(config?: object): SystemAccess;
  /** A name that no other test of the file has. */
  newTopic(): string;
  /** Plans and opens a destination for rows of `numberedRows`, by their id. */
  writer(topic: string, more?: WriterOptions): ReturnType<typeof openWriter>;
}

/** To be called outside of tests. */
export function testBroker(options: KafkaOptions = {}): TestBroker {
  let server: KafkaServer | undefined;
  let client: TestClient | undefined;
  let topics = 0;
  before(async () => {
    server = await kafka(options);
    client = await new TestClient(server).open();
  });
  after(async () => {
    installCrashHook(undefined);
    await client?.close();
    await server?.stop();
  });
  const started = <T>(value: T | undefined): T => {
    if (value === undefined) throw new Error('the broker is started before the first test');
    return value;
  };
  return {
    get server() {
      return started(server);
    },
    get client() {
      return started(client);
    },
    access: (config) => accessTo(started(server), config),
    newTopic: () => `t${++topics}`,
    writer: (topic, more = {}) =>
      openWriter(accessTo(started(server)), { topic }, [idColumn, bodyColumn], { key: ['id'], ...more }),
  };
}

export interface Read {
  readonly batches: readonly Batch[];
  readonly end: PassEnd;
  readonly rows: readonly Row[];
  readonly offset: Offset | null;
}

/** A source, and passes of it without an engine. */
export async function openReader(
  access: SystemAccess,
  object: SourceObject,
  more: Partial<ReadRequest> = {},
) {
  const source = await connector.openSource(access, object, noSignal);
  const relation = await source.describe(noSignal).catch(async (error: unknown) => {
    await source.close();
    throw error;
  });
  const request: ReadRequest = {
    relation,
    columns: relation.columns.map((column) => ({ column })),
    mode: 'Stream',
    key: relation.keys[0]?.columns ?? [],
    timeZone: 'UTC',
    after: null,
    limits: { maxRows: 50_000, maxBytes: 8 << 20 },
    rowFormat: { format: 'values' },
    ...more,
  };
  return {
    source,
    relation,
    request,
    pass: (after: Offset | null = null) => readPass(source, { ...request, after }),
  };
}

export async function readPass(source: Source, request: ReadRequest): Promise<Read> {
  const reading = source.read(request, noSignal);
  const batches: Batch[] = [];
  for (;;) {
    const next = await reading.next();
    if (!next.done) {
      batches.push(next.value);
      continue;
    }
    const rows = batches.flatMap((batch) => ('rows' in batch.rows ? [...batch.rows.rows] : []));
    return { batches, end: next.value, rows, offset: batches.at(-1)?.offset ?? request.after };
  }
}

type WriterOptions = Partial<WritePlan> & { readonly token?: bigint };

/** A destination, planned for these columns. */
export async function openWriter(
  access: SystemAccess,
  object: Omit<DestinationObject, 'existingRows'>,
  columns: readonly Column[],
  more: WriterOptions = {},
) {
  const { token, ...change } = more;
  const destination = (await connector.openDestination(
    access,
    { existingRows: 'Keep', ...object },
    noSignal,
  )) as Destination;
  const existing = await destination.describe(noSignal);
  const key = change.key ?? [];
  const source = { name: 'source', columns, keys: [] };
  const plan: WritePlan = {
    uid: `uid-${object.topic}`,
    writeMode: 'Upsert',
    columns: planColumns({
      ...{ source, existing, types, isSameSystem: false, key, schemaChanges: 'Fail' },
      paths: { source: 'spec.source.table', destination: 'spec.destination.topic' },
      columnsField: 'source.query',
    }),
    key,
    existing,
    onError: 'Stop',
    deletes: 'Hard',
    redactsKeys: false,
    hasUniqueKey: key.length > 0,
    ...change,
  };
  const request: ClaimRequest = {
    ...{ plan, rowFormat: { format: 'values' }, name: 'test/sync', fingerprint: 'f' },
    ...{ token: token ?? 'next', offset: 'keep', keepsOffset: true },
  };
  return {
    destination,
    plan,
    claim: (change: Partial<ClaimRequest> = {}) => destination.claim({ ...request, ...change }, noSignal),
    write: (rows: readonly Row[], offset: string, deletions: readonly number[] = []) =>
      destination.write(batchOf(rows, offset, deletions), noSignal),
  };
}

export function batchOf(rows: readonly Row[], id: string, deletions: readonly number[] = []): Batch {
  return {
    rows: { format: 'values', rows, ...(deletions.length > 0 && { deletions }) },
    rowCount: rows.length,
    byteCount: rows.length * 50,
    offset: { mode: 'Id', id },
  };
}

/** Rows of `idColumn` and `bodyColumn`. */
export function numberedRows(from: number, to: number): Row[] {
  return Array.from({ length: to - from + 1 }, (_, index) => [BigInt(from + index), `row ${from + index}`]);
}

export const idColumn: Column = {
  name: 'id',
  type: { kind: 'int', bits: 64 },
  nativeType: 'bigint',
  isNullable: false,
};
export const bodyColumn: Column = {
  name: 'body',
  type: { kind: 'text' },
  nativeType: 'text',
  isNullable: true,
};
