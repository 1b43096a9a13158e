import pg from 'pg';
import type { Rejection } from '../../core/connector.ts';
import { type ErrorClass, errorOf, socketErrors, tlsFailure } from '../../core/error-class.ts';
import { type Disposition, IdraError, permanent, transient } from '../../core/errors.ts';
import { lookUp } from '../../core/look-up.ts';
import { ofOwnStatement, queryInvalid, raisedByTrigger } from '../sql/error-class.ts';

const later: Disposition = 'transient';
const never: Disposition = 'permanent';

/** Our own SQLSTATE, raised by a write if its commit row does not have its token. */
export const fencedState = 'IDRAF';
/** Raised if the table is not the one that was claimed. */
export const schemaChangedState = 'IDRAS';
/** Raised if the stored offset is not the one that this claim stored last. */
export const offsetMovedState = 'IDRAO';

/**
 * A planned object is missing or has changed: our own state, or undefined_table, invalid_schema_name, or duplicate_table of a claim that
 * creates the table.
 */
export function isSchemaChange(thrown: unknown): boolean {
  return [schemaChangedState, '42P01', '3F000', '42P07'].includes(sqlState(thrown) ?? '');
}

/** By SQLSTATE, or its class of two characters; the whole code is looked up first. */
const errorClasses: Readonly<Record<string, ErrorClass>> = {
  '28P01': {
    code: 'AuthenticationFailed',
    disposition: never,
    path: 'spec.postgres.passwordSecretRef',
    fix: 'check user and password',
  },
  '28000': {
    code: 'AuthenticationFailed',
    disposition: never,
    path: 'spec.postgres.user',
    fix: 'check the user, and that pg_hba.conf allows it from this address with this tls.mode',
  },
  '3D000': {
    code: 'DatabaseNotFound',
    disposition: never,
    path: 'spec.postgres.database',
    fix: 'check the name, or create the database',
  },
  '3F000': { code: 'SchemaNotFound', disposition: never, fix: 'create the schema' },
  '42P01': {
    code: 'TableNotFound',
    disposition: never,
    fix: 'check schema and name; names are case-sensitive',
  },
  '42501': {
    code: 'PermissionDenied',
    disposition: never,
    fix: 'GRANT the right that the message names to the user of the DataSource',
  },
  '42': queryInvalid,
  '53300': { code: 'TooManyConnections', disposition: later },
  '53100': { code: 'DiskFull', disposition: later },
  '53': { code: 'ServerOverloaded', disposition: later },
  '40001': { code: 'SerializationFailure', disposition: later },
  '40P01': { code: 'Deadlock', disposition: later },
  '40': { code: 'TransactionRolledBack', disposition: later },
  '55P03': { code: 'LockTimeout', disposition: later },
  '55000': {
    code: 'ObjectNotReady',
    disposition: never,
    fix: 'follow the message: a materialized view is filled by REFRESH MATERIALIZED VIEW',
  },
  '55P02': { code: 'ServerError', disposition: never },
  '55': { code: 'ObjectNotReady', disposition: later },
  '57014': { code: 'StatementCancelled', disposition: later },
  '57': { code: 'ServerShutdown', disposition: later },
  '58': { code: 'ServerFailed', disposition: later },
  '08': { code: 'ConnectionLost', disposition: later },
  '25006': {
    code: 'ReadOnlyServer',
    disposition: later,
    fix: 'a standby or a read-only database cannot be written to: point the DataSource at the primary',
  },
  '25P03': { code: 'ConnectionLost', disposition: later },
  [fencedState]: { code: 'Fenced', disposition: 'fenced' },
  '2B': {
    code: 'DependentObjects',
    disposition: never,
    fix: 'drop the objects that depend on the table, or use writeMode Upsert',
  },
  '21000': { code: 'KeyTwiceInBatch', disposition: never },
  '22': { code: 'ValueNotKept', disposition: never },
  '23': { code: 'ConstraintViolated', disposition: never },
};

const scramFailed: ErrorClass = {
  code: 'AuthenticationFailed',
  disposition: never,
  path: 'spec.postgres.passwordSecretRef',
  fix: 'check user and password, and that host and port belong to the intended server',
};

const partitionMissing: ErrorClass = {
  code: 'PartitionMissing',
  disposition: never,
  path: 'spec.destination.table',
  fix: 'create the partition, or a DEFAULT one',
};

const missedInFunction: ErrorClass = {
  code: 'NameInFunctionNotFound',
  disposition: never,
  fix: 'ALTER FUNCTION ... SET search_path = ... for the function, or name the schema in its text; or set parameters.search_path of the DataSource to schemas in which only trusted roles can create objects',
};

const socketClasses = socketErrors('spec.postgres');

/** The server's SQLSTATE, if the error came from the server. */
export function sqlState(thrown: unknown): string | undefined {
  return thrown instanceof pg.DatabaseError ? thrown.code : undefined;
}

/** A statement that was valid for the planned table was refused. */
export function mayBeSchemaChange(thrown: unknown): boolean {
  return isSchemaChange(thrown) || sqlState(thrown)?.startsWith('42') === true;
}

/** Caused by a row's value or a constraint, so that `onError` decides. */
export function isRowError(thrown: unknown): thrown is pg.DatabaseError {
  const state = sqlState(thrown);
  return state !== undefined && (state.startsWith('22') || state.startsWith('23'));
}

/** What is reported about a row that `onError: Skip` leaves out. */
export function rejectionOf(error: pg.DatabaseError): Rejection {
  const code = hasNoPartition(error)
    ? 'PartitionMissing'
    : (lookUp(errorClasses, (error.code ?? '').slice(0, 2))?.code ?? 'ValueNotKept');
  const column = error.column ?? columnOf(error);
  return { code, ...(column && { column }), message: safeMessage(error) };
}

/** Classifies a driver's error by its code; `doing` is the attempted operation: `reading public.orders of team-a/shop`. */
export function classify(thrown: unknown, doing: string): IdraError {
  if (thrown instanceof IdraError) return thrown;
  if (thrown instanceof pg.DatabaseError) return fromServer(thrown, doing);
  const code =
    thrown instanceof Error && 'code' in thrown && typeof thrown.code === 'string' ? thrown.code : '';
  const text = thrown instanceof Error ? thrown.message : String(thrown);
  const tls = tlsFailure(code, doing, 'spec.postgres.tls', thrown);
  if (tls) return tls;
  const errorClass = lookUp(socketClasses, code);
  if (errorClass) return errorOf(errorClass, `${doing}: ${text}`, thrown);
  // The driver's error without a code: no password is set, or the server does not prove that it knows the password.
  if (text.startsWith('SASL: ')) return errorOf(scramFailed, `${doing}: ${text}`, thrown);
  // The driver gives no code if the socket closed mid-message; the session is unusable either way.
  return transient('ConnectionLost', `${doing}: ${text}`, { cause: thrown });
}

/** Recognized by the function that raises it: state and message are those of a check constraint, apart from the constraint's name. */
function hasNoPartition(error: pg.DatabaseError): boolean {
  return (
    error.code === '23514' &&
    ['ExecFindPartition', 'ExecPartitionCheckEmitError'].includes(error.routine ?? '')
  );
}

/** Reported by a pooler, not by a server: it does not pass on the login's parameters.search_path. */
const pooler: ErrorClass = {
  code: 'PoolerNotSupported',
  disposition: never,
  path: 'spec.postgres.host',
  text: 'this is a connection pooler, not the server itself',
  fix: 'set host and port to those of the PostgreSQL server',
};

/** For a WITH that writes, when the query is embedded in another statement. */
const withWrites: ErrorClass = {
  ...queryInvalid,
  fix: 'let source.query only read: no INSERT, UPDATE or DELETE in its WITH',
};

const unknownState: ErrorClass = { code: 'ServerError', disposition: never };

/** Cases that SQLSTATE alone does not identify. The first match decides. */
const circumstances: readonly (readonly [holds: (error: pg.DatabaseError) => boolean, is: ErrorClass])[] = [
  [isRaised, raisedByTrigger],
  [hasNoPartition, partitionMissing],
  [isMissedInFunction, missedInFunction],
  [({ code, message }) => code === '08P01' && message.startsWith('unsupported startup parameter'), pooler],
  [({ code, routine }) => code === '0A000' && routine === 'analyzeCTE', withWrites],
];

function fromServer(error: pg.DatabaseError, doing: string): IdraError {
  const state = error.code ?? '';
  const [, special] = circumstances.find(([holds]) => holds(error)) ?? [];
  const errorClass =
    special ?? lookUp(errorClasses, state) ?? lookUp(errorClasses, state.slice(0, 2)) ?? unknownState;
  const { text } = errorClass;
  const message = `${doing}: ${text ?? safeMessage(error)} (SQLSTATE ${state})`;
  return errorOf(errorClass, message, text === undefined ? error : undefined);
}

/**
 * The error is in the text of a function called by a trigger, view or policy: it uses a name without a schema, which is looked up only in
 * pg_catalog.
 */
function isMissedInFunction({ code = '', internalQuery, where = '' }: pg.DatabaseError): boolean {
  const isMissed = ['42P01', '42883', '42704', '3F000'].includes(code);
  return isMissed && internalQuery !== undefined && !where.includes('inline_code_block');
}

/** Like `classify`, for a session that only reads, or one that writes. */
export function classifyAs(role: 'reader' | 'writer', thrown: unknown, doing: string): IdraError {
  if (role === 'writer') return ofOwnStatement(classify(thrown, doing));
  return sqlState(thrown) === '25006' ? sourceWrites(doing, thrown) : classify(thrown, doing);
}

/** A statement of a reader was refused because it writes, which readers never may. The server itself may be writable. */
function sourceWrites(doing: string, cause: unknown): IdraError {
  const fix = 'read without functions that write, in the query, view or policy';
  const message = `${doing}: the source calls a function that writes, but sources are read in read-only transactions`;
  return permanent('SourceWrites', message, { path: 'spec.source', fix, cause });
}

/** Raised by RAISE in PL/pgSQL, with any code, or a syntax error in a statement that a function built from values. */
function isRaised({ code, routine, internalQuery }: pg.DatabaseError): boolean {
  if (code?.startsWith('IDRA')) return false;
  const isOwnText = code?.startsWith('P0') || routine === 'exec_stmt_raise';
  return isOwnText || (code === '42601' && internalQuery !== undefined);
}

/** For data errors the server's message quotes values, so only the object at fault is named (never row data). */
export function safeMessage(error: pg.DatabaseError): string {
  const isOfRow: boolean = isRowError(error);
  if (!isOfRow) return error.message;
  const names = [
    error.column && `column ${error.column}`,
    error.constraint && `constraint ${error.constraint}`,
    error.dataType && `type ${error.dataType}`,
    !error.column && columnOf(error) && `column ${columnOf(error)}`,
  ].filter(Boolean);
  const what = hasNoPartition(error)
    ? `no partition of ${error.table ?? 'the table'} accepts the row`
    : (lookUp(rowErrors, error.code ?? '') ?? 'the value or row is not accepted');
  return names.length === 0 ? what : `${what} (${names.join(', ')})`;
}

/** COPY reports the column in its context line, as text for people; nothing depends on it. */
function columnOf(error: pg.DatabaseError): string | undefined {
  const match = /, column ([^:]+)/.exec(error.where ?? '');
  return match?.[1];
}

const rowErrors: Readonly<Record<string, string>> = {
  '22001': 'a text is longer than its column',
  '22003': 'a number is out of range',
  '22007': 'a date or time is not valid',
  '22008': 'a date or time is out of range',
  '22021': 'a text has a character that the database cannot store',
  '22P02': 'a text cannot be read as the type of its column',
  '22P03': 'a binary value cannot be read as the type of its column',
  '22P05': 'a text has a character that the database cannot store',
  '23502': 'a value is NULL where the column is NOT NULL',
  '23503': 'a foreign key references a missing row',
  '23505': 'the key already exists',
  '23514': 'the row violates a check constraint',
  '23P01': 'the row violates an exclusion constraint',
};
