import mysql, { type Connection } from 'mysql2';
import type { OpeningProgress } from '../../sql/connection/opening-progress.ts';
import type { Login } from '../config.ts';
import { codeOf } from '../errors.ts';
import { authPlugins } from './authentication.ts';
import {
  allowAllColumnNames,
  destroyConnection,
  guardConnection,
  refuseBytesAfterValues,
  socketOf,
} from './guarded-connection.ts';

/** 64-bit integers, decimals, dates and times as text in the server's format; bytes as buffers. */
const values = {
  supportBigNumbers: true,
  bigNumberStrings: true,
  dateStrings: true,
  jsonStrings: true,
  timezone: 'Z',
  charset: 'utf8mb4',
  rowsAsArray: true,
  multipleStatements: true,
} as const;

allowAllColumnNames();
refuseBytesAfterValues();

export async function connect(
  login: Login,
  signal: AbortSignal,
  progress: OpeningProgress,
): Promise<Connection> {
  try {
    return await open(login, login.driver, signal, progress);
  } catch (thrown) {
    if (!login.isTlsOptional || codeOf(thrown) !== 'HANDSHAKE_NO_SSL_SUPPORT') throw thrown;
    const { ssl: _, ...plain } = login.driver;
    return await open(login, plain, signal, progress);
  }
}

function open(
  { where, dataSource, rule }: Login,
  driver: Login['driver'],
  signal: AbortSignal,
  progress: OpeningProgress,
): Promise<Connection> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) {
      reject(signal.reason);
      return;
    }
    const connection = mysql.createConnection({
      ...driver,
      ...values,
      authPlugins: authPlugins(rule(driver.ssl !== undefined)),
      connectAttributes: { program_name: 'idra' },
      enableKeepAlive: true,
      keepAliveInitialDelay: 30_000,
    });
    guardConnection(connection, { where, dataSource });
    progress.watch(socketOf(connection));
    const stop = () => {
      destroyConnection(connection);
      reject(signal.reason);
    };
    const settle = (error: Error | null) => {
      signal.removeEventListener('abort', stop);
      connection.off('error', settle);
      if (!error) {
        resolve(connection);
        return;
      }
      destroyConnection(connection);
      reject((isVerified(driver) && untrusted(connection)) || error);
    };
    signal.addEventListener('abort', stop, { once: true });
    connection.on('error', settle);
    connection.connect(settle);
  });
}

/** Without verification, an invalid certificate cannot be the reason for a failed connection; a wrong password can. */
function isVerified({ ssl }: Login['driver']): boolean {
  return typeof ssl === 'object' && ssl.rejectUnauthorized === true;
}

/** The driver replaces the code of a certificate error with its own; the socket still has the original. */
function untrusted(connection: Connection): Error | undefined {
  const { stream } = connection as Connection & {
    readonly stream?: { readonly authorizationError?: unknown };
  };
  const code = stream?.authorizationError;
  return typeof code === 'string' ? Object.assign(new Error(code), { code }) : undefined;
}
