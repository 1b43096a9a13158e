import pg from 'pg';

/**
 * Writers that make late rows all the time: each takes its ids and `now()` first, then idles for a moment, and commits out of order;
 * every fifth rolls back.
 */
export class ShopWriters {
  readonly #url: string;
  readonly #running: Promise<void>[] = [];
  #isStopping = false;

  constructor(url: string) {
    this.#url = url;
  }

  async start(writers = 3): Promise<void> {
    for (let writer = 0; writer < writers; writer++) {
      const client = new pg.Client({ connectionString: this.#url });
      await client.connect();
      this.#running.push(this.#write(client, writer));
    }
  }

  async stop(): Promise<void> {
    this.#isStopping = true;
    await Promise.all(this.#running);
  }

  async #write(client: pg.Client, writer: number): Promise<void> {
    for (let turn = 0; !this.#isStopping; turn++) {
      await client.query('BEGIN');
      const { rows } = await client.query("SELECT nextval('event_ids') AS id FROM generate_series(1, 10)");
      const ids = rows.map((row) => row.id as string);
      await idle((writer * 17 + turn * 7) % 60);
      await client.query('INSERT INTO events SELECT id, md5(id::text) FROM unnest($1::bigint[]) id', [ids]);
      // Two writers change the same orders now and then; each in a fixed order, so that they never deadlock.
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
    await client.end();
  }
}

function idle(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
