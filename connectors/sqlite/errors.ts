import { errorOf } from '../../core/error-class.ts';
import { asIdraError, IdraError, type IdraErrorInit, permanent, transient } from '../../core/errors.ts';
import { queryInvalid, raisedByTrigger } from '../sql/error-class.ts';

/** Converts an error of better-sqlite3 to an IdraError, by its code. `file` is for messages. Needs no driver: it reads only the code. */
export function toIdraError(thrown: unknown, file: string): IdraError {
  if (thrown instanceof IdraError) return thrown;
  const code = codeOf(thrown);
  if (code === undefined) return asIdraError(thrown);
  return classify(code, (thrown as Error).message, file, thrown);
}

/** The extended result code, `SQLITE_BUSY_SNAPSHOT`. */
export function codeOf(thrown: unknown): string | undefined {
  if (!(thrown instanceof Error) || !('code' in thrown) || typeof thrown.code !== 'string') return undefined;
  return thrown.code.startsWith('SQLITE_') ? thrown.code : undefined;
}

/** The table refuses this row because of its contents; another row may be accepted. */
export function isRowRefused(thrown: unknown): boolean {
  const code = codeOf(thrown);
  return (
    code !== undefined &&
    (code.startsWith('SQLITE_CONSTRAINT') || code === 'SQLITE_MISMATCH' || code === 'SQLITE_TOOBIG')
  );
}

export function isBusy(thrown: unknown): boolean {
  return /^SQLITE_(BUSY|LOCKED)/.test(codeOf(thrown) ?? '');
}

function classify(code: string, message: string, file: string, cause: unknown): IdraError {
  if (code === 'SQLITE_CONSTRAINT_TRIGGER')
    return errorOf(raisedByTrigger, `${file}: ${raisedByTrigger.text} (${code})`, undefined);
  const primary = code.split('_').slice(0, 2).join('_');
  switch (primary) {
    case 'SQLITE_BUSY':
    case 'SQLITE_LOCKED':
      return transient('FileBusy', `${file} is locked by another process that writes to it (${code})`, {
        fix: 'Idra retries; a process that was stopped in the middle of a transaction keeps the lock until it continues or ends',
        cause,
      });
    case 'SQLITE_FULL':
      return transient('DiskFull', `the disk of ${file} is full`, { cause });
    case 'SQLITE_IOERR':
    case 'SQLITE_NOMEM':
    case 'SQLITE_SCHEMA':
    case 'SQLITE_INTERRUPT':
    case 'SQLITE_PROTOCOL':
      return transient('ReadWriteFailed', `${file}: ${message} (${code})`, { cause });
    case 'SQLITE_CANTOPEN':
      return permanent('FileNotOpened', `${file} cannot be opened (${code})`, {
        path: 'spec.sqlite.path',
        fix: 'give this user read and write rights on the file and its folder',
        cause,
      });
    case 'SQLITE_READONLY':
    case 'SQLITE_PERM':
    case 'SQLITE_AUTH':
      return permanent('PermissionDenied', `${file} cannot be written (${code})`, {
        path: 'spec.sqlite.path',
        fix: 'give this user write rights on the file and its folder',
        cause,
      });
    case 'SQLITE_NOTADB':
      return permanent('NotADatabase', `${file} is not a SQLite database, or it is encrypted`, {
        path: 'spec.sqlite.path',
        fix: 'set path to a SQLite database file',
        cause,
      });
    case 'SQLITE_CORRUPT':
      return permanent('FileCorrupt', `${file} is damaged: ${message}`, {
        path: 'spec.sqlite.path',
        fix: 'see "PRAGMA integrity_check" and https://sqlite.org/recovery.html',
        cause,
      });
    case 'SQLITE_CONSTRAINT':
    case 'SQLITE_MISMATCH':
    case 'SQLITE_TOOBIG':
      return permanent('ConstraintViolated', `${file}: ${message}`, { cause });
    default:
      // SQLite's code for a missing table is that of every invalid statement.
      if (message.startsWith('no such table: '))
        return permanent('TableNotFound', `${file}: ${message}`, {
          fix: 'correct the name, or create the table',
          cause,
        });
      return errorOf(queryInvalid, `${file}: ${message}`, cause);
  }
}

/** An error as transferred between threads: structured clone does not preserve the class. */
export type PlainError = Omit<IdraErrorInit, 'cause'>;

export function toPlain(error: IdraError): PlainError {
  const { code, disposition, message, path, fix } = error;
  return { code, disposition, message, path, fix };
}

export function fromPlain(plain: PlainError): IdraError {
  return new IdraError(plain);
}
