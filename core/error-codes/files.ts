import type { ErrorEntries } from './entry.ts';

/** SQLite files, and the threads that work on them. */
export const fileCodes = {
  Closed: {
    cause: 'The connection was closed while it was used, because the Sync stops.',
    remedy: 'Nothing: it is opened again when the Sync runs.',
    systems: ['SQLite'],
  },
  FileBusy: {
    cause: 'Another process holds the lock of the SQLite file.',
    remedy:
      'Nothing: it is retried. A process that was stopped in the middle of a transaction keeps the lock until it continues or ends.',
    systems: ['SQLite'],
  },
  FileCorrupt: {
    cause: 'The SQLite file is damaged.',
    remedy: 'See PRAGMA integrity_check and https://sqlite.org/recovery.html.',
    systems: ['SQLite'],
  },
  FileMissing: {
    cause: 'The SQLite file does not exist yet; it is created when a Sync writes to it.',
    remedy: 'Nothing if it is a destination; else correct sqlite.path.',
    systems: ['SQLite'],
  },
  FileNotOpened: {
    cause: 'The SQLite file cannot be opened.',
    remedy: 'Give the user of the process read and write rights on the file and its folder.',
    systems: ['SQLite'],
  },
  FolderNotFound: {
    cause: 'The folder of the SQLite file does not exist.',
    remedy: 'Create the folder, or correct sqlite.path.',
    systems: ['SQLite'],
  },
  NotADatabase: {
    cause: 'The file is not a SQLite database, or it is encrypted.',
    remedy: 'Set sqlite.path to a SQLite database file.',
    systems: ['SQLite'],
  },
  NotClaimed: {
    cause: 'The thread of a SQLite file was ended and has lost its claim.',
    remedy: 'Nothing: the Sync claims again.',
    systems: ['SQLite'],
  },
  PathMissing: {
    cause: 'The DataSource of a SQLite file has no path.',
    remedy: 'Set sqlite.path.',
    systems: ['SQLite'],
  },
  PathNotAllowed: {
    cause:
      'The path of a SQLite DataSource leads to a file that DataSources may not use: outside the folder of its namespace in a cluster, a state file of idra run, a companion file of a database (-wal, -shm, -journal), or a link to such a file.',
    remedy:
      'Put the file below IDRA_SQLITE_ROOT/NAMESPACE of the agent and name it without links; never name a state file.',
    systems: ['SQLite'],
  },
  ReadWriteFailed: {
    cause: 'Reading or writing the SQLite file failed.',
    remedy: 'Check the disk and file system; it is retried.',
    systems: ['SQLite'],
  },
  ScanEnded: {
    cause: 'A read of the SQLite file was ended, because the Sync stops.',
    remedy: 'Nothing: the read restarts when the Sync runs.',
    systems: ['SQLite'],
  },
  SourceFileNotFound: {
    cause: 'The SQLite file to read from does not exist.',
    remedy: 'Correct sqlite.path, or create the file.',
    systems: ['SQLite'],
  },
  StatementStuck: {
    cause:
      'A statement on a SQLite file still runs after its time limit: SQLite cannot be interrupted, and no second statement is started on the same file.',
    remedy:
      'Check for a view or query that does not end (WITH RECURSIVE), or a damaged file; if the statement never ends, restart the agent.',
    systems: ['SQLite'],
  },
  ThreadEnded: {
    cause: 'The thread that works on a SQLite file ended.',
    remedy: 'Nothing: it is started again.',
    systems: ['SQLite'],
  },
} as const satisfies ErrorEntries;
