import { BSON, type Collection } from 'mongodb';
import { syncManifest } from '../kit/single-mode.ts';
import type { AnyDatabase, SqlSystem, TestCollections } from '../kit/systems.ts';

/** What happens to a table of 900 rows, then of 150 new, 50 changed and 10 deleted ones, in one mode. */
export interface ModeCase {
  readonly name: string;
  readonly spec: { readonly mode: string; readonly writeMode: string; readonly schedule?: object };
  /** What the destination has after the change, given what the source had before and has now. */
  readonly expected: (before: Lines, now: Lines) => readonly string[];
  /** Rows written by two passes after the change: each Snapshot writes everything again, the others write what is new. */
  readonly writtenThen: number;
}

/** A row as one line, by its id. */
export type Lines = ReadonlyMap<string, string>;

export const firstRows = 900;
export const batchRows = 100;
const newRows = 150;
const changedRows = 50;
const deletedRows = 10;
const live = firstRows + newRows - deletedRows;

const kept = (before: Lines, now: Lines) => [...new Map([...before, ...now]).values()];
const grown = (before: Lines, now: Lines) => [...new Map([...now, ...before]).values()];
const once = (before: Lines) => [...before.values()];
const versions = (before: Lines, now: Lines) => {
  const old = new Set(before.values());
  return [...old, ...[...now.values()].filter((line) => !old.has(line))];
};

const modeCases: readonly ModeCase[] = [
  {
    name: 'snapshot_upsert',
    spec: { mode: 'Snapshot', writeMode: 'Upsert' },
    expected: kept,
    writtenThen: 2 * live,
  },
  {
    name: 'snapshot_replace',
    spec: { mode: 'Snapshot', writeMode: 'Replace' },
    expected: (_, now) => [...now.values()],
    writtenThen: 2 * live,
  },
  {
    name: 'snapshot_append',
    spec: { mode: 'Snapshot', writeMode: 'Append', schedule: { once: true } },
    expected: once,
    writtenThen: 0,
  },
  {
    name: 'id_append',
    spec: { mode: 'Id', writeMode: 'Append' },
    expected: grown,
    writtenThen: newRows,
  },
  {
    name: 'id_upsert',
    spec: { mode: 'Id', writeMode: 'Upsert' },
    expected: grown,
    writtenThen: newRows,
  },
  {
    name: 'timestamp_upsert',
    spec: { mode: 'Timestamp', writeMode: 'Upsert' },
    expected: kept,
    writtenThen: newRows + changedRows,
  },
  {
    name: 'timestamp_append',
    spec: { mode: 'Timestamp', writeMode: 'Append' },
    expected: versions,
    writtenThen: newRows + changedRows,
  },
  {
    name: 'last_id_append',
    spec: { mode: 'LastDestinationId', writeMode: 'Append' },
    expected: grown,
    writtenThen: newRows,
  },
  {
    name: 'last_timestamp_upsert',
    spec: { mode: 'LastDestinationTimestamp', writeMode: 'Upsert' },
    expected: kept,
    writtenThen: newRows + changedRows,
  },
];

/** MongoDB keeps times without a zone, or finer than a millisecond, as text: its largest one is no position in a table. */
export function modeCasesOf(source: AnyDatabase, destination: AnyDatabase): readonly ModeCase[] {
  const hasOtherTimes = destination.system === 'mongodb' && source.system !== 'mongodb';
  return modeCases.filter(({ spec }) => !(hasOtherTimes && spec.mode === 'LastDestinationTimestamp'));
}

/** One Sync of the table `orders` for each case, in small batches, so that equal timestamps are at their edges. */
export function modeManifests(source: AnyDatabase, destination: AnyDatabase): string {
  const syncs = modeCasesOf(source, destination).map(({ name, spec }) =>
    syncManifest(syncName(name), {
      source: {
        dataSource: 'source',
        ...source.object('orders'),
        ...(source.system === 'mongodb' && { columns: documentColumns }),
        ...(spec.mode.endsWith('Id') ? { idField: 'id' } : {}),
        ...(spec.mode.endsWith('Timestamp') ? { timestampField: 'updated_at' } : {}),
      },
      destination: { dataSource: 'destination', ...destination.object(name) },
      batch: { maxRows: batchRows },
      // No transaction is open: nothing has to be waited for where they cannot be seen.
      ...(isBlind(source) && { safetyLag: '0s' }),
      ...spec,
    }),
  );
  return [source.manifest('source'), destination.manifest('destination'), ...syncs].join('');
}

/** MongoDB shows no open transactions, nor does the server that stands in for SQL Server. */
export function isBlind({ system }: AnyDatabase): boolean {
  return system === 'mongodb' || system === 'sqlserver';
}

export function syncName(table: string): string {
  return table.replaceAll('_', '-');
}

const columnsOf: Record<SqlSystem, string> = {
  postgres: 'label text, amount numeric(12,2) NOT NULL, updated_at timestamp(6) NOT NULL',
  mysql: 'label varchar(100), amount decimal(12,2) NOT NULL, updated_at datetime(6) NOT NULL',
  mariadb: 'label varchar(100), amount decimal(12,2) NOT NULL, updated_at datetime(6) NOT NULL',
  sqlite: 'label TEXT, amount DECIMAL_TEXT(12,2) NOT NULL, updated_at TIMESTAMP NOT NULL',
  sqlserver: 'label nvarchar(100), amount decimal(12,2) NOT NULL, updated_at datetime2(6) NOT NULL',
};

/** Of the documents of a MongoDB. */
const documentColumns = [
  { name: 'id', path: '_id', type: 'int64', nullable: false },
  { name: 'label', type: 'text' },
  { name: 'amount', type: 'decimal(12,2)', nullable: false },
  { name: 'updated_at', type: 'timestamp(3) with time zone', nullable: false },
] as const;

interface Order {
  readonly id: number;
  readonly label: string | null;
  readonly amount: string;
  readonly at: string;
}

export async function createOrders(source: AnyDatabase): Promise<void> {
  if (source.system !== 'mongodb') {
    const id = source.system === 'sqlite' ? 'BIGINT' : 'bigint';
    await source.execute(`CREATE TABLE orders (id ${id} NOT NULL PRIMARY KEY, ${columnsOf[source.system]})`);
  }
  await insertOrders(source, 1, firstRows, 0);
}

/** Later by the table's clock, but all in the past, so that no bound holds anything back. */
export async function changeOrders(source: AnyDatabase): Promise<void> {
  await insertOrders(source, firstRows + 1, firstRows + newRows, 1);
  const changed = Array.from({ length: changedRows }, (_, index) => 7 + index * 3);
  const [low, high] = [deletedRows / 2, firstRows - deletedRows / 2];
  if (source.system === 'mongodb') return await changeDocuments(source, changed, [low, high]);
  const changes = changed.map(
    (id) => `UPDATE orders SET label = 'changed', updated_at = '${timeOf(id, 1)}' WHERE id = ${id}`,
  );
  await source.execute(
    ...changes,
    `DELETE FROM orders WHERE id <= ${low} OR (id > ${high} AND id <= ${firstRows})`,
  );
}

/** A number finds a document whatever integer type its `_id` has. */
interface StoredOrder {
  readonly _id: number;
  readonly label?: string;
  readonly updated_at: Date;
}

async function changeDocuments(
  source: TestCollections,
  changed: readonly number[],
  [low, high]: readonly [number, number],
): Promise<void> {
  const orders = source.collection('orders') as unknown as Collection<StoredOrder>;
  for (const id of changed)
    await orders.updateOne({ _id: id }, { $set: { label: 'changed', updated_at: dateOf(timeOf(id, 1)) } });
  await orders.deleteMany({ $or: [{ _id: { $lte: low } }, { _id: { $gt: high, $lte: firstRows } }] });
}

async function insertOrders(source: AnyDatabase, from: number, to: number, hour: number): Promise<void> {
  const orders = Array.from({ length: to - from + 1 }, (_, index): Order => {
    const id = from + index;
    const label = id % 5 === 0 ? null : `order ${id} 🌊`;
    return { id, label, amount: `${id}.${String(id % 100).padStart(2, '0')}`, at: timeOf(id, hour) };
  });
  if (source.system === 'mongodb') {
    await source.collection('orders').insertMany(orders.map(documentOf));
    return;
  }
  const prefix = source.system === 'sqlserver' ? 'N' : '';
  const rows = orders.map(({ id, label, amount, at }) => {
    const text = label === null ? 'NULL' : `${prefix}'${label}'`;
    return `(${id}, ${text}, '${amount}', '${at}')`;
  });
  await source.execute(`INSERT INTO orders VALUES ${rows.join(', ')}`);
}

function documentOf({ id, label, amount, at }: Order) {
  return {
    _id: BSON.Long.fromNumber(id),
    ...(label !== null && { label }),
    amount: BSON.Decimal128.fromString(amount),
    updated_at: dateOf(at),
  };
}

/** Of MongoDB, with milliseconds. */
function dateOf(at: string): Date {
  return new Date(`${at.replace(' ', 'T')}Z`);
}

/** Seven rows for each timestamp. */
function timeOf(id: number, hour: number): string {
  const at = new Date(Date.UTC(2026, 0, 1, hour) + Math.floor(id / 7) * 1_000);
  return `${at.toISOString().slice(0, 19).replace('T', ' ')}.123456`;
}
