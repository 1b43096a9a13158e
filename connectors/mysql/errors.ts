import { type ErrorClass, errorOf, socketErrors, tlsFailure } from '../../core/error-class.ts';
import type { ErrorCode } from '../../core/error-codes.ts';
import { type Disposition, IdraError, permanent, transient } from '../../core/errors.ts';
import { lookUp } from '../../core/look-up.ts';
import { queryInvalid, raisedByTrigger } from '../sql/error-class.ts';
import { databaseGrant } from './connection/grant.ts';

const later: Disposition = 'transient';
const never: Disposition = 'permanent';

const authentication: ErrorClass = {
  code: 'AuthenticationFailed',
  disposition: never,
  path: 'spec.mysql.passwordSecretRef',
  fix: 'check user and password, and that the user may log in from this host',
};
const denied: ErrorClass = {
  code: 'PermissionDenied',
  disposition: never,
  fix: 'GRANT the right that the message names to the user of the DataSource',
};
const databaseMissing: ErrorClass = {
  code: 'DatabaseNotFound',
  disposition: never,
  path: 'spec.mysql.database',
  fix: 'check the name, or create the database',
};
const tableMissing: ErrorClass = {
  code: 'TableNotFound',
  disposition: never,
  fix: 'check schema and name; names are case-sensitive',
};
const tooMany: ErrorClass = { code: 'TooManyConnections', disposition: later };
const diskFull: ErrorClass = { code: 'DiskFull', disposition: later };
const lost: ErrorClass = { code: 'ConnectionLost', disposition: later };
const readOnly: ErrorClass = {
  code: 'ReadOnlyServer',
  disposition: later,
  fix: 'a replica or a read-only server cannot be written to: point the DataSource at the primary',
};
/** Sessions read in read-only transactions. */
const writesWhileReading: ErrorClass = {
  code: 'SourceWrites',
  disposition: never,
  path: 'spec.source',
  fix: 'read without FOR UPDATE and without functions that write, in the query or view',
};
const tooLarge: ErrorClass = {
  code: 'RowTooLarge',
  disposition: never,
  fix: 'raise max_allowed_packet of the server above the largest row',
};

const timeLimited: ErrorClass = {
  code: 'StatementCancelled',
  disposition: later,
  fix: "Idra sets no limit; raise the user's limit (MAX_STATEMENT_TIME), the query's (MAX_EXECUTION_TIME), or that of a proxy in between",
};

/** By error number, which MySQL and MariaDB share where both have the error. */
const errorClasses: Readonly<Record<number, ErrorClass>> = {
  1044: denied,
  1045: authentication,
  1698: authentication,
  1862: authentication,
  3118: authentication,
  4151: authentication,
  1049: databaseMissing,
  1142: denied,
  1143: denied,
  1095: { code: 'SessionNotEnded', disposition: later, fix: 'end the session of the other user (KILL)' },
  1227: denied,
  1370: denied,
  1410: denied,
  1146: tableMissing,
  1051: tableMissing,
  1052: queryInvalid,
  1054: queryInvalid,
  1055: queryInvalid,
  1060: queryInvalid,
  1064: queryInvalid,
  1222: queryInvalid,
  1241: queryInvalid,
  1248: queryInvalid,
  1305: queryInvalid,
  1040: tooMany,
  1203: tooMany,
  1226: tooMany,
  1129: { code: 'HostBlocked', disposition: later, fix: 'FLUSH HOSTS on the server' },
  1021: diskFull,
  1114: diskFull,
  1041: { code: 'ServerOverloaded', disposition: later },
  1461: { code: 'ServerOverloaded', disposition: later },
  1135: { code: 'ServerOverloaded', disposition: later },
  1205: { code: 'LockTimeout', disposition: later },
  1213: { code: 'Deadlock', disposition: later },
  1412: { code: 'SchemaChanged', disposition: later },
  1053: { code: 'ServerShutdown', disposition: later },
  1317: { code: 'StatementCancelled', disposition: later },
  3024: timeLimited,
  1969: timeLimited,
  1152: lost,
  1158: lost,
  1159: lost,
  1160: lost,
  1161: lost,
  1184: lost,
  1927: lost,
  4031: lost,
  1290: readOnly,
  1792: writesWhileReading,
  1836: readOnly,
  3100: { code: 'ReplicationRefused', disposition: later },
  1047: { code: 'ClusterNotReady', disposition: later },
  1105: { code: 'ServerFailed', disposition: later },
  1030: { code: 'ServerFailed', disposition: later },
  1153: tooLarge,
  1118: {
    code: 'RowTooWide',
    disposition: never,
    fix: 'create the table yourself with TEXT columns, or leave columns out',
  },
  1071: {
    code: 'KeyTooLong',
    disposition: never,
    fix: 'create the table yourself with shorter key columns',
  },
  3159: {
    code: 'TlsRequired',
    disposition: never,
    path: 'spec.mysql.tls',
    fix: 'set tls.mode to Require or stricter',
  },
};

/** Error codes of Node's sockets and of the driver. */
const driverCodes: Readonly<Record<string, ErrorClass>> = {
  ...socketErrors('spec.mysql'),
  PROTOCOL_CONNECTION_LOST: lost,
  HANDSHAKE_SSL_ERROR: lost,
  HANDSHAKE_NO_SSL_SUPPORT: {
    code: 'TlsNotOffered',
    disposition: never,
    path: 'spec.mysql.tls',
    fix: 'turn TLS on at the server, or set tls.mode to Prefer or Disable',
  },
};

export const errorNumbers = {
  duplicateKey: 1062,
  noSuchThread: 1094,
  noSuchTable: 1146,
  outOfRangeDouble: 1690,
  noSuchSavepoint: 1305,
  tableExists: 1050,
  duplicateColumn: 1060,
  lockWaitTimeout: 1205,
} as const;

/** Errors caused by the values of a row; `onError` decides what happens. */
const rowErrors: Readonly<Record<number, string>> = {
  1048: 'a NULL in a column that is NOT NULL',
  1062: 'another row has the same value in a unique index',
  1169: 'another row has the same value in a unique index',
  1261: 'a row has fewer fields than columns are written',
  1262: 'a row has more fields than columns are written',
  1263: 'a NULL in a column that is NOT NULL',
  1264: 'a value is out of range',
  1265: 'a value does not fit into its column without loss',
  1292: 'a value cannot be read as the type of its column',
  1300: 'a text has bytes that are not UTF-8',
  1365: 'a generated column or a CHECK divides by zero',
  1366: 'a value cannot be read as the type of its column',
  1367: 'a value cannot be read as the type of its column',
  1406: 'a value is longer than its column',
  1411: 'a value cannot be read as the type of its column',
  1416: 'a value is not a geometry',
  1441: 'a date or time is out of range',
  1451: 'a row of another table references it',
  1452: 'a foreign key references a missing row',
  1216: 'a foreign key references a missing row',
  1217: 'a row of another table references it',
  1526: 'no partition of the table accepts the row',
  1591: 'no partition of the table accepts the row',
  1748: 'no partition of the table accepts the row',
  1690: 'a value is out of range',
  3037: 'a value is not a geometry',
  3157: 'a JSON document is nested too deeply',
  3616: 'a coordinate is out of range',
  3617: 'a coordinate is out of range',
  3751: 'a functional index does not accept a value',
  3752: 'a functional index does not accept a value',
  3903: 'a functional index does not accept a value',
  3643: 'a geometry has another SRID than its column',
  3140: 'a text is not JSON',
  3141: 'a text is not JSON',
  3819: 'the row violates a CHECK of the table',
  4025: 'the row violates a CHECK of the table',
  3854: 'a text has a character that the column does not have',
  4079: 'a value cannot be cast to the type of its column',
};

const characterMessage = "a text has a character that the column's character set does not have";

/** Includes the constraint's name, which the server's message contains, but never its values. */
function rowMessageOf(errno: number, serverMessage: string): string {
  const what = rowErrors[errno] ?? 'the table refuses the row';
  const name = constraintIn(errno, serverMessage);
  return name === undefined ? what : `${what} (${name})`;
}

function constraintIn(errno: number, serverMessage: string): string | undefined {
  if (errno === 1062) return labelled('index', /for key '([^']+)'$/.exec(serverMessage)?.[1]);
  if (errno === 1451 || errno === 1452)
    return labelled('foreign key', /CONSTRAINT `([^`]+)` FOREIGN KEY/.exec(serverMessage)?.[1]);
  if (errno === 3819) return labelled('check', /constraint '([^']+)'/.exec(serverMessage)?.[1]);
  if (errno === 4025) return labelled('check', /CONSTRAINT `([^`]+)`/.exec(serverMessage)?.[1]);
  return undefined;
}

function labelled(kind: string, name: string | undefined): string | undefined {
  return name && `${kind} ${name}`;
}

/** A row that the table cannot keep. `column` is set if the server names it. */
export class RowError extends Error {
  readonly errno: number;
  readonly column: string | undefined;
  readonly #isCharacter: boolean;

  constructor(errno: number, serverMessage: string) {
    const isCharacter =
      errno === 3854 || (errno === 1366 && serverMessage.startsWith('Incorrect string value'));
    super(isCharacter ? characterMessage : rowMessageOf(errno, serverMessage));
    this.name = 'RowError';
    this.errno = errno;
    this.column = columnIn(serverMessage);
    this.#isCharacter = isCharacter;
  }

  get code(): ErrorCode {
    if (this.#isCharacter) return 'CharacterNotKept';
    if (partitionMissing.includes(this.errno)) return 'PartitionMissing';
    return isConstraint(this.errno) ? 'ConstraintViolated' : 'ValueNotKept';
  }
}

export function isRowError(errno: number | undefined): errno is number {
  return errno !== undefined && rowErrors[errno] !== undefined;
}

const partitionMissing: readonly number[] = [1526, 1591, 1748];

function isConstraint(errno: number): boolean {
  return [1048, 1062, 1169, 1263, 1216, 1217, 1451, 1452, 3819, 4025].includes(errno);
}

/** The server names the column only in its message text; nothing depends on it. */
function columnIn(message: string): string | undefined {
  return /[Cc]olumn [`'](?:[^`']*`\.`)*([^`']+)[`']/.exec(message)?.[1];
}

/** The server's error number, if the error came from the server. */
export function errnoOf(thrown: unknown): number | undefined {
  if (!(thrown instanceof Error) || !('errno' in thrown) || !('sqlState' in thrown)) return undefined;
  return typeof thrown.errno === 'number' ? thrown.errno : undefined;
}

/** Raised by SIGNAL or RESIGNAL, which may use any number. No error of the server itself has state 45000. */
function isRaised(errno: number, thrown: unknown): boolean {
  const sqlState = thrown instanceof Error && 'sqlState' in thrown ? thrown.sqlState : undefined;
  return (errno >= 1642 && errno <= 1645) || sqlState === '45000';
}

export function codeOf(thrown: unknown): string {
  return thrown instanceof Error && 'code' in thrown && typeof thrown.code === 'string' ? thrown.code : '';
}

/** Classifies a driver's error by its number or code; `where` is the system: `team-a/shop (db:3306/shop)`. */
export function classify(thrown: unknown, where: string): IdraError {
  if (thrown instanceof IdraError) return thrown;
  const errno = errnoOf(thrown);
  const text = thrown instanceof Error ? thrown.message : String(thrown);
  if (thrown instanceof RowError) {
    return permanent(thrown.code, `${where}: ${rowMessage(thrown)}`, { cause: thrown });
  }
  if (isRowError(errno)) return classify(new RowError(errno, text), where);
  if (errno !== undefined && isRaised(errno, thrown))
    return errorOf(raisedByTrigger, `${where}: ${raisedByTrigger.text} (error ${errno})`, undefined);
  if (errno !== undefined) {
    const errorClass = errorClasses[errno] ?? { code: 'ServerError', disposition: never };
    const fix = errno === 1044 ? databaseGrant(text) : undefined;
    return errorOf(
      fix === undefined ? errorClass : { ...errorClass, fix },
      `${where}: ${text} (error ${errno})`,
      thrown,
    );
  }
  const code = codeOf(thrown);
  const tls = tlsFailure(code, where, 'spec.mysql.tls', thrown);
  if (tls) return tls;
  const plugin = /unknown plugin (\S*)\. See/.exec(text)?.[1];
  if (code === 'AUTH_SWITCH_PLUGIN_ERROR' && plugin !== undefined) return pluginUnknown(plugin, where);
  const errorClass = lookUp(driverCodes, code);
  if (errorClass) return errorOf(errorClass, `${where}: ${text || code}`, thrown);
  // The driver gives no code if the socket closed mid-message; the session is unusable either way.
  return transient('ConnectionLost', `${where}: ${text}`, { cause: thrown });
}

function pluginUnknown(plugin: string, where: string): IdraError {
  const name = plugin === '' ? 'mysql_old_password' : plugin;
  return permanent(
    'AuthenticationFailed',
    `${where}: the server asks for authentication by ${name}, which Idra does not support`,
    {
      path: 'spec.mysql.user',
      fix: 'change the user to caching_sha2_password or mysql_native_password',
    },
  );
}

export function rowMessage(error: RowError): string {
  const column = error.column === undefined ? '' : ` (column ${error.column})`;
  return `${error.message}${column}, error ${error.errno}`;
}

/** The refusal of a row. The error of the fence (a numeric overflow) does not count. */
export function asRowError(thrown: unknown): RowError | undefined {
  if (thrown instanceof RowError) return thrown;
  const errno = errnoOf(thrown);
  if (!isRowError(errno) || errno === errorNumbers.outOfRangeDouble) return undefined;
  return new RowError(errno, thrown instanceof Error ? thrown.message : '');
}
