import { existsSync } from 'node:fs';
import Sqlite, { type Database } from 'better-sqlite3';
import type { SystemReport } from '../../core/connector.ts';
import type { Finding } from '../../core/errors.ts';
import type { Relation } from '../../core/values.ts';
import { allowedPath } from './connection/allowed-file.ts';
import { isWritable, openForReading, placeToWrite, requireFolder } from './connection/open.ts';
import { describeTable, isOfUser, listTables } from './describe.ts';
import type { FilePlace } from './session.ts';

/** A file as a whole, in its own thread, called only through session.ts. */
export class SystemFile {
  readonly #file: string;
  readonly #folder: FilePlace['folder'];
  #opened: Database | undefined;

  constructor({ file, folder }: FilePlace) {
    this.#file = file;
    this.#folder = folder;
  }

  /** A missing file will be created, if that is possible. */
  check(): SystemReport {
    allowedPath(this.#file, this.#folder);
    requireFolder(this.#file);
    const place = placeToWrite(this.#file);
    const findings: Finding[] = [];
    if (!isWritable(place)) findings.push(readOnly(place));
    if (!existsSync(this.#file)) {
      findings.push({
        severity: 'info',
        code: 'FileMissing',
        message: `there is no file ${this.#file} yet: the first run of a Sync that writes to it creates it, and a Sync that reads from it fails`,
      });
      return { version: `${versionOfLibrary()} (the file does not exist yet)`, findings };
    }
    const database = this.#database;
    // The first query of the schema shows whether the file is a database.
    listTables(database);
    return { version: versionOf(database), findings };
  }

  discover(): readonly Relation[] {
    const database = this.#database;
    return listTables(database)
      .filter(isOfUser)
      .map((entry) => describeTable(database, entry));
  }

  close(): void {
    this.#opened?.close();
    this.#opened = undefined;
  }

  get #database(): Database {
    this.#opened ??= openForReading(this.#file, this.#folder);
    return this.#opened;
  }
}

function versionOfLibrary(): string {
  const empty = new Sqlite(':memory:');
  try {
    return versionOf(empty);
  } finally {
    empty.close();
  }
}

function versionOf(database: Database): string {
  return `SQLite ${database.prepare('SELECT sqlite_version()').pluck().get()}`;
}

function readOnly(place: string): Finding {
  return {
    severity: 'warning',
    code: 'PermissionDenied',
    path: 'spec.sqlite.path',
    message: `${place} cannot be written by this user: it can be read from, not written to`,
    fix: `give this user write rights on ${place} and its folder, if a Sync is to write there`,
  };
}
