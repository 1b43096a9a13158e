import type pg from 'pg';
import { idle, Writers } from '../kit/writers.ts';

/**
 * Writers that continuously produce late rows: each takes its ids and `now()` first, then idles for a moment, and commits out of order;
 * every fifth transaction rolls back.
 */
export function shopWriters(url: string): Writers {
  return new Writers(url, writeOnce);
}

async function writeOnce(client: pg.Client, writer: number, turn: number): Promise<void> {
  await client.query('BEGIN');
  const { rows } = await client.query("SELECT nextval('event_ids') AS id FROM generate_series(1, 10)");
  const ids = rows.map((row) => row.id as string);
  await idle((writer * 17 + turn * 7) % 60);
  await client.query('INSERT INTO events SELECT id, md5(id::text) FROM unnest($1::bigint[]) id', [ids]);
  // Two writers sometimes change the same orders, always in the same order, so that they never deadlock.
  await client.query(
    `INSERT INTO orders SELECT id, id * 1.5, 'new', now() FROM unnest($1::bigint[]) id
     ON CONFLICT (id) DO UPDATE SET updated_at = excluded.updated_at, note = 'again'`,
    [ids],
  );
  await client.query(
    'UPDATE orders SET amount = amount + 1, note = $2, updated_at = now() WHERE id = (SELECT id FROM orders ORDER BY id OFFSET $1 LIMIT 1 FOR UPDATE SKIP LOCKED)',
    [(turn * 3 + writer) % 50, `changed by ${writer} in turn ${turn}`],
  );
  await client.query(turn % 5 === 4 ? 'ROLLBACK' : 'COMMIT');
}
