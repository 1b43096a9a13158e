import {
  DeleteObjectCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
} from '@aws-sdk/client-s3';
import type { Batch } from '../../core/batch.ts';
import { planColumns } from '../../core/column-plan.ts';
import type {
  ClaimRequest,
  Destination,
  PassEnd,
  ReadRequest,
  SystemAccess,
  WritePlan,
} from '../../core/connector.ts';
import { Secret } from '../../core/secret.ts';
import type { DestinationObject, SourceObject, WriteMode } from '../../core/sync-spec.ts';
import type { Relation, Row } from '../../core/values.ts';
import { type S3Server, s3 } from '../../e2e/kit/servers.ts';
import { types } from './types/types.ts';

export const signal = new AbortController().signal;

/** A bucket, filled and read without the connector. */
export class TestBucket {
  readonly server: S3Server;
  readonly name: string;

  constructor(server: S3Server, name: string) {
    this.server = server;
    this.name = name;
  }

  static async open(): Promise<TestBucket> {
    const server = await s3();
    return new TestBucket(server, await server.createBucket());
  }

  get access(): SystemAccess {
    const { endpoint, region, accessKeyId, secretAccessKey } = this.server;
    const secrets: Readonly<Record<string, string>> = { accessKeyId, secretAccessKey };
    return {
      dataSource: 'test/lake',
      config: { bucket: this.name, region, endpoint },
      secret: (path) => (secrets[path] === undefined ? undefined : new Secret(secrets[path])),
    };
  }

  async put(key: string, body: string | Buffer): Promise<void> {
    await this.server.client.send(new PutObjectCommand({ Bucket: this.name, Key: key, Body: body }));
  }

  async get(key: string): Promise<Buffer> {
    const { Body } = await this.server.client.send(new GetObjectCommand({ Bucket: this.name, Key: key }));
    return Buffer.from((await Body?.transformToByteArray()) ?? []);
  }

  async delete(key: string): Promise<void> {
    await this.server.client.send(new DeleteObjectCommand({ Bucket: this.name, Key: key }));
  }

  async keys(prefix: string): Promise<readonly string[]> {
    const answer = await this.server.client.send(
      new ListObjectsV2Command({ Bucket: this.name, Prefix: prefix }),
    );
    return (answer.Contents ?? []).map(({ Key = '' }) => Key);
  }

  /** However many there are. */
  async allKeys(prefix: string): Promise<readonly string[]> {
    const found: string[] = [];
    for (let after: string | undefined; ; after = found.at(-1)) {
      const request = new ListObjectsV2Command({
        Bucket: this.name,
        Prefix: prefix,
        ...(after !== undefined && { StartAfter: after }),
      });
      const { Contents = [], IsTruncated } = await this.server.client.send(request);
      found.push(...Contents.map(({ Key = '' }) => Key));
      if (!IsTruncated) return found;
    }
  }

  async json(key: string): Promise<Record<string, unknown>> {
    return JSON.parse((await this.get(key)).toString()) as Record<string, unknown>;
  }

  async stop(): Promise<void> {
    await this.server.stop();
  }
}

/** Lines of JSON with an id and a text. */
export function lines(from: number, to: number, more = ''): string {
  return Array.from(
    { length: to - from + 1 },
    (_, index) => `{"id":${from + index},"body":"row ${from + index}${more}"}\n`,
  ).join('');
}

export function readRequest(
  relation: Relation,
  more: Partial<ReadRequest> & Pick<ReadRequest, 'mode'>,
): ReadRequest {
  return {
    relation,
    columns: relation.columns.map((column) => ({ column })),
    key: [],
    timeZone: 'UTC',
    after: more.mode === 'Snapshot' ? { mode: 'Snapshot', pass: 1, key: null, isComplete: false } : null,
    limits: { maxRows: 50_000, maxBytes: 8 * 1_024 ** 2 },
    rowFormat: { format: 'values' },
    ...more,
  };
}

export interface ReadPass {
  readonly batches: readonly Batch[];
  readonly end: PassEnd;
}

export async function readAll(reading: AsyncGenerator<Batch, PassEnd>): Promise<ReadPass> {
  const batches: Batch[] = [];
  for (;;) {
    const next = await reading.next();
    if (next.done) return { batches, end: next.value };
    batches.push(next.value);
  }
}

export function rowsOf(batches: readonly Batch[]): Row[] {
  return batches.flatMap(({ rows }) => ('rows' in rows ? [...rows.rows] : []));
}

export const idsOf = (batches: readonly Batch[]): number[] => rowsOf(batches).map(([id]) => Number(id));

export function planFor(
  source: Relation,
  existing: Relation | null,
  writeMode: WriteMode = 'Append',
  more: Partial<WritePlan> = {},
): WritePlan {
  const columns = planColumns({
    source,
    existing,
    types,
    isSameSystem: false,
    key: [],
    schemaChanges: 'AddColumns',
    paths: { source: 'spec.source.prefix', destination: 'spec.destination.prefix' },
    columnsField: 'source.columns',
  });
  return {
    uid: 'uid-1',
    writeMode,
    columns,
    key: [],
    existing,
    onError: 'Stop',
    deletes: 'Ignore',
    redactsKeys: false,
    hasUniqueKey: false,
    ...more,
  };
}

export async function claimWith(
  destination: Destination,
  plan: WritePlan,
  more: Partial<ClaimRequest> = {},
): ReturnType<Destination['claim']> {
  const request: ClaimRequest = {
    plan,
    rowFormat: { format: 'values' },
    name: 'test/sync',
    fingerprint: 'f',
    token: 'next',
    offset: 'keep',
    keepsOffset: true,
    ...more,
  };
  return await destination.claim(request, signal);
}

export const sourceOf = (prefix: string, more: Partial<SourceObject> = {}): SourceObject => ({
  prefix,
  ...more,
});
export const targetOf = (prefix: string, more: Partial<DestinationObject> = {}): DestinationObject => ({
  prefix,
  existingRows: 'Keep',
  ...more,
});

/** A batch of rows with an id and a text, as a source in mode Id would give it. */
export function batchOf(ids: readonly number[], offset: number): Batch {
  const rows = ids.map((id): Row => [BigInt(id), `row ${id}`]);
  return {
    rows: { format: 'values', rows },
    rowCount: rows.length,
    byteCount: rows.length * 10,
    offset: { mode: 'Id', id: String(offset) },
  };
}

export const twoColumns: Relation = {
  name: 'rows',
  columns: [
    { name: 'id', type: { kind: 'int', bits: 64 }, nativeType: 'bigint', isNullable: false },
    { name: 'body', type: { kind: 'text' }, nativeType: 'text', isNullable: true },
  ],
  keys: [],
};
