import { connect as connectSocket, type Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { Connection } from 'tedious';
import { permanent } from '../../../core/errors.ts';
import type { OpeningProgress } from '../../sql/connection/opening-progress.ts';
import { requireConfidential } from '../../sql/connection/password-rule.ts';
import type { Login } from '../config.ts';
import { codeOf } from '../errors.ts';
import {
  destroyConnection,
  endReason,
  guardConnection,
  guardNewSocket,
  onOpened,
} from './guarded-connection.ts';
import { lookUpInstance } from './instance-lookup.ts';

/** Other sessions see this name. Readers never write, so they never hold back the bound of late rows. */
export const programName = { reader: 'idra reader', writer: 'idra' } as const;
export type Role = keyof typeof programName;

export interface Opened {
  readonly connection: Connection;
  readonly isEncrypted: boolean;
}

/** Fixed: every value that the driver would change is converted to text by the statements. */
const driverOptions = {
  useUTC: true,
  lowerCaseGuids: true,
  tdsVersion: '7_4',
  packetSize: 16_384,
  requestTimeout: 0,
  cancelTimeout: 5_000,
  maxRetriesOnTransientErrors: 0,
  abortTransactionOnError: true,
} as const;

const noTls = 'EENCRYPT';

export async function connect(
  login: Login,
  role: Role,
  signal: AbortSignal,
  progress: OpeningProgress,
): Promise<Opened> {
  const { host, instance, where, tls } = login;
  const port = instance === undefined ? login.port : await lookUpInstance({ host, instance, where }, signal);
  const open = async (isTls: boolean) => {
    requireConfidential(login.rule(isTls), 'as every login of SQL Server', true);
    return { connection: await openOne(login, { role, port, isTls }, signal, progress), isEncrypted: isTls };
  };
  if (tls.mode === 'Disable') return await open(false).catch(refuseEncryption);
  try {
    return await open(true);
  } catch (thrown) {
    if (codeOf(thrown) !== noTls) throw thrown;
    if (tls.mode !== 'Prefer') throw tlsNotOffered(where);
    return await open(false);
  }

  function refuseEncryption(thrown: unknown): never {
    if (codeOf(thrown) !== noTls) throw thrown;
    throw permanent('TlsRequired', `${where}: the server accepts only connections with TLS`, {
      path: 'spec.sqlserver.tls.mode',
      fix: 'set tls.mode to Require or stricter',
    });
  }
}

function tlsNotOffered(where: string): Error {
  return permanent('TlsNotOffered', `${where}: the server does not offer TLS`, {
    path: 'spec.sqlserver.tls.mode',
    fix: 'install a certificate at the server, or set tls.mode to Prefer or Disable',
  });
}

interface Attempt {
  readonly role: Role;
  readonly port: number;
  readonly isTls: boolean;
}

function openOne(
  login: Login,
  { role, port, isTls }: Attempt,
  signal: AbortSignal,
  progress: OpeningProgress,
): Promise<Connection> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) {
      reject(signal.reason);
      return;
    }
    const { ca, isNameVerified } = login.tls;
    let attempts = 0;
    const connector = (target: { readonly host: string; readonly port: number }) => {
      attempts += 1;
      if (attempts > 1) requireVerifiedRoute(login, isTls, attempts);
      return openSocket(connection, login, target, progress);
    };
    const connection = new Connection({
      server: login.host,
      authentication: { type: 'default', options: { userName: login.user, password: login.password } },
      options: {
        ...driverOptions,
        port,
        database: login.database,
        appName: programName[role],
        workstationId: 'idra',
        readOnlyIntent: login.isReadIntent,
        encrypt: isTls,
        trustServerCertificate: !isNameVerified,
        ...(ca !== undefined && { cryptoCredentialsDetails: { ca } }),
        // The deadline is that of the signal.
        connectTimeout: 2 * login.openTimeoutMs,
        connector: connector as unknown as () => Promise<Socket>,
      },
    });
    guardConnection(connection, login);
    const stop = () => {
      destroyConnection(connection);
      reject(signal.reason);
    };
    let refusal: Error | undefined;
    let refused: number | undefined;
    // The driver's error of a login lacks the number of the server's.
    connection.on('errorMessage', (message: { readonly number: number }) => {
      refused ??= message.number;
    });
    connection.on('secure', (tls: TLSSocket) => {
      refusal = certificateRefusal(login, tls);
      // Destroyed before the login is sent.
      if (refusal) destroyConnection(connection);
    });
    signal.addEventListener('abort', stop, { once: true });
    connection.connect((error) => {
      signal.removeEventListener('abort', stop);
      if (!error && !refusal) {
        onOpened(connection);
        resolve(connection);
        return;
      }
      destroyConnection(connection);
      const reason = reasonOf(connection, error);
      reject(refusal ?? (refused === undefined ? reason : Object.assign(reason, { number: refused })));
    });
  });
}

/** What ended the socket says more than the driver's error about it; not for errors that the server sent. */
function reasonOf(connection: Connection, error: Error | undefined): Error {
  const reason = endReason(connection);
  return (codeOf(error) === 'ESOCKET' ? reason : undefined) ?? error ?? new Error('no connection');
}

/** Call for the second and later addresses of one login. The password goes to where the server sends the session. */
function requireVerifiedRoute({ where, rule }: Login, isTls: boolean, attempts: number): void {
  if (rule(isTls).channel === 'verified' && attempts <= 3) return;
  throw permanent(
    'ProtocolBroken',
    `${where}: the server sends the session to another address, but it is not verified who the server is`,
    {
      path: 'spec.sqlserver.tls.mode',
      fix: 'set tls.mode to VerifyFull, with tls.caSecretRef if the authority is not public; or set host to the address itself (in Azure SQL: connection policy Proxy)',
    },
  );
}

function openSocket(
  connection: Connection,
  login: Login,
  { host, port }: { readonly host: string; readonly port: number },
  progress: OpeningProgress,
): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connectSocket({ host, port, autoSelectFamily: true });
    guardNewSocket(connection, socket, login);
    progress.watch(socket);
    socket.once('connect', () => resolve(socket));
    socket.once('error', reject);
    socket.once('close', () => reject(new Error('the connection was closed')));
  });
}

/** With VerifyCA the authority is verified, and the name is not: the driver can only verify both or neither. */
function certificateRefusal(
  { tls }: Login,
  { authorized, authorizationError }: TLSSocket,
): Error | undefined {
  if (authorized || !tls.isChainVerified || tls.isNameVerified) return undefined;
  const code = String(codeOf(authorizationError) || authorizationError);
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') return undefined;
  return Object.assign(new Error(code), { code });
}
