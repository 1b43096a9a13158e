import pg from 'pg';

/** Babelfish also speaks PostgreSQL's protocol, at the port that is this much higher, as bin/start of the local server sets it. */
const portsApart = 18_000;
const database = 'babelfish_db';

/**
 * What Babelfish lacks of SQL Server's views of transactions, made of PostgreSQL's own: open transactions and statements that run are real
 * ones, with the time at which they began. Each statement is a transaction, as in SQL Server.
 */
const statements = [
  `CREATE VIEW sys.dm_tran_active_transactions AS
     SELECT pid::bigint AS transaction_id, (xact_start AT TIME ZONE current_setting('TimeZone'))::sys.datetime2 AS transaction_begin_time, 1 AS transaction_type
     FROM pg_stat_activity WHERE xact_start IS NOT NULL AND backend_type = 'client backend'`,
  `CREATE VIEW sys.dm_tran_session_transactions AS
     SELECT pid AS session_id, pid::bigint AS transaction_id, 1::sys.bit AS is_user_transaction
     FROM pg_stat_activity WHERE xact_start IS NOT NULL AND backend_type = 'client backend'`,
  `CREATE VIEW sys.dm_exec_requests AS
     SELECT pid AS session_id, (query_start AT TIME ZONE current_setting('TimeZone'))::sys.datetime2 AS start_time,
       COALESCE((pg_blocking_pids(pid))[1], 0) AS blocking_session_id
     FROM pg_stat_activity WHERE state = 'active' AND backend_type = 'client backend'`,
  // A rowversion of Babelfish is the number of its transaction.
  `CREATE FUNCTION sys.min_active_rowversion() RETURNS sys.rowversion LANGUAGE sql VOLATILE
     AS 'SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint::sys.rowversion'`,
  ...['dm_tran_active_transactions', 'dm_tran_session_transactions', 'dm_exec_requests'].map(
    (view) => `GRANT SELECT ON sys.${view} TO PUBLIC`,
  ),
];

interface Address {
  readonly port: number;
  readonly user: string;
  readonly password: string;
}

/** Call once for a server that has just started. */
export async function addViews(address: Address): Promise<void> {
  await asPostgres(address, async (client) => {
    for (const sql of statements) await client.query(sql);
  });
}

/** Ends these sessions, whatever they do, and waits until they are gone: its KILL does not always, and by SQL Server's protocol nobody may call the function. */
export async function endSessions(address: Address, ids: readonly number[]): Promise<void> {
  await asPostgres(address, (client) =>
    client.query('SELECT pg_terminate_backend(pid, 10000) FROM unnest($1::int[]) AS pid', [ids]),
  );
}

async function asPostgres(
  { port, user, password }: Address,
  body: (client: pg.Client) => Promise<unknown>,
): Promise<void> {
  const client = new pg.Client({ host: '127.0.0.1', port: port + portsApart, user, password, database });
  await client.connect();
  try {
    await body(client);
  } finally {
    await client.end();
  }
}
