import { chmodSync, closeSync, existsSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import Database from 'better-sqlite3';
import { permanent, transient } from '../../core/errors.ts';

export type Tables = Database.Database;

/** Layout of the file; one written by a newer version is refused, an older one is migrated. */
const layoutVersion = 1;

const layout = `
  CREATE TABLE IF NOT EXISTS syncs (
    uid TEXT PRIMARY KEY, namespace TEXT NOT NULL, name TEXT NOT NULL, created_at TEXT NOT NULL,
    offset TEXT, memory TEXT, status TEXT, UNIQUE (namespace, name)
  ) STRICT;
  CREATE TABLE IF NOT EXISTS requests (
    number INTEGER PRIMARY KEY AUTOINCREMENT, uid TEXT NOT NULL, type TEXT NOT NULL, id TEXT NOT NULL,
    request TEXT NOT NULL, answer TEXT, UNIQUE (uid, type, id)
  ) STRICT;
  CREATE TABLE IF NOT EXISTS history (
    number INTEGER PRIMARY KEY AUTOINCREMENT, uid TEXT NOT NULL, entry TEXT NOT NULL
  ) STRICT;
  CREATE TABLE IF NOT EXISTS documents (
    version INTEGER PRIMARY KEY AUTOINCREMENT, key TEXT NOT NULL UNIQUE, value TEXT NOT NULL
  ) STRICT;
  PRAGMA user_version = ${layoutVersion};
`;

/**
 * Opens the file exclusively for this process. The lock is SQLite's own, so it is released however the process ends; the file `PATH.pid`
 * only shows who has it.
 */
export function openTables(path: string): Tables {
  let tables: Tables | undefined;
  try {
    makePrivate(path);
    tables = new Database(path, { timeout: 0 });
    tables.pragma('locking_mode = EXCLUSIVE');
    tables.pragma('journal_mode = WAL');
    // Safe against SIGKILL; writes that must survive a power failure request a checkpoint, which syncs the file.
    tables.pragma('synchronous = NORMAL');
    tables.exec('BEGIN EXCLUSIVE; COMMIT');
    requireLayout(tables, path);
    tables.exec(layout);
    writeFileSync(pidPath(path), `${process.pid}\n`, { mode: privateMode });
    return tables;
  } catch (error) {
    tables?.close();
    throw asStateError(error, path);
  }
}

const privateMode = 0o600;

/** Statuses and offsets contain keys of rows. SQLite gives its other files the permissions of this one. */
function makePrivate(path: string): void {
  if (existsSync(path)) {
    // An earlier version made it readable. It is not opened here: closing it would release all POSIX locks that this process has on it,
    // including SQLite's (https://www.sqlite.org/howtocorrupt.html, 2.2).
    chmodSync(path, privateMode);
  } else closeSync(openSync(path, 'a', privateMode));
}

function requireLayout(tables: Tables, path: string): void {
  const version = tables.pragma('user_version', { simple: true });
  if (typeof version === 'number' && version <= layoutVersion) return;
  throw permanent('StateFromNewerVersion', `the state file ${path} was written by a newer version of Idra`, {
    fix: 'run that version, or name another file with --state',
  });
}

function asStateError(error: unknown, path: string): unknown {
  if (isFileError(error)) {
    return permanent('StateUnreadable', `the state file ${path} cannot be opened: ${error.code}`, {
      fix: 'use --state to name a writable file',
      cause: error,
    });
  }
  if (!(error instanceof Database.SqliteError)) return error;
  if (error.code.startsWith('SQLITE_BUSY')) {
    return permanent('StateLocked', `the state file ${path} is in use by process ${readPid(path)}`, {
      fix: 'wait for that run to end or stop it, or name another file with --state',
      cause: error,
    });
  }
  return permanent('StateUnreadable', `the state file ${path} cannot be opened: ${error.code}`, {
    fix: 'use --state to name a writable file that Idra created',
    cause: error,
  });
}

/** Throws StateNotWritten, for example if the disk is full. */
export function writeState<T>(tables: Tables, write: () => T): T {
  try {
    return write();
  } catch (error) {
    if (!(error instanceof Database.SqliteError)) throw error;
    throw transient('StateNotWritten', `the state file ${tables.name} cannot be written: ${error.code}`, {
      fix: 'free space on its disk, or let this user write to it; Idra retries',
      cause: error,
    });
  }
}

function isFileError(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && 'syscall' in error;
}

function readPid(path: string): string {
  try {
    return readFileSync(pidPath(path), 'utf8').trim();
  } catch {
    return 'unknown';
  }
}

export function pidPath(path: string): string {
  return `${path}.pid`;
}
