import assert from 'node:assert/strict';
import pg from 'pg';
import { decodeOffset, type Offset } from '../../core/offset.ts';

/**
 * An append-only record at a PostgreSQL destination: a trigger on the commit table records each version of each commit row, in the
 * transaction that wrote it. Its numbers increase in commit order for each row, because the row is locked until its transaction ends.
 */
export interface LedgerEntry {
  readonly nr: number;
  readonly uid: string;
  readonly name: string;
  readonly token: bigint;
  readonly offset: Offset | null;
  readonly rows: number;
  readonly transaction: string;
  /** Just before its commit, ms since 1970; for PostgreSQL. */
  readonly atMs?: number;
}

/** Requires the commit table: run the syncs once before. */
export async function installLedger(url: string, schema = 'public'): Promise<void> {
  await onDatabase(url, (client) =>
    client.query(`
      CREATE TABLE "${schema}".ledger (
        nr bigserial PRIMARY KEY, uid text, name text, token bigint, "offset" text, rows bigint,
        transaction text DEFAULT pg_current_xact_id()::text, at timestamptz DEFAULT clock_timestamp());
      CREATE FUNCTION "${schema}".note_commit() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
          INSERT INTO "${schema}".ledger (uid, name, token, "offset", rows)
          VALUES (NEW.uid, NEW.name, NEW.token, NEW."offset", NEW.rows);
          RETURN NULL;
        END $$;
      CREATE TRIGGER note_commit AFTER INSERT OR UPDATE ON "${schema}"."_idra_commits"
        FOR EACH ROW EXECUTE FUNCTION "${schema}".note_commit();`),
  );
}

export async function readLedger(url: string, schema = 'public'): Promise<readonly LedgerEntry[]> {
  const { rows } = await onDatabase(url, (client) =>
    client.query(`SELECT * FROM "${schema}".ledger ORDER BY nr`),
  );
  return rows.map((row) => ({
    nr: Number(row.nr),
    uid: row.uid,
    name: row.name,
    token: BigInt(row.token),
    offset: row.offset === null ? null : decodeOffset(row.offset),
    rows: Number(row.rows),
    transaction: row.transaction,
    atMs: Number(row.at),
  }));
}

/** Verifies each sync in one pass over the ledger; throws an AssertionError that names the entry. `isTokenAhead`: of mode Stream. */
export function proveLedger(
  entries: readonly LedgerEntry[],
  compareIds: (one: string, other: string) => number,
  isTokenAhead: (before: string, after: string) => boolean = () => false,
): LedgerProof {
  const last = new Map<string, LedgerEntry>();
  let claims = 0;
  let commits = 0;
  for (const entry of entries) {
    const before = last.get(entry.uid);
    last.set(entry.uid, entry);
    if (!before) continue;
    const where = `ledger ${entry.nr} (${entry.name})`;
    assert.ok(entry.token >= before.token, `${where}: token ${entry.token} after ${before.token}`);
    if (entry.rows === before.rows && sameOffset(entry.offset, before.offset)) {
      claims += 1;
      continue;
    }
    commits += 1;
    assert.ok(entry.rows >= before.rows, `${where}: rows went back from ${before.rows} to ${entry.rows}`);
    assert.ok(
      isAfter(entry.offset, before.offset, compareIds, isTokenAhead),
      `${where}: offset ${JSON.stringify(entry.offset)} is not after ${JSON.stringify(before.offset)}`,
    );
  }
  return { claims, commits, rows: new Map([...last].map(([uid, { rows }]) => [uid, rows])) };
}

export interface LedgerProof {
  readonly claims: number;
  readonly commits: number;
  readonly rows: ReadonlyMap<string, number>;
}

function isAfter(
  next: Offset | null,
  last: Offset | null,
  compareIds: (one: string, other: string) => number,
  isTokenAhead: (before: string, after: string) => boolean,
): boolean {
  if (last === null) return true;
  if (next === null || next.mode !== last.mode) return false;
  if (next.mode === 'Stream' && last.mode === 'Stream') return isTokenAhead(last.token, next.token);
  if (next.mode === 'Id' && last.mode === 'Id') return compareIds(next.id, last.id) > 0;
  if (next.mode === 'Timestamp' && last.mode === 'Timestamp') {
    if (next.at !== last.at) return sortable(next.at) > sortable(last.at);
    return compareIds(next.key[0] ?? '', last.key[0] ?? '') > 0;
  }
  if (next.mode === 'Snapshot' && last.mode === 'Snapshot') {
    if (next.pass !== last.pass) return next.pass === last.pass + 1 && last.isComplete;
    if (last.isComplete) return false;
    return next.isComplete || compareIds(next.key?.[0] ?? '', last.key?.[0] ?? '') > 0;
  }
  return false;
}

/** A timestamp in a form that compares as text with others of its column. */
function sortable(at: string): string {
  const [whole = '', fraction = ''] = at.replace(/Z$/, '').split('.');
  return `${whole}.${fraction.padEnd(9, '0')}`;
}

function sameOffset(one: Offset | null, other: Offset | null): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}

/** Runs `body` with its own connection. */
export async function onDatabase<T>(url: string, body: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url });
  client.on('error', () => {});
  await client.connect();
  try {
    return await body(client);
  } finally {
    await client.end();
  }
}

/** All rows of a query as texts, one line each, for row-by-row comparison. */
export async function rowLines(url: string, sql: string): Promise<readonly string[]> {
  const { rows } = await onDatabase(url, (client) =>
    client.query({ text: sql, rowMode: 'array', types: { getTypeParser: () => (text: string) => text } }),
  );
  return (rows as (string | null)[][]).map((row) => JSON.stringify(row));
}
