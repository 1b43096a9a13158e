import { readFileSync } from 'node:fs';
import Database from 'better-sqlite3';
import { permanent } from '../../core/errors.ts';
import { qualifiedName } from '../../core/sync-spec.ts';
import { noProgress, type SyncProgress } from '../../core/sync-store.ts';
import { type ProgressRecord, progressOf } from '../state/progress-record.ts';

/** Pages may be partially written by a checkpoint of the run that has the file open. */
const tries = 3;

interface StoredSync {
  readonly uid: string;
  readonly progress: SyncProgress;
  /** Encoded. */
  readonly offset: string | null;
}

/**
 * What is stored for each Sync by `namespace/name`, read without opening the state file: a run that has it open is not disturbed, and
 * nothing is written. Every uid is in the main file, because creating one forces a checkpoint. The write-ahead log is not read, so other
 * data may be older than what a run has.
 */
export function readStored(path: string): ReadonlyMap<string, StoredSync> {
  for (let left = tries - 1; ; left -= 1) {
    try {
      return storedIn(readFileSync(path));
    } catch (error) {
      if (left > 0) continue;
      throw permanent('StateUnreadable', `the state file ${path} cannot be read: ${String(error)}`, {
        fix: 'use --state to name a file that Idra created',
        cause: error,
      });
    }
  }
}

function storedIn(file: Buffer): ReadonlyMap<string, StoredSync> {
  if (file.length === 0) return new Map();
  // A database in memory has no write-ahead log; with these bytes of the header set to 1, SQLite does not require one.
  file.fill(1, 18, 20);
  const tables = new Database(file);
  try {
    const isMade = tables.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'syncs'").get() !== undefined;
    if (!isMade) return new Map();
    const syncs = tables.prepare('SELECT uid, namespace, name, memory, offset FROM syncs').all() as {
      readonly uid: string;
      readonly namespace: string;
      readonly name: string;
      readonly memory: string | null;
      readonly offset: string | null;
    }[];
    return new Map(
      syncs.map((sync) => [
        qualifiedName(sync),
        { uid: sync.uid, progress: storedProgress(sync.memory), offset: sync.offset },
      ]),
    );
  } finally {
    tables.close();
  }
}

function storedProgress(text: string | null): SyncProgress {
  return text === null ? noProgress : progressOf(JSON.parse(text) as ProgressRecord);
}
