import assert from 'node:assert/strict';
import { decodeStored } from '../../core/offset.ts';
import type { RecordColumn } from '../../core/records/record-column.ts';
import type { TestDatabase } from '../kit/systems.ts';
import { arrivedValue, comparable, type Fields, type Kind } from './expected.ts';

export interface Expected {
  readonly table: string;
  /** Column with the number of each record, from 1. */
  readonly key: string;
  readonly records: readonly Fields[];
  readonly kinds: ReadonlyMap<string, Kind>;
  /** Numbers of the records that must be missing. */
  readonly without?: ReadonlySet<number>;
}

/** Compares every value of every record. */
export async function requireArrived(
  database: TestDatabase,
  { table, key, records, kinds, without = new Set() }: Expected,
): Promise<void> {
  const names = [...kinds.keys()];
  const list = [key, ...names].map((name) => database.quote(name)).join(', ');
  const rows = await database.rows(`SELECT ${list} FROM ${database.quote(table)}`);
  const arrived = new Map(rows.map(([id, ...cells]) => [Number(id), cells]));
  assert.equal(rows.length, arrived.size, `${table}: a record arrived twice`);
  const differences: string[] = [];
  for (const [index, record] of records.entries()) {
    const cells = arrived.get(index + 1);
    if ((cells === undefined) !== without.has(index + 1)) {
      differences.push(`record ${index + 1} ${cells ? 'arrived' : 'is missing'}`);
      continue;
    }
    for (const [at, name] of cells ? names.entries() : []) {
      const kind = kinds.get(name) ?? 'json';
      const [wanted, found] = [comparable(record[name], kind), arrivedValue(cells?.[at] ?? null, kind)];
      if (wanted !== found) differences.push(`record ${index + 1}, ${name}: ${wanted} became ${found}`);
    }
  }
  assert.deepEqual(differences.slice(0, 20), [], `${table} at ${database.system}`);
  assert.equal(arrived.size, records.length - without.size, `${table} at ${database.system}`);
}

/** The inferred columns in the offset that the destination stores. */
export async function columnsInOffset(
  database: TestDatabase,
  table: string,
): Promise<readonly RecordColumn[]> {
  const [[offset = null] = []] = await database.rows(
    `SELECT ${database.quote('offset')} FROM _idra_commits WHERE ${database.quote('table')} LIKE '%${table}' ORDER BY token DESC`,
  );
  return decodeStored(offset)?.columns ?? [];
}
