import { MongoClient, type MongoClientOptions } from 'mongodb';
import { onAbort } from '../../../core/aborted.ts';
import type { SystemAccess } from '../../../core/connector.ts';
import { IdraError, permanent } from '../../../core/errors.ts';
import { type PasswordRule, requireConfidential } from '../../sql/connection/password-rule.ts';
import { type MongoConfig, passwordRule, readConfig, withFieldInUse } from '../config.ts';
import { classify, isLoginRefused, loginRefused } from '../errors.ts';
import { guardedConnection } from './guarded-connection.ts';
import { readFacts, type ServerFacts } from './server-facts.ts';
import { offersTls } from './tls-probe.ts';

export const readerName = 'idra-reader';
export const writerName = 'idra-writer';
export type SessionName = typeof readerName | typeof writerName;

/** A client that is connected and logged in. */
export interface OpenedClient {
  readonly client: MongoClient;
  readonly name: SessionName;
  readonly config: MongoConfig;
  readonly facts: ServerFacts;
  readonly rule: PasswordRule;
  /** Set if a connection was ended because of what the server sent. */
  readonly refusal: () => IdraError | undefined;
}

const connectMs = 8_000;
const selectionMs = 10_000;
/** A statement may wait for a lock or sort a large collection. That the server is alive is asked on another connection. */
const socketTimeoutMs = 15 * 60_000;
const heartbeatMs = 10_000;

/**
 * What decides about results and about when a write counts is fixed here: reads from the primary of what a majority has, writes that a
 * majority has. The driver retries nothing, because it would not know what belongs together.
 */
const fixedOptions = {
  readPreference: 'primary',
  readConcern: { level: 'majority' },
  writeConcern: { w: 'majority', journal: true },
  retryWrites: false,
  retryReads: false,
  compressors: ['none'],
  maxPoolSize: 1,
  minPoolSize: 0,
  connectTimeoutMS: connectMs,
  serverSelectionTimeoutMS: selectionMs,
  waitQueueTimeoutMS: socketTimeoutMs,
  socketTimeoutMS: socketTimeoutMs,
  heartbeatFrequencyMS: heartbeatMs,
  serverMonitoringMode: 'poll',
  useBigInt64: true,
  promoteValues: true,
  monitorCommands: false,
} as const satisfies MongoClientOptions;

export async function openClient(
  access: SystemAccess,
  name: SessionName,
  signal: AbortSignal,
): Promise<OpenedClient> {
  signal.throwIfAborted();
  const config = readConfig(access);
  try {
    return await openWith(config, access, name, signal);
  } catch (thrown) {
    throw thrown instanceof IdraError ? withFieldInUse(config, thrown) : thrown;
  }
}

async function openWith(
  config: MongoConfig,
  access: SystemAccess,
  name: SessionName,
  signal: AbortSignal,
): Promise<OpenedClient> {
  const { where } = config;
  const tls = await tlsOptions(config, access, signal);
  const rule = passwordRule(config, access, tls.tls === true);
  if (config.mechanism === 'PLAIN') requireConfidential(rule, 'authMechanism PLAIN');
  let refused: IdraError | undefined;
  let isOpening = true;
  const connectionType = guardedConnection({
    where,
    dataSource: access.dataSource,
    onRefused: (error) => {
      refused ??= error;
      // The driver would try again for as long as it may look for a server.
      if (isOpening && config.hosts.length === 1 && !config.isSrv) void client.close(true).catch(() => {});
    },
  });
  const options = { ...fixedOptions, ...loginOptions(config), ...tls, appName: name, connectionType };
  const client: MongoClient = new MongoClient(addressOf(config), options);
  const stop = onAbort(signal, () => void client.close(true).catch(() => {}));
  try {
    await client.connect();
    const facts = await readFacts(client);
    signal.throwIfAborted();
    return { client, name, config, facts, rule, refusal: () => refused };
  } catch (thrown) {
    void client.close(true).catch(() => {});
    signal.throwIfAborted();
    throw refused ?? (isLoginRefused(thrown) ? loginRefused(thrown, where) : classify(thrown, where));
  } finally {
    isOpening = false;
    stop();
  }
}

function addressOf({ hosts, isSrv }: MongoConfig): string {
  return `mongodb${isSrv ? '+srv' : ''}://${hosts.map(encodeHost).join(',')}/`;
}

/** The path of a socket is escaped. */
function encodeHost(host: string): string {
  return host.startsWith('/') ? encodeURIComponent(host) : host;
}

function loginOptions(config: MongoConfig): MongoClientOptions {
  const { user, password, authSource, mechanism, replicaSet, isDirect } = config;
  const isByCertificate = mechanism === 'MONGODB-X509';
  const username = user ?? (isByCertificate ? '' : undefined);
  return {
    ...(username !== undefined && { auth: isByCertificate ? { username } : { username, password } }),
    ...(mechanism !== undefined && { authMechanism: mechanism }),
    ...(username !== undefined && {
      authSource: isExternal(mechanism) ? '$external' : (authSource ?? 'admin'),
    }),
    ...(replicaSet !== undefined && { replicaSet }),
    ...(isDirect && { directConnection: true }),
  };
}

function isExternal(mechanism: MongoConfig['mechanism']): boolean {
  return mechanism === 'MONGODB-X509' || mechanism === 'PLAIN';
}

async function tlsOptions(
  config: MongoConfig,
  access: SystemAccess,
  signal: AbortSignal,
): Promise<MongoClientOptions> {
  const { tlsMode: mode } = config;
  if (mode === 'Disable' || (mode === 'Prefer' && !(await offersTls(config, signal)))) return { tls: false };
  const [ca, cert, key] = ['tls.ca', 'tls.cert', 'tls.key'].map((path) => access.secret(path)?.reveal());
  if (config.mechanism === 'MONGODB-X509' && (cert === undefined || key === undefined)) {
    throw permanent('ParameterInvalid', 'authMechanism MONGODB-X509 logs in by a client certificate', {
      path: 'spec.mongodb.tls',
      fix: 'set tls.certSecretRef and tls.keySecretRef',
    });
  }
  const isVerified = mode === 'VerifyCA' || mode === 'VerifyFull' || (mode === 'Require' && ca !== undefined);
  return {
    tls: true,
    rejectUnauthorized: isVerified,
    ...(ca !== undefined && { ca }),
    ...(cert !== undefined && { cert }),
    ...(key !== undefined && { key }),
    ...(mode !== 'VerifyFull' && { checkServerIdentity: () => undefined }),
  };
}
