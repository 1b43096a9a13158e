import { existsSync, lstatSync, readFileSync, realpathSync, statSync } from 'node:fs';
import { basename, dirname, join, sep } from 'node:path';
import type { Database } from 'better-sqlite3';
import type { FileFolder } from '../../../core/connector.ts';
import { type IdraError, permanent } from '../../../core/errors.ts';

/**
 * The real path of a file that a DataSource may name. Checked at each opening. Somebody who may write the folders of the path can still
 * put a link there between this check and the opening, and a hard link to another file of the same disk cannot be distinguished from a
 * file. Throws PathNotAllowed, FileNotOpened.
 */
export function allowedPath(file: string, folder: FileFolder | undefined): string {
  if (folder && !isWithin(file, join(folder.root, folder.namespace))) throw outside(file, folder);
  const real = realPath(file);
  if (folder && !isWithin(real, realFolder(folder))) throw outside(file, folder);
  if (existsSync(real) && !statSync(real).isFile()) {
    throw permanent('FileNotOpened', `${file} is not a regular file`, {
      path: 'spec.sqlite.path',
      fix: 'set path to a SQLite database file',
    });
  }
  for (const suffix of ['-wal', '-shm', '-journal']) {
    const beside = `${real}${suffix}`;
    if (lstatSync(beside, { throwIfNoEntry: false })?.isSymbolicLink())
      throw refused(file, `${basename(beside)} is a link`, 'remove the link');
  }
  const [, base, what] = /^(.+)(-wal|-shm|-journal|\.pid)$/.exec(real) ?? [];
  if (base !== undefined && existsSync(base))
    throw refused(file, `it belongs to another file (${what})`, 'name another database file');
  if (isStateInUse(real)) throw stateFile(file);
  return real;
}

/** Refuses the state file of any run, through any link. Throws PathNotAllowed. */
export function requireNoState(database: Database, file: string): void {
  const columns = database
    .prepare(
      `SELECT (SELECT count(*) FROM pragma_table_info('syncs') WHERE name IN ('uid', 'namespace', 'created_at', 'memory', 'status'))
         + (SELECT count(*) FROM pragma_table_info('requests') WHERE name IN ('uid', 'request', 'answer'))`,
    )
    .pluck()
    .get();
  if (Number(columns) === 8) throw stateFile(file);
}

/** A run writes its process id beside its state. */
function isStateInUse(real: string): boolean {
  const pid = `${real}.pid`;
  return (
    statSync(pid, { throwIfNoEntry: false })?.isFile() === true && /^\d+\n$/.test(readFileSync(pid, 'latin1'))
  );
}

/** For a file that will be created, uses the real path of its folder. A dangling link would create a file wherever it points. */
function realPath(file: string): string {
  try {
    if (lstatSync(file, { throwIfNoEntry: false })) return realpathSync(file);
    return join(realpathSync(dirname(file)), basename(file));
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code !== 'ENOENT')
      throw refused(file, 'it cannot be followed', 'name the file itself');
    if (lstatSync(file, { throwIfNoEntry: false }))
      throw refused(file, 'it is a broken link', 'name the file itself');
    // The folder is missing; opening reports it.
    return file;
  }
}

function realFolder({ root, namespace }: FileFolder): string {
  try {
    return join(realpathSync(root), namespace);
  } catch {
    return join(root, namespace);
  }
}

function isWithin(path: string, folder: string): boolean {
  return path.startsWith(folder.endsWith(sep) ? folder : `${folder}${sep}`);
}

function outside(file: string, { root, namespace }: FileFolder): IdraError {
  return refused(
    file,
    `the files of namespace ${namespace} are those below ${join(root, namespace)}`,
    `put the file below ${join(root, namespace)} on the agent, without links that lead out of it; a relative path is from there`,
  );
}

function stateFile(file: string): IdraError {
  return refused(file, 'it is a state file of idra run', 'name another database file');
}

function refused(file: string, why: string, fix: string): IdraError {
  return permanent('PathNotAllowed', `${file} cannot be read or written by a DataSource: ${why}`, {
    path: 'spec.sqlite.path',
    fix,
  });
}
