import assert from 'node:assert/strict';
import { isTokenAhead } from '../../connectors/mongodb/source/stream-token.ts';
import { installLedger, onDatabase, proveLedger, readLedger } from '../kit/ledger.ts';
import { type MongodbServer, mongodb, postgres } from '../kit/servers.ts';
import { dataSourceManifest, secretManifest } from '../kit/systems.ts';

/** `_id`, balance, gross and city of a document. */
export type Line = readonly [id: number, balance: number, gross: number, city: string];

/** Where the changes go: DataSource `warehouse`. */
export interface Destination {
  readonly manifest: string;
  /** In destination of a Sync. */
  object(name: string): object;
  /** Once the commit table exists. */
  begin(): Promise<void>;
  orders(): Promise<readonly Line[]>;
  sumOfBalances(): Promise<number>;
  /** How many rows each document of `events` has, by its `_id`. */
  events(): Promise<ReadonlyMap<number, number>>;
  /** Fails if a commit was under an older token, or did not move its offset forward. Returns how many there were. */
  proveCommits(): Promise<number | undefined>;
  stop(): Promise<void>;
}

export async function toPostgres(): Promise<Destination> {
  const server = await postgres();
  const database = await server.createDatabase();
  const query = async (sql: string) =>
    (await onDatabase(database.url, (client) => client.query({ text: sql, rowMode: 'array' })))
      .rows as unknown[][];
  return {
    manifest:
      secretManifest('warehouse', database.password) + dataSourceManifest('warehouse', 'postgres', database),
    object: (name) => ({ table: `public.${name}` }),
    begin: () => installLedger(database.url),
    async orders() {
      return (await query('SELECT _id, balance, gross, city FROM orders ORDER BY _id')).map(lineOf);
    },
    async sumOfBalances() {
      return Number((await query('SELECT sum(balance) FROM orders'))[0]?.[0]);
    },
    async events() {
      return countsOf(await query('SELECT no, count(*) FROM events GROUP BY no'));
    },
    async proveCommits() {
      const proof = proveLedger(await readLedger(database.url), () => Number.NaN, isTokenAhead);
      return proof.commits;
    },
    stop: () => server.stop(),
  };
}

export async function toMongodb(): Promise<Destination> {
  const server = await mongodb();
  const name = server.createDatabase();
  const database = server.client.db(name);
  return {
    manifest: mongodbManifest('warehouse', server, name),
    object: (collection) => ({ collection }),
    begin: async () => {},
    async orders() {
      const found = await database
        .collection('orders')
        .find({}, { sort: { _id: 1 } })
        .toArray();
      return found.map(({ _id, balance, gross, city }) => lineOf([_id, balance, gross, city]));
    },
    async sumOfBalances() {
      const found = await database.collection('orders').find().toArray();
      return found.reduce((sum, { balance }) => sum + Number(balance), 0);
    },
    async events() {
      const counts = new Map<number, number>();
      for (const { no } of await database.collection('events').find().toArray())
        counts.set(Number(no), (counts.get(Number(no)) ?? 0) + 1);
      return counts;
    },
    async proveCommits() {
      const commits = await database.collection('_idra_commits').find().toArray();
      assert.equal(commits.length, 2);
      return undefined;
    },
    stop: () => server.stop(),
  };
}

export function mongodbManifest(
  name: string,
  { port, user, password }: MongodbServer,
  database: string,
): string {
  const login = user === undefined ? {} : { user, passwordSecretRef: { name, key: 'password' } };
  const spec = { mongodb: { hosts: [`127.0.0.1:${port}`], database, tls: { mode: 'Disable' }, ...login } };
  return `${secretManifest(name, password ?? '')}apiVersion: idra.dev/v1alpha1
kind: DataSource
metadata: { name: ${name} }
spec: ${JSON.stringify(spec)}
---
`;
}

export function lineOf([id, balance, gross, city]: readonly unknown[]): Line {
  return [Number(id), Number(balance), Number(gross), String(city)];
}

function countsOf(rows: readonly (readonly unknown[])[]): ReadonlyMap<number, number> {
  return new Map(rows.map(([id, count]) => [Number(id), Number(count)]));
}
