import Database from 'better-sqlite3';
import type { Batch, RowFormat } from '../../core/batch.ts';
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
import type { Offset } from '../../core/offset.ts';
import type { DestinationObject, SourceObject } from '../../core/sync-spec.ts';
import type { Relation, Row } from '../../core/values.ts';
import { connector } from './connector.ts';

/** For tests of this folder: files, ends and plans without the engine. */
export const signal = new AbortController().signal;

export function access(file: string): SystemAccess {
  return { dataSource: 'default/file', config: { path: file }, secret: () => undefined };
}

export function openSource(file: string, object: Partial<SourceObject>): Promise<Source> {
  return connector.openSource(access(file), { timeZone: 'UTC', ...object }, signal);
}

export function openDestination(file: string, object: Partial<DestinationObject> = {}): Promise<Destination> {
  return connector.openDestination(access(file), { table: 't', existingRows: 'Refuse', ...object }, signal);
}

/** Runs statements; each connection returns integers as bigint. */
export function inFile<T>(file: string, body: (database: Database.Database) => T): T {
  const database = new Database(file, { timeout: 0 });
  database.defaultSafeIntegers(true);
  try {
    return body(database);
  } finally {
    database.close();
  }
}

export function execute(file: string, sql: string): void {
  inFile(file, (database) => database.exec(sql));
}

export function query(file: string, sql: string): unknown[][] {
  return inFile(file, (database) => database.prepare(sql).raw().all() as unknown[][]);
}

/** A table of ids and texts, and its rows. */
export const source: Relation = {
  name: 't',
  columns: [
    { name: 'id', type: { kind: 'int', bits: 64 }, nativeType: 'INTEGER', isNullable: false },
    { name: 'v', type: { kind: 'text' }, nativeType: 'TEXT', isNullable: true },
  ],
  keys: [{ name: 'PRIMARY KEY', columns: ['id'], isPrimary: true }],
};
export const rows = (...ids: readonly number[]) => ids.map((id) => [BigInt(id), `v${id}`]);

export interface PlanChange
  extends Partial<Pick<WritePlan, 'uid' | 'writeMode' | 'key' | 'onError' | 'hasUniqueKey'>> {
  readonly isSameSystem?: boolean;
  readonly schemaChanges?: 'Fail' | 'AddColumns' | 'Ignore';
}

export async function planFor(
  source: Relation,
  destination: Destination,
  { isSameSystem = true, schemaChanges = 'Fail', ...change }: PlanChange = {},
): Promise<WritePlan> {
  const existing = await destination.describe(signal);
  const key = change.key ?? source.keys[0]?.columns ?? [];
  const columns = planColumns({
    source,
    existing,
    types: connector.types,
    isSameSystem,
    key,
    schemaChanges,
    paths: { source: 'spec.source.table', destination: 'spec.destination.table' },
    columnsField: 'source.query',
  });
  return {
    uid: 'u1',
    writeMode: 'Upsert',
    onError: 'Stop',
    deletes: 'Ignore',
    redactsKeys: false,
    hasUniqueKey: key.length > 0,
    ...change,
    key,
    columns,
    existing,
  };
}

export function claimOf(plan: WritePlan, change: Partial<ClaimRequest> = {}): ClaimRequest {
  return {
    plan,
    rowFormat: { format: 'values' },
    name: 'default/s',
    fingerprint: 'm',
    token: 'next',
    offset: 'keep',
    keepsOffset: true,
    ...change,
  };
}

export function batchOf(rows: readonly Row[], offset: Offset): Batch {
  return { rows: { format: 'values', rows }, rowCount: rows.length, byteCount: 0, offset };
}

export const idOffset = (id: number | string): Offset => ({ mode: 'Id', id: String(id) });

export function requestFor(
  relation: Relation,
  change: Partial<ReadRequest> & { readonly rowFormat?: RowFormat } = {},
): ReadRequest {
  return {
    relation,
    columns: relation.columns.map((column) => ({ column })),
    mode: 'Snapshot',
    key: relation.keys[0]?.columns ?? [],
    timeZone: 'UTC',
    after: { mode: 'Snapshot', pass: 1, key: null, isComplete: false },
    limits: { maxRows: 1_000, maxBytes: 8 << 20 },
    rowFormat: { format: 'values' },
    ...change,
  };
}

/** Reads a whole pass. */
export async function readAll(
  source: Source,
  request: ReadRequest,
): Promise<{ readonly rows: Row[]; readonly batches: Batch[]; readonly end: PassEnd }> {
  const batches: Batch[] = [];
  const pass = source.read(request, signal);
  for (;;) {
    const step = await pass.next();
    if (step.done) {
      const rows = batches.flatMap(({ rows: of }) => ('rows' in of ? [...of.rows] : []));
      return { rows, batches, end: step.value };
    }
    batches.push(step.value);
  }
}
