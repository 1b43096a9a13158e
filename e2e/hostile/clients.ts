import { connector as mongodbConnector } from '../../connectors/mongodb/connector.ts';
import { Session as MysqlSession } from '../../connectors/mysql/session.ts';
import { ShapeDiffers } from '../../connectors/postgres/connection/copy.ts';
import { readerName } from '../../connectors/postgres/connection/open.ts';
import { Session as PostgresSession } from '../../connectors/postgres/session.ts';
import { EtcdClient } from '../../coordination/etcd/client.ts';
import type { SystemAccess } from '../../core/connector.ts';
import { Secret } from '../../core/secret.ts';
import { KubernetesClient } from '../../operator/runtime/client.ts';
import { configMaps } from '../../operator/runtime/test-cluster.ts';

/** How a client talks to a server on 127.0.0.1 at this port. It may fail, and it ends. */
export type Client = (port: number, login: Login) => Promise<void>;

export interface Login {
  readonly database: string;
  readonly user: string;
  readonly password: string;
  /** For etcd: timeout of a call; for MongoDB: of all calls. */
  readonly callMs?: number;
}

export const clients = { postgres, mysql, mongodb, etcd, kubernetes } satisfies Record<string, Client>;
export type ClientName = keyof typeof clients;

const patienceMs = 2_000;

async function postgres(port: number, login: Login): Promise<void> {
  const signal = AbortSignal.timeout(patienceMs);
  const session = await PostgresSession.open(accessOf(port, login), readerName, signal);
  try {
    await session.query('SELECT relname, reltuples, relkind, NULL FROM pg_catalog.pg_class LIMIT 20', signal);
    const query = {
      lockSql: 'SELECT FROM pg_catalog.pg_class LIMIT 0',
      fingerprintSql: "SELECT ''",
      names: 'own' as const,
    };
    const shape = { query, text: await session.shape(query, signal) };
    const format = { limits: { maxRows: 7, maxBytes: 2_000 }, isBinary: true };
    const sql = 'COPY (SELECT oid, relname FROM pg_catalog.pg_class LIMIT 30) TO STDOUT (FORMAT binary)';
    try {
      for await (const _ of session.copyOut(sql, format, shape, signal));
    } catch (thrown) {
      // The source then plans again.
      if (!(thrown instanceof ShapeDiffers)) throw thrown;
    }
    await session.copyIn('SELECT 1', { isBinary: true, frames: [] }).catch(() => {});
  } finally {
    await session.close();
  }
}

async function mysql(port: number, login: Login): Promise<void> {
  const signal = AbortSignal.timeout(patienceMs);
  const session = await MysqlSession.open(accessOf(port, login), 'reader', signal);
  try {
    await session.query('SELECT * FROM information_schema.columns LIMIT 10; SHOW WARNINGS', signal);
    await session.guard(() => session.columnsOf('SELECT 1, 2'), signal);
    const sql =
      "SELECT 1, 'text', x'00ff', 1.5, 2e0, NOW(), CAST(7 AS UNSIGNED), NULL FROM information_schema.columns LIMIT 30";
    await session.guard(() => session.stream(sql, { onFields() {}, onRow: () => false }), signal);
  } finally {
    await session.close();
  }
}

/** A driver that has lost its connection looks for a server until it is told to stop. */
async function mongodb(port: number, { database, callMs = 300 }: Login): Promise<void> {
  const signal = AbortSignal.timeout(callMs);
  const config = { hosts: [`127.0.0.1:${port}`], database, tls: { mode: 'Disable' } };
  const access: SystemAccess = { dataSource: 'team/rogue', config, secret: () => undefined };
  const columns = ['_id', 'text', 'at', 'list'].map((path) => ({
    name: path,
    path,
    type: 'json',
    nullable: true,
  }));
  const source = await mongodbConnector.openSource(access, { collection: 'c', columns }, signal);
  try {
    const relation = await source.describe(signal);
    const request = {
      ...{ relation, columns: relation.columns.map((column) => ({ column })), key: ['_id'], timeZone: 'UTC' },
      ...{ limits: { maxRows: 7, maxBytes: 2_000 }, rowFormat: { format: 'values' as const } },
    };
    const after = { mode: 'Snapshot', pass: 1, key: null, isComplete: false } as const;
    for await (const _ of source.read({ ...request, mode: 'Snapshot', after }, signal));
    for await (const _ of source.read({ ...request, mode: 'Stream', after: null }, signal));
  } catch (thrown) {
    if (thrown !== signal.reason) throw thrown;
  } finally {
    await source.close();
  }
}

async function etcd(port: number, { callMs = 150 }: Login): Promise<void> {
  const client = new EtcdClient({ endpoints: [`http://127.0.0.1:${port}`], prefix: '/fuzz/' });
  const options = { timeoutMs: callMs };
  try {
    const put = { kind: 'put', key: '/fuzz/a', value: 'text' } as const;
    await client.txn({ compare: [], success: [put, { kind: 'get', key: '/fuzz/a' }] }, options);
    const range = { key: '/fuzz/', end: '/fuzz0' };
    const { revision, cluster } = await client.range(range, options);
    await client.keepAlive(await client.grant(10, options), options);
    await new Promise<void>((resolve) => {
      const sink = { onEvents: () => {}, onProgress: () => resolve(), onEnd: () => resolve() };
      const watch = client.watch({ ...range, afterRevision: revision - 1n, cluster }, sink);
      setTimeout(resolve, 100);
      setTimeout(() => watch.close(), 100);
    });
  } finally {
    client.close();
  }
}

async function kubernetes(port: number): Promise<void> {
  const access = {
    server: new URL(`http://127.0.0.1:${port}`),
    namespace: 'default',
    credentials: async () => ({ headers: {}, tls: {} }),
  };
  const client = new KubernetesClient(access, { fieldManager: 'fuzz' });
  const options = { timeoutMs: 300, signal: AbortSignal.timeout(patienceMs) };
  try {
    const { resourceVersion } = await client.list(configMaps, options);
    await client.get(configMaps, { namespace: 'default', name: 'one' }, options);
    const watch = { ...options, resourceVersion, serverTimeoutMs: 1_000, inactivityMs: 200 };
    for await (const _ of client.watch(configMaps, watch));
  } finally {
    client.close();
  }
}

function accessOf(port: number, { database, user, password }: Login): SystemAccess {
  return {
    dataSource: 'team/rogue',
    config: {
      host: '127.0.0.1',
      port,
      database,
      user,
      tls: { mode: 'Disable' },
      allowCleartextPassword: true,
    },
    secret: (path) => (path === 'password' ? new Secret(password) : undefined),
  };
}
