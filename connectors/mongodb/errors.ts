import {
  MongoCompatibilityError,
  MongoError,
  MongoErrorLabel,
  MongoInvalidArgumentError,
  MongoNetworkError,
  MongoNetworkTimeoutError,
  MongoOperationTimeoutError,
  MongoParseError,
  MongoServerError,
  MongoServerSelectionError,
  MongoUnexpectedServerResponseError,
} from 'mongodb';
import { type ErrorClass, errorOf, protocolError, socketErrors, tlsFailure } from '../../core/error-class.ts';
import type { ErrorCode } from '../../core/error-codes.ts';
import { IdraError, permanent, transient } from '../../core/errors.ts';

const later = 'transient';
const never = 'permanent';
const fields = 'spec.mongodb';

const notPrimary: ErrorClass = { code: 'ServerShutdown', disposition: later };
const lost: ErrorClass = { code: 'ConnectionLost', disposition: later };
const conflict: ErrorClass = { code: 'SerializationFailure', disposition: later };
const rolledBack: ErrorClass = { code: 'TransactionRolledBack', disposition: later };
const ended: ErrorClass = { code: 'StatementCancelled', disposition: later };
const tooLarge: ErrorClass = { code: 'RowTooLarge', disposition: never };
const invalidFilter: ErrorClass = {
  code: 'QueryInvalid',
  disposition: never,
  path: 'spec.source.filter',
  fix: 'correct the filter',
};
/** A server that has no replica set: change streams and transactions need its log. */
const needsReplicaSet: ErrorClass = {
  code: 'ModeNotOffered',
  disposition: never,
  path: 'spec.mode',
  text: 'this server is not a member of a replica set, so it has no log of changes',
  fix: 'make it a replica set (of one member, if need be), or use mode Snapshot, Id or Timestamp',
};

export const code = {
  namespaceNotFound: 26,
  namespaceExists: 48,
  commandNotFound: 59,
  writeConflict: 112,
  documentInvalid: 121,
  viewRefused: 166,
  noSuchTransaction: 251,
  lockTimeout: 24,
  duplicateKey: 11_000,
  documentTooLarge: 10_334,
  /** PostgreSQL's serialization failure, as DocumentDB passes it on. */
  serialization: 16_777_220,
} as const;

const errorClasses: Readonly<Record<number, ErrorClass>> = {
  2: invalidFilter,
  6: lost,
  7: lost,
  9: invalidFilter,
  11: {
    code: 'AuthenticationFailed',
    disposition: never,
    path: `${fields}.user`,
    fix: 'check the user and authSource',
  },
  13: {
    code: 'PermissionDenied',
    disposition: never,
    fix: 'grant the role that docs/mongodb.md names to the user of the DataSource',
  },
  14: invalidFilter,
  18: {
    code: 'AuthenticationFailed',
    disposition: never,
    path: `${fields}.passwordSecretRef`,
    fix: 'check user, password and authSource',
  },
  24: { code: 'LockTimeout', disposition: later },
  26: {
    code: 'TableNotFound',
    disposition: never,
    fix: 'check the name of the collection; names are case-sensitive',
  },
  43: lost,
  50: { code: 'SystemTimeout', disposition: later },
  73: { code: 'NameInvalid', disposition: never },
  89: lost,
  91: notPrimary,
  112: conflict,
  121: {
    code: 'ConstraintViolated',
    disposition: never,
    text: 'the document does not fit the validator of the collection',
  },
  134: { code: 'ClusterNotReady', disposition: later },
  166: { code: 'NotATable', disposition: never },
  189: notPrimary,
  225: rolledBack,
  237: ended,
  244: rolledBack,
  251: rolledBack,
  262: { code: 'SystemTimeout', disposition: later },
  290: rolledBack,
  317: lost,
  10107: notPrimary,
  10334: tooLarge,
  11600: notPrimary,
  11601: ended,
  11602: notPrimary,
  13388: { code: 'SchemaChanged', disposition: later },
  13435: notPrimary,
  13436: notPrimary,
  14031: { code: 'DiskFull', disposition: later },
  40324: invalidFilter,
  40573: needsReplicaSet,
  11000: { code: 'ConstraintViolated', disposition: never, text: 'the key already exists' },
  11001: { code: 'ConstraintViolated', disposition: never, text: 'the key already exists' },
  16777220: conflict,
};
const serverSide: ErrorClass = { code: 'ServerError', disposition: never };

/** Codes of errors about one document of a batch. */
const rowCodes: readonly number[] = [11_000, 11_001, code.documentInvalid, 10_334, 2, 17_419, 17_420, 28_781];

export function codeOf(thrown: unknown): number | undefined {
  if (!(thrown instanceof MongoServerError)) return undefined;
  const given: unknown = thrown.code;
  return given === undefined ? undefined : Number(given);
}

export function isCode(thrown: unknown, ...codes: readonly number[]): boolean {
  const found = codeOf(thrown);
  return found !== undefined && codes.includes(found);
}

export function hasLabel(thrown: unknown, label: MongoErrorLabel): boolean {
  return thrown instanceof MongoError && thrown.hasErrorLabel(label);
}

export function isNetworkError(thrown: unknown): boolean {
  return thrown instanceof MongoNetworkError || thrown instanceof MongoServerSelectionError;
}

/** Why a document of a batch was refused, without its data. Undefined: the error is not about a document. */
export function rowErrorOf(
  given: number,
): { readonly code: ErrorCode; readonly message: string } | undefined {
  if (!rowCodes.includes(given)) return undefined;
  const { code: known = 'ConstraintViolated', text = 'the server does not accept the document' } =
    errorClasses[given] ?? {};
  if (known === 'RowTooLarge')
    return { code: known, message: 'the document is larger than the server allows' };
  return { code: known === 'QueryInvalid' ? 'ValueNotKept' : known, message: text };
}

/** While a client logs in, servers refuse it by several codes. */
export function isLoginRefused(thrown: unknown): boolean {
  return isCode(thrown, 11, 13, 18);
}

export function loginRefused(thrown: unknown, doing: string): IdraError {
  return permanent(
    'AuthenticationFailed',
    `${doing}: the server refuses the login (code ${codeOf(thrown)})`,
    {
      path: `${fields}.passwordSecretRef`,
      fix: 'check user, password, authSource and authMechanism',
      cause: thrown,
    },
  );
}

/** `doing`: the server with its DataSource. */
export function classify(thrown: unknown, doing: string): IdraError {
  if (thrown instanceof IdraError) return thrown;
  if (thrown instanceof MongoServerSelectionError) return fromSelection(thrown, doing);
  if (thrown instanceof MongoServerError) return fromServer(thrown, doing);
  return fromNetwork(thrown, doing) ?? fromDriver(thrown, doing);
}

function fromServer(error: MongoServerError, doing: string): IdraError {
  const given = Number(error.code ?? 0);
  const found = errorClasses[given] ?? (isRetried(error) ? lost : serverSide);
  const message = `${doing}: ${found.text ?? error.message} (code ${given})`;
  return errorOf(found, message, found.text === undefined ? error : undefined);
}

/** A state of the deployment for which the table above has no code. */
function isRetried(error: MongoError): boolean {
  return (
    error.hasErrorLabel(MongoErrorLabel.RetryableWriteError) ||
    error.hasErrorLabel(MongoErrorLabel.TransientTransactionError)
  );
}

/** No server could be selected: the description of the deployment has the reasons. */
function fromSelection(error: MongoServerSelectionError, doing: string): IdraError {
  const servers = error.reason?.servers;
  const causes = servers ? [...servers.values()].flatMap((each) => each.error ?? []) : [];
  for (const cause of causes) {
    const known = cause instanceof MongoServerError ? fromServer(cause, doing) : fromNetwork(cause, doing);
    if (known) return known;
  }
  if (servers?.size === 0) {
    return transient('HostUnreachable', `${doing}: the servers found are not members of this replica set`, {
      path: `${fields}.replicaSet`,
      fix: 'check the name of the replica set; a router of a sharded cluster has none',
      cause: error,
    });
  }
  const driver = causes.find((each) => each instanceof MongoCompatibilityError);
  if (driver) return fromDriver(driver, doing);
  const isReached = servers !== undefined && [...servers.values()].some((each) => each.type !== 'Unknown');
  if (isReached) {
    return transient('ClusterNotReady', `${doing}: the replica set has no primary at present`, {
      fix: 'check the state of the replica set; if replicaSet is set, check its name',
      cause: error,
    });
  }
  return transient('HostUnreachable', `${doing}: no server can be reached: ${error.message}`, {
    path: `${fields}.hosts`,
    fix: 'check hosts and ports, and that the server is running',
    cause: error,
  });
}

/** The driver wraps the errors of sockets. */
function fromNetwork(thrown: unknown, doing: string): IdraError | undefined {
  for (
    let each: unknown = thrown, depth = 0;
    each instanceof Error && depth < 8;
    each = each.cause, depth++
  ) {
    if (each instanceof IdraError) return each;
    const given = 'code' in each && typeof each.code === 'string' ? each.code : undefined;
    if (given === undefined) continue;
    const tls = tlsFailure(given, doing, `${fields}.tls`, thrown);
    if (tls) return tls;
    if (given === 'EPROTO' || given.startsWith('ERR_TLS')) return tlsRefused(given, doing, thrown);
    const known = socketErrors(fields)[given];
    if (known) {
      const path = known.path && `${fields}.hosts`;
      return errorOf({ ...known, ...(path && { path }) }, `${doing}: ${each.message}`, thrown);
    }
  }
  if (thrown instanceof MongoNetworkTimeoutError || thrown instanceof MongoOperationTimeoutError)
    return transient('ServerSilent', `${doing}: ${thrown.message}`, { cause: thrown });
  if (thrown instanceof MongoNetworkError)
    return transient('ConnectionLost', `${doing}: ${thrown.message}`, { cause: thrown });
  return undefined;
}

function tlsRefused(given: string, doing: string, cause: unknown): IdraError {
  return transient('TlsNotOffered', `${doing}: no TLS connection can be made (${given})`, {
    path: `${fields}.tls.mode`,
    fix: 'check that the server offers TLS and accepts the client certificate, or set tls.mode to Prefer or Disable',
    cause,
  });
}

function fromDriver(thrown: unknown, doing: string): IdraError {
  const text = thrown instanceof Error ? thrown.message : String(thrown);
  if (thrown instanceof MongoCompatibilityError)
    return permanent('ServerTooOld', `${doing}: ${text}`, { fix: 'use MongoDB 4.4 or later', cause: thrown });
  if (thrown instanceof MongoInvalidArgumentError)
    return permanent('ParameterInvalid', `${doing}: ${text}`, { path: fields, cause: thrown });
  const isAnswer = thrown instanceof MongoParseError || thrown instanceof MongoUnexpectedServerResponseError;
  // BSON of the server that cannot be decoded, and answers of another shape (zod).
  if (isAnswer || isDecoding(thrown)) return protocolError(doing, thrown);
  return transient('ConnectionLost', `${doing}: ${text}`, { cause: thrown });
}

function isDecoding(thrown: unknown): boolean {
  const name = thrown instanceof Error ? thrown.name : '';
  return name.startsWith('BSON') || name === 'ZodError' || name === 'RangeError' || name === 'TypeError';
}
