import pg from 'pg';
import { onAbort } from '../../../core/aborted.ts';
import type { SystemAccess, SystemIdentity } from '../../../core/connector.ts';
import { answerOn } from '../../sql/connection/answer.ts';
import { OpeningProgress } from '../../sql/connection/opening-progress.ts';
import type { PasswordRule } from '../../sql/connection/password-rule.ts';
import { defaultSilenceMs } from '../../sql/connection/silence.ts';
import { type PostgresConfig, passwordRule, readConfig, seconds, tlsOptions } from '../config.ts';
import { classify } from '../errors.ts';
import { readIdentity } from '../identity.ts';
import { guardConnection, socketOf } from './guarded-connection.ts';
import { requireServer } from './pooler.ts';
import { pathOption } from './search-path.ts';
import { settingsOf } from './settings.ts';
import { WatchedClient } from './watched-client.ts';

/** Readers never hold back the bound of late rows: late-row-bound.ts ignores sessions with this name. */
export const readerName = 'idra-reader';
export const writerName = 'idra-writer';
export type SessionName = typeof readerName | typeof writerName;

/** A connection whose session is set up, to the server itself. */
export interface OpenedClient {
  readonly client: WatchedClient;
  readonly name: SessionName;
  /** The server, for messages. */
  readonly where: string;
  readonly setUpSql: string;
  /** The password rule of its login. */
  readonly rule: PasswordRule;
  /** Empty if this user may not query it. */
  readonly identity: SystemIdentity;
}

const defaultConnectMs = 10_000;
const keepAliveMs = 30_000;

/** Throws a transient error if the server does not answer in time, and the signal's reason if it fires at any time. */
export async function openClient(
  access: SystemAccess,
  name: SessionName,
  signal: AbortSignal,
): Promise<OpenedClient> {
  signal.throwIfAborted();
  const config = readConfig(access);
  const where = `PostgreSQL ${config.host}:${config.port}/${config.database} (${access.dataSource})`;
  const connectTimeoutMs = seconds(config.parameters.connect_timeout) ?? defaultConnectMs;
  const ssl = await tlsOptions(config, access, connectTimeoutMs, signal);
  const rule = passwordRule(config, access, ssl, where);
  const options = { ...clientOptions(config), ssl, application_name: name };
  const driver = driverClient(options, access.secret('password')?.reveal() ?? '');
  const setUpSql = settingsOf(name === readerName ? 'reader' : 'writer', config);
  guardConnection(driver, rule, access.dataSource);
  const progress = new OpeningProgress();
  progress.watch(socketOf(driver));
  const client = new WatchedClient(driver, {
    where,
    limitMs: seconds(config.parameters.socket_timeout) ?? defaultSilenceMs,
    probe: { server: where, everyMs: connectTimeoutMs, connect: () => requireReachable(access, name) },
  });
  // end() is not used, because a pending connect would then never settle.
  const stop = onAbort(signal, () => client.cut());
  const giveUp = () => client.cut(progress.noAnswer(where, 'spec.postgres.host', connectTimeoutMs));
  const late = setTimeout(giveUp, connectTimeoutMs);
  try {
    signal.throwIfAborted();
    await client.connect();
    progress.noteLogin();
    answerOn(socketOf(driver))?.loggedIn();
    await requireServer(client, where);
    await client.run(setUpSql);
    return { client, name, where, setUpSql, rule, identity: await readIdentity(client) };
  } catch (thrown) {
    client.cut();
    signal.throwIfAborted();
    throw classify(thrown, where);
  } finally {
    clearTimeout(late);
    stop();
  }
}

function clientOptions({ host, port, database, user, parameters }: PostgresConfig): pg.ClientConfig {
  const path = parameters.search_path;
  return {
    host,
    port,
    database,
    user,
    ...(path !== undefined && { options: pathOption(path) }),
    keepAlive: true,
    keepAliveInitialDelayMillis: seconds(parameters.keepalives_idle) ?? keepAliveMs,
    types: { getTypeParser: () => (text: string) => text },
  };
}

/** Called when a server has fallen silent. Rejects if the server does not accept another session. */
async function requireReachable(access: SystemAccess, name: SessionName): Promise<void> {
  const { client } = await openClient(access, name, new AbortController().signal);
  await client.end();
}

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
