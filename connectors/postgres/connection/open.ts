import pg from 'pg';

const pgVariable = /^PG[A-Z_]+$/;

/**
 * A client of these options alone. For each one that is left out or empty the driver would take the PG* variable of the process, and for a
 * password the file of `~/.pgpass`: they belong to whoever runs the agent, and the author of a DataSource chooses the server that gets them.
 */
export function driverClient(config: pg.ClientConfig, password: string): pg.Client {
  const hidden = Object.entries(process.env).filter(([name]) => pgVariable.test(name));
  for (const [name] of hidden) delete process.env[name];
  try {
    // A function: an empty text would count as none.
    return new pg.Client({ ...config, password: () => password });
  } finally {
    for (const [name, value] of hidden) process.env[name] = value;
  }
}
