import type { SystemIdentity } from '../../core/connector.ts';
import type { StatementRunner } from './connection/statements.ts';
import { sqlState } from './errors.ts';

const select =
  'SELECT c.system_identifier, d.oid FROM pg_catalog.pg_control_system() AS c, pg_catalog.pg_database AS d WHERE d.datname = pg_catalog.current_database()';

/**
 * The number that initdb gave to the cluster, and the database's own. A standby that takes over has both; a recreated database or another
 * server has not. Empty if the server does not reveal them to this user.
 */
export async function readIdentity(client: Pick<StatementRunner, 'run'>): Promise<SystemIdentity> {
  try {
    const [[cluster, database] = []] = await client.run(select);
    return /^\d{1,20}$/.test(cluster ?? '') && /^\d{1,10}$/.test(database ?? '')
      ? [`${cluster}/${database}`]
      : [];
  } catch (thrown) {
    // The server answered that it lacks the function or refuses it. For a lost connection there is no SQLSTATE.
    if (sqlState(thrown) === undefined) throw thrown;
    return [];
  }
}
