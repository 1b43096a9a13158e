import { permanent } from '../../../core/errors.ts';
import type { WatchedClient } from './watched-client.ts';

/**
 * Behind a pooler the backend is not the one named in the handshake, and may change with each transaction: settings would stay in
 * connections of other clients, and a claim would not know its own session. Checked before anything is set.
 */
export async function requireServer(client: WatchedClient, where: string): Promise<void> {
  const [[pid] = []] = await client.run('SELECT pg_catalog.pg_backend_pid()');
  if (client.pid === 0 || Number(pid) === client.pid) return;
  throw permanent('PoolerNotSupported', `${where}: this is a connection pooler, not the server itself`, {
    path: 'spec.postgres.host',
    fix: 'set host and port to those of the PostgreSQL server',
  });
}
