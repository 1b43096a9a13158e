import type { SystemIdentity } from '../../core/connector.ts';
import { sqlState } from './errors.ts';

interface Asks {
  run(sql: string): Promise<readonly (readonly (string | null)[])[]>;
}

const select =
  'SELECT c.system_identifier, d.oid FROM pg_catalog.pg_control_system() AS c, pg_catalog.pg_database AS d WHERE d.datname = pg_catalog.current_database()';

/**
 * The number that initdb has given to the cluster, and the database's own: a standby that takes over has both, a database that is made again
 * or another server has not. Empty where the server does not tell this user.
 */
export async function readIdentity(session: Asks): Promise<SystemIdentity> {
  try {
    const [[cluster, database] = []] = await session.run(select);
    return /^\d{1,20}$/.test(cluster ?? '') && /^\d{1,10}$/.test(database ?? '')
      ? [`${cluster}/${database}`]
      : [];
  } catch (thrown) {
    // An answer of the server: it lacks the function, or refuses it. A lost connection has none.
    if (sqlState(thrown) === undefined) throw thrown;
    return [];
  }
}
