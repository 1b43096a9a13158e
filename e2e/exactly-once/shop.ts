import assert from 'node:assert/strict';
import { installLedger, onDatabase, proveLedger, readLedger, rowLines } from '../kit/ledger.ts';
import { type PostgresDatabase, postgres } from '../kit/servers.ts';
import { syncManifest } from '../kit/single-mode.ts';
import { dataSourceManifest, secretManifest } from '../kit/systems.ts';
import type { Writers } from '../kit/writers.ts';
import { shopWriters } from './writers.ts';

/** Rows of the table that does not change, which is read by Snapshot. */
const restRows = 60_000;
const restBatch = 200;

const columns = {
  events: 'id, body',
  orders: 'id, amount, note, updated_at',
  rest: 'id, body',
} as const;

/** A shop that keeps changing, its warehouse, and the three syncs between them; a ledger records each commit. */
export class Shop {
  readonly source: PostgresDatabase;
  readonly destination: PostgresDatabase;
  readonly writers: Writers;

  static async create(): Promise<Shop> {
    const server = await postgres();
    const [source, destination] = [await server.createDatabase(), await server.createDatabase()];
    await server.query(`GRANT pg_read_all_stats TO "${source.user}"`);
    await onDatabase(source.url, (client) =>
      client.query(`
        CREATE TABLE events (id bigint PRIMARY KEY, body text NOT NULL);
        CREATE SEQUENCE event_ids;
        CREATE TABLE orders (id bigint PRIMARY KEY, amount numeric(12,2) NOT NULL, note text, updated_at timestamptz NOT NULL);
        CREATE INDEX ON orders (updated_at, id);
        CREATE TABLE rest AS SELECT i AS id, md5(i::text) AS body FROM generate_series(1, ${restRows}) i;
        ALTER TABLE rest ADD PRIMARY KEY (id);`),
    );
    // Without a key: an event that is written twice exists twice.
    await onDatabase(destination.url, (client) =>
      client.query('CREATE TABLE events (id bigint NOT NULL, body text NOT NULL)'),
    );
    return new Shop(source, destination);
  }

  private constructor(source: PostgresDatabase, destination: PostgresDatabase) {
    this.source = source;
    this.destination = destination;
    this.writers = shopWriters(source.url);
  }

  /** Secrets are omitted if they are provided elsewhere. */
  manifests({ withSecrets }: { readonly withSecrets: boolean }): string {
    const system = (at: PostgresDatabase, name: string) =>
      (withSecrets ? secretManifest(name, at.password) : '') + dataSourceManifest(name, 'postgres', at);
    const sync = (table: string, read: object, more: object) =>
      syncManifest(table, {
        source: { dataSource: 'source', table: `public.${table}`, ...read },
        destination: { dataSource: 'destination', table: `public.${table}` },
        batch: { maxRows: restBatch },
        ...more,
      });
    return [
      system(this.source, 'source'),
      system(this.destination, 'destination'),
      sync('events', { idField: 'id' }, { mode: 'Id', writeMode: 'Append', schedule: { continuous: true } }),
      sync('orders', { timestampField: 'updated_at' }, { mode: 'Timestamp', schedule: { continuous: true } }),
      sync('rest', {}, { mode: 'Snapshot', schedule: { once: true } }),
    ].join('');
  }

  /** Requires the commit table. */
  async watch(): Promise<void> {
    await installLedger(this.destination.url);
  }

  async countCommits(): Promise<number> {
    const { rows } = await onDatabase(this.destination.url, (client) =>
      client.query('SELECT count(*)::int AS n FROM ledger'),
    );
    return rows[0].n;
  }

  /** Whether every row of the source exists unchanged. */
  async isEqual(): Promise<boolean> {
    for (const table of ['events', 'orders', 'rest'] as const) {
      const [wanted, found] = await this.#both(table);
      if (JSON.stringify(wanted) !== JSON.stringify(found)) return false;
    }
    return true;
  }

  /** Compares both sides row by row, and verifies with the ledger that nothing was written twice. */
  async prove(what: string): Promise<void> {
    for (const table of ['events', 'orders', 'rest'] as const) {
      const [wanted, found] = await this.#both(table);
      assert.ok(wanted.length > 0);
      assert.deepEqual(found, wanted, `${table} (${what})`);
    }
    const ledger = await readLedger(this.destination.url);
    const { commits } = proveLedger(ledger, compareIds);
    assert.ok(commits > 50, `only ${commits} commits were seen: the test proves nothing`);
    const rowsOf = (name: string) => ledger.findLast((entry) => entry.name === `default/${name}`)?.rows;
    const [events] = await rowLines(this.source.url, 'SELECT count(*) FROM events');
    assert.equal(JSON.stringify([String(rowsOf('events'))]), events, 'each event was written once');
    assert.equal(rowsOf('rest'), restRows, 'each row of the snapshot was written once');
  }

  async #both(table: keyof typeof columns) {
    const sql = `SELECT ${columns[table]} FROM ${table} ORDER BY id`;
    return await Promise.all([rowLines(this.source.url, sql), rowLines(this.destination.url, sql)]);
  }
}

function compareIds(one: string, other: string): number {
  return BigInt(one) < BigInt(other) ? -1 : BigInt(one) > BigInt(other) ? 1 : 0;
}
