import { accessSync, constants, existsSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import Database from 'better-sqlite3';
import type { FileFolder, SystemAccess } from '../../../core/connector.ts';
import { permanent } from '../../../core/errors.ts';
import { allowedPath, requireNoState } from './allowed-file.ts';
import { pin } from './settings.ts';

/** How long a statement waits for another process's lock before it fails with SQLITE_BUSY and the runner retries. */
const busyTimeoutMs = 5_000;

export function pathOf(access: SystemAccess): string {
  const { path } = access.config;
  if (typeof path !== 'string' || path.trim() === '' || path === ':memory:') {
    throw permanent('PathMissing', `DataSource ${access.dataSource} has no file`, {
      path: 'spec.sqlite.path',
      fix: 'set path to a database file',
    });
  }
  const folder = folderOf(access);
  return folder ? resolve(join(folder.root, folder.namespace), path) : resolve(path);
}

/** Throws PathNotAllowed if the agent has no folder for files. */
export function folderOf({ files, dataSource }: SystemAccess): FileFolder | undefined {
  if (files !== 'none') return files;
  throw permanent(
    'PathNotAllowed',
    `DataSource ${dataSource} names a file, but this agent has no folder for files`,
    {
      path: 'spec.sqlite.path',
      fix: 'start the agent with IDRA_SQLITE_ROOT, the folder whose sub-folders are named as namespaces (agents.sqlite of the chart)',
    },
  );
}

/**
 * Opens for reading. If permissions allow, the file is opened for writing with query_only, so that what a killed application left in the
 * journal can be rolled back, which a read-only connection cannot do.
 */
export function openForReading(file: string, folder?: FileFolder): Database.Database {
  const real = allowedPath(file, folder);
  requireFile(file);
  const database = open(file, real, { fileMustExist: true });
  database.pragma('query_only = ON');
  return database;
}

/** Opens for writing. A missing file is created in WAL mode, so that its readers see the old rows until a commit. */
export function openForWriting(file: string, folder?: FileFolder): Database.Database {
  const real = allowedPath(file, folder);
  const isNew = !existsSync(file) || statSync(file).size === 0;
  requireFolder(file);
  const database = open(file, real, {});
  // The journal mode of an existing file is its owner's choice. With FULL, a batch reported as durable survives a power failure.
  if (isNew) database.pragma('journal_mode = WAL');
  database.pragma('synchronous = FULL');
  return database;
}

export function requireFolder(file: string): void {
  const folder = dirname(file);
  if (existsSync(folder)) return;
  throw permanent('FolderNotFound', `the folder of ${file} does not exist`, {
    path: 'spec.sqlite.path',
    fix: `mkdir -p ${folder}`,
  });
}

export function isWritable(place: string): boolean {
  try {
    accessSync(place, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

/** The file, or the folder in which it will be created. */
export function placeToWrite(file: string): string {
  return existsSync(file) ? file : dirname(file);
}

export function requireWritable(file: string): void {
  requireFolder(file);
  const place = placeToWrite(file);
  if (isWritable(place)) return;
  throw permanent('PermissionDenied', `${place} cannot be written by this user`, {
    path: 'spec.sqlite.path',
    fix: `give this user write rights on ${place} and its folder`,
  });
}

function requireFile(file: string): void {
  if (existsSync(file)) return;
  throw permanent('SourceFileNotFound', `there is no file ${file}`, {
    path: 'spec.sqlite.path',
    fix: 'set path to the database file, as the agent sees it; Idra does not create an empty file to read from',
  });
}

function open(file: string, real: string, options: Database.Options): Database.Database {
  const database = new Database(real, { ...options, timeout: busyTimeoutMs });
  try {
    // No statement can write to the schema table.
    database.unsafeMode(false);
    database.defaultSafeIntegers(true);
    pin(database);
    requireNoState(database, file);
    return database;
  } catch (thrown) {
    database.close();
    throw thrown;
  }
}
