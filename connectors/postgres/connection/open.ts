import pg from 'pg';

const pgVariable = /^PG[A-Z_]+$/;

/**
 * A client with only these options. For each option that is missing or empty, the driver would use the process's PG* variable, and for a
 * password the file `~/.pgpass`. These belong to whoever runs the agent, but the author of a DataSource chooses the server that receives
 * them.
 */
export function driverClient(config: pg.ClientConfig, password: string): pg.Client {
  const hidden = Object.entries(process.env).filter(([name]) => pgVariable.test(name));
  for (const [name] of hidden) delete process.env[name];
  try {
    // A function, because an empty text would count as no password.
    return new pg.Client({ ...config, password: () => password });
  } finally {
    for (const [name, value] of hidden) process.env[name] = value;
  }
}
