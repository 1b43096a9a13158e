import type { ServerFacts } from './server-facts.ts';

/**
 * What every session of Idra sets, regardless of the server's defaults, the options of the database and of the login: everything that
 * changes which rows a statement sees, how values are written, how literals are read, or when a statement is ended. Tested in
 * settings.test.ts.
 */
export interface Setting {
  readonly name: string;
  /** The value as written in a SET statement. */
  readonly value: string;
  readonly reason: string;
  /** A server that does not know it (a system that only speaks the protocol) cannot have another value either. */
  readonly mayBeUnknown?: true;
}

/** In this order: LANGUAGE sets DATEFORMAT and DATEFIRST. */
export const settings: readonly Setting[] = [
  // Settings for which rows a statement sees.
  { name: 'ROWCOUNT', value: '0', reason: 'ends every statement after this many rows' },
  {
    name: 'TRANSACTION ISOLATION LEVEL',
    value: 'READ COMMITTED',
    reason: 'rows that are not committed would be read',
  },
  { name: 'ANSI_NULLS', value: 'ON', reason: 'NULL = NULL would be true, and indexed views unusable' },
  { name: 'FMTONLY', value: 'OFF', reason: 'no statement would return rows', mayBeUnknown: true },
  { name: 'NOEXEC', value: 'OFF', reason: 'no statement would run', mayBeUnknown: true },
  { name: 'PARSEONLY', value: 'OFF', reason: 'no statement would run', mayBeUnknown: true },
  // Settings for how values are written and literals are read.
  { name: 'LANGUAGE', value: 'us_english', reason: 'names of months, and the order of parts of a date' },
  { name: 'DATEFORMAT', value: 'ymd', reason: 'a datetime literal 2026-11-24 would be read as ydm' },
  { name: 'DATEFIRST', value: '7', reason: 'DATEPART(weekday) in a query' },
  { name: 'QUOTED_IDENTIFIER', value: 'ON', reason: 'text in double quotes in a query is a name' },
  { name: 'TEXTSIZE', value: '2147483647', reason: 'values of the (max) types would be cut' },
  { name: 'ANSI_PADDING', value: 'ON', reason: 'trailing blanks and zero bytes of created columns' },
  { name: 'ANSI_NULL_DFLT_ON', value: 'ON', reason: 'columns of created tables without NULL or NOT NULL' },
  { name: 'CONCAT_NULL_YIELDS_NULL', value: 'ON', reason: 'a + NULL in a query would be a' },
  {
    name: 'NUMERIC_ROUNDABORT',
    value: 'OFF',
    reason: 'an expression that loses digits would be an error, and indexed views unusable',
  },
  // Settings for what a write checks, and when it is committed.
  { name: 'ANSI_WARNINGS', value: 'ON', reason: 'a value longer than its column would be cut' },
  { name: 'ARITHABORT', value: 'ON', reason: 'an overflow would become NULL' },
  { name: 'XACT_ABORT', value: 'ON', reason: 'a transaction would go on after an error in it' },
  { name: 'IMPLICIT_TRANSACTIONS', value: 'OFF', reason: 'transactions begin only where Idra begins them' },
  { name: 'CURSOR_CLOSE_ON_COMMIT', value: 'OFF', reason: 'cursors of functions', mayBeUnknown: true },
  { name: 'NOCOUNT', value: 'ON', reason: 'each statement would report a count' },
  // Settings for when a statement is ended.
  { name: 'DEADLOCK_PRIORITY', value: 'NORMAL', reason: 'who is ended in a deadlock', mayBeUnknown: true },
  {
    name: 'QUERY_GOVERNOR_COST_LIMIT',
    value: '0',
    reason: 'a statement that is estimated to be long would be refused',
    mayBeUnknown: true,
  },
];

/** What a session sets in addition: for how long it waits for a lock. */
export function lockTimeout(ms: number): string {
  return `SET LOCK_TIMEOUT ${ms}`;
}

export function settingText({ name, value }: Setting): string {
  return `SET ${name} ${value}`;
}

/** The protocol resets a session for its next use, but not every server ends its transaction then. */
const rollBackText = 'IF @@TRANCOUNT > 0 ROLLBACK TRANSACTION';

/** For one batch. `unknown`: names of settings that this server has refused before. */
export function setUpText(lockTimeoutMs: number, unknown: ReadonlySet<string>): string {
  const all = settings.filter(({ name }) => !unknown.has(name)).map(settingText);
  return [rollBackText, ...all, lockTimeout(lockTimeoutMs)].join('; ');
}

/**
 * The settings without which a text could end its own literal or a failed transaction go on are read back: something in between may keep
 * them from the server. Bits of @@OPTIONS: 16,384 is XACT_ABORT, 256 QUOTED_IDENTIFIER, 2 IMPLICIT_TRANSACTIONS.
 */
export const askForKept = 'SELECT @@OPTIONS & 16642';
export const keptAnswer = 16_640;

/**
 * What a reader runs is rolled back, whatever it did. If READ COMMITTED takes locks and the database allows it, the transaction reads a
 * snapshot, which waits for nobody; a change of a table after the snapshot is then an error (3961), and never a mixture. Memory-optimized
 * tables have versions of their own, and are refused within such a transaction.
 */
export function readingBegins(
  { facts }: { readonly facts: ServerFacts },
  { isMemoryOptimized = false }: { readonly isMemoryOptimized?: boolean | undefined } = {},
): string {
  return usesSnapshot(facts) && !isMemoryOptimized
    ? 'SET TRANSACTION ISOLATION LEVEL SNAPSHOT; BEGIN TRANSACTION'
    : 'BEGIN TRANSACTION';
}

/** A function may have ended the transaction, or begun others. */
export function readingEnds({ facts }: { readonly facts: ServerFacts }): string {
  return usesSnapshot(facts)
    ? `${rollBackText}; SET TRANSACTION ISOLATION LEVEL READ COMMITTED`
    : rollBackText;
}

function usesSnapshot({ allowsSnapshot, readsVersions }: ServerFacts): boolean {
  return allowsSnapshot && !readsVersions;
}
