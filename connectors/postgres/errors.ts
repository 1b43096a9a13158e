import pg from 'pg';
import type { Rejection } from '../../core/connector.ts';
import { type Disposition, IdraError, permanent, transient } from '../../core/errors.ts';
import { lookUp } from '../../core/look-up.ts';
import {
  certificateUntrusted,
  type ErrorClass,
  errorOf,
  isUntrusted,
  raisedByTrigger,
  socketErrors,
} from '../sql/error-class.ts';

const later: Disposition = 'transient';
const never: Disposition = 'permanent';

/** SQLSTATE of our own, which a write raises when its commit row is not there under its token. */
export const fencedState = 'IDRAF';
/** The table is not the one that was claimed. */
export const schemaChangedState = 'IDRAS';
/** The stored offset is not the one that this claim stored last. */
export const offsetMovedState = 'IDRAO';

/** What was planned is not there, or is not as it was: ours, and undefined_table, invalid_schema_name, duplicate_table of a claim that creates. */
export function isSchemaChange(thrown: unknown): boolean {
  return [schemaChangedState, '42P01', '3F000', '42P07'].includes(sqlState(thrown) ?? '');
}

/** SQLSTATE, or its class of two characters, in the order of looking: the whole code first. */
const errorClasses: Readonly<Record<string, ErrorClass>> = {
  '28P01': {
    code: 'AuthenticationFailed',
    disposition: never,
    path: 'spec.postgres.passwordSecretRef',
    mend: 'check user and password',
  },
  '28000': {
    code: 'AuthenticationFailed',
    disposition: never,
    path: 'spec.postgres.user',
    mend: 'check the user, and that pg_hba.conf lets it in from here with this tls.mode',
  },
  '3D000': {
    code: 'DatabaseNotFound',
    disposition: never,
    path: 'spec.postgres.database',
    mend: 'check the name, or create the database',
  },
  '3F000': { code: 'SchemaNotFound', disposition: never, mend: 'create the schema' },
  '42P01': {
    code: 'TableNotFound',
    disposition: never,
    mend: 'check schema and name; names are case-sensitive',
  },
  '42501': { code: 'PermissionDenied', disposition: never, mend: 'GRANT the right to this user' },
  '42601': { code: 'QueryInvalid', disposition: never, path: 'spec.source.query' },
  '42': { code: 'QueryInvalid', disposition: never },
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
    mend: 'do what the message asks for: a materialized view is filled by REFRESH MATERIALIZED VIEW',
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
    mend: 'a standby or a read-only database cannot be written: point the DataSource at the primary',
  },
  '25P03': { code: 'ConnectionLost', disposition: later },
  [fencedState]: { code: 'Fenced', disposition: 'fenced' },
  '2B': {
    code: 'DependentObjects',
    disposition: never,
    mend: 'remove what depends on the table, or use writeMode Upsert',
  },
  '21000': { code: 'KeyTwiceInBatch', disposition: never },
  '22': { code: 'ValueNotKept', disposition: never },
  '23': { code: 'ConstraintViolated', disposition: never },
};

const scramFailed: ErrorClass = {
  code: 'AuthenticationFailed',
  disposition: never,
  path: 'spec.postgres.passwordSecretRef',
  mend: 'check user and password, and that host and port are those of the server that knows them',
};

const partitionMissing: ErrorClass = {
  code: 'PartitionMissing',
  disposition: never,
  path: 'spec.destination.table',
  mend: 'create the partition, or a DEFAULT one',
};

const missedInFunction: ErrorClass = {
  code: 'NameInFunctionNotFound',
  disposition: never,
  mend: 'ALTER FUNCTION ... SET search_path = ... for the function, or name the schema in its text; parameters.search_path of the DataSource gives a path to all such functions, for schemas where nobody creates who is not trusted',
};

const socketClasses = socketErrors('spec.postgres');

/** The server's SQLSTATE, where the error is one of the server. */
export function sqlState(thrown: unknown): string | undefined {
  return thrown instanceof pg.DatabaseError ? thrown.code : undefined;
}

/** A statement that was right for the table as it was planned is refused. */
export function mayBeSchemaChange(thrown: unknown): boolean {
  return isSchemaChange(thrown) || sqlState(thrown)?.startsWith('42') === true;
}

/** A row's value or a constraint is to blame: what `onError` decides about. */
export function isRowError(thrown: unknown): thrown is pg.DatabaseError {
  const state = sqlState(thrown);
  return state !== undefined && (state.startsWith('22') || state.startsWith('23'));
}

/** What is told of a row that `onError: Skip` leaves out. */
export function rejectionOf(error: pg.DatabaseError): Rejection {
  const code = hasNoPartition(error)
    ? 'PartitionMissing'
    : (lookUp(errorClasses, (error.code ?? '').slice(0, 2))?.code ?? 'ValueNotKept');
  const column = error.column ?? columnOf(error);
  return { code, ...(column && { column }), message: safeMessage(error) };
}

/** A driver's error, classified by its code; `doing` is what was tried: `reading public.orders of team-a/shop`. */
export function classify(thrown: unknown, doing: string): IdraError {
  if (thrown instanceof IdraError) return thrown;
  if (thrown instanceof pg.DatabaseError) return fromServer(thrown, doing);
  const code =
    thrown instanceof Error && 'code' in thrown && typeof thrown.code === 'string' ? thrown.code : '';
  const text = thrown instanceof Error ? thrown.message : String(thrown);
  if (isUntrusted(code)) return certificateUntrusted(code, doing, 'spec.postgres.tls', thrown);
  const errorClass = lookUp(socketClasses, code);
  if (errorClass) return errorOf(errorClass, `${doing}: ${text}`, thrown);
  // The driver's, without a code: no password, or a server that does not prove that it knows it.
  if (text.startsWith('SASL: ')) return errorOf(scramFailed, `${doing}: ${text}`, thrown);
  // The driver gives no code where the socket closed in the middle; the session is of no use either way.
  return transient('ConnectionLost', `${doing}: ${text}`, { cause: thrown });
}

/** By the function that raises it: state and message are those of a check constraint, but for its name. */
function hasNoPartition(error: pg.DatabaseError): boolean {
  return (
    error.code === '23514' &&
    ['ExecFindPartition', 'ExecPartitionCheckEmitError'].includes(error.routine ?? '')
  );
}

/** What a pooler says, and no server: it does not hand on what parameters.search_path asks for at the login. */
const pooler: ErrorClass = {
  code: 'PoolerNotSupported',
  disposition: never,
  path: 'spec.postgres.host',
  text: 'this is a connection pooler, not the server itself',
  mend: 'set host and port to those of the PostgreSQL server',
};

/** Of a WITH that writes, where the query stands within another statement. */
const withWrites: ErrorClass = {
  code: 'QueryInvalid',
  disposition: never,
  path: 'spec.source.query',
  mend: 'let source.query only read: no INSERT, UPDATE or DELETE in its WITH',
};

const unknownState: ErrorClass = { code: 'ServerError', disposition: never };

/** What SQLSTATE alone does not tell. The first that holds decides. */
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

/** In the text of a function that a trigger, view or policy calls: it names something without a schema, and finds it in pg_catalog alone. */
function isMissedInFunction({ code = '', internalQuery, where = '' }: pg.DatabaseError): boolean {
  const isMissed = ['42P01', '42883', '42704', '3F000'].includes(code);
  return isMissed && internalQuery !== undefined && !where.includes('inline_code_block');
}

/** What a reader has read is refused as a write: the server may well be written by others. */
export function sourceWrites(doing: string, cause: unknown): IdraError {
  const mend = 'read without functions that write, in the query, view or policy';
  const message = `${doing}: what is read calls a function that writes, and sources are read in read-only transactions`;
  return permanent('SourceWrites', message, { path: 'spec.source', mend, cause });
}

/** By RAISE of PL/pgSQL, whatever its code, or the syntax of a statement that a function has put together from values. */
function isRaised({ code, routine, internalQuery }: pg.DatabaseError): boolean {
  if (code?.startsWith('IDRA')) return false;
  const isOwnText = code?.startsWith('P0') || routine === 'exec_stmt_raise';
  return isOwnText || (code === '42601' && internalQuery !== undefined);
}

/** The server's message quotes values for errors of data: then only what is to blame is named (never row data). */
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
    ? `no partition of ${error.table ?? 'the table'} takes the row`
    : (lookUp(rowErrors, error.code ?? '') ?? 'the value or row is not accepted');
  return names.length === 0 ? what : `${what} (${names.join(', ')})`;
}

/** COPY tells the column in its context line, for people; nothing depends on it. */
function columnOf(error: pg.DatabaseError): string | undefined {
  const match = /, column ([^:]+)/.exec(error.where ?? '');
  return match?.[1];
}

const rowErrors: Readonly<Record<string, string>> = {
  '22001': 'a text is longer than its column',
  '22003': 'a number is out of range',
  '22007': 'a date or time is not valid',
  '22008': 'a date or time is out of range',
  '22021': 'a text has a character that the database cannot keep',
  '22P02': 'a text does not read as the type of its column',
  '22P03': 'a binary value does not read as the type of its column',
  '22P05': 'a text has a character that the database cannot keep',
  '23502': 'a value is NULL where the column is NOT NULL',
  '23503': 'a foreign key finds no row',
  '23505': 'a key is there already',
  '23514': 'a check constraint refuses a row',
  '23P01': 'an exclusion constraint refuses a row',
};
