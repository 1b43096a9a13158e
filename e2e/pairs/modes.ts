import { syncManifest } from '../kit/single-mode.ts';
import type { SystemName, TestDatabase } from '../kit/systems.ts';

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

export const modeCases: readonly ModeCase[] = [
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

/** One Sync of the table `orders` for each case, in small batches, so that equal timestamps are at their edges. */
export function modeManifests(source: TestDatabase, destination: TestDatabase): string {
  const syncs = modeCases.map(({ name, spec }) =>
    syncManifest(syncName(name), {
      source: {
        dataSource: 'source',
        table: source.tableName('orders'),
        ...(spec.mode.endsWith('Id') ? { idField: 'id' } : {}),
        ...(spec.mode.endsWith('Timestamp') ? { timestampField: 'updated_at' } : {}),
      },
      destination: { dataSource: 'destination', table: destination.tableName(name) },
      batch: { maxRows: 100 },
      ...spec,
    }),
  );
  return [source.manifest('source'), destination.manifest('destination'), ...syncs].join('');
}

export function syncName(table: string): string {
  return table.replaceAll('_', '-');
}

const columnsOf: Record<SystemName, string> = {
  postgres: 'label text, amount numeric(12,2) NOT NULL, updated_at timestamp(6) NOT NULL',
  mysql: 'label varchar(100), amount decimal(12,2) NOT NULL, updated_at datetime(6) NOT NULL',
  mariadb: 'label varchar(100), amount decimal(12,2) NOT NULL, updated_at datetime(6) NOT NULL',
  sqlite: 'label TEXT, amount DECIMAL_TEXT(12,2) NOT NULL, updated_at TIMESTAMP NOT NULL',
};

export async function createOrders(source: TestDatabase): Promise<void> {
  await source.execute(
    `CREATE TABLE orders (id ${source.system === 'sqlite' ? 'BIGINT' : 'bigint'} NOT NULL PRIMARY KEY, ${columnsOf[source.system]})`,
    insertOrders(1, firstRows, 0),
  );
}

/** Later by the table's clock, but all in the past, so that no bound holds anything back. */
export async function changeOrders(source: TestDatabase): Promise<void> {
  const changes = Array.from({ length: changedRows }, (_, index) => {
    const id = 7 + index * 3;
    return `UPDATE orders SET label = 'changed', updated_at = '${timeOf(id, 1)}' WHERE id = ${id}`;
  });
  await source.execute(
    insertOrders(firstRows + 1, firstRows + newRows, 1),
    ...changes,
    `DELETE FROM orders WHERE id <= ${deletedRows / 2} OR (id > ${firstRows - deletedRows / 2} AND id <= ${firstRows})`,
  );
}

function insertOrders(from: number, to: number, hour: number): string {
  const rows = Array.from({ length: to - from + 1 }, (_, index) => {
    const id = from + index;
    const label = id % 5 === 0 ? 'NULL' : `'order ${id} 🌊'`;
    return `(${id}, ${label}, '${id}.${String(id % 100).padStart(2, '0')}', '${timeOf(id, hour)}')`;
  });
  return `INSERT INTO orders VALUES ${rows.join(', ')}`;
}

/** Seven rows for each timestamp. */
function timeOf(id: number, hour: number): string {
  const at = new Date(Date.UTC(2026, 0, 1, hour) + Math.floor(id / 7) * 1_000);
  return `${at.toISOString().slice(0, 19).replace('T', ' ')}.123456`;
}
