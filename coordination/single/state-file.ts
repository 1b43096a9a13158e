import { randomUUID } from 'node:crypto';
import { mkdirSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { type Clock, systemClock } from '../../core/clock.ts';
import { bug, Stopped } from '../../core/errors.ts';
import type { RateDemand } from '../../core/rate-share.ts';
import type { OffsetHistoryEntry, Request, RequestStatus, SyncStatus } from '../../core/status.ts';
import { qualifiedName, type Sync, type SyncIdentity } from '../../core/sync-spec.ts';
import type { SyncLock, SyncStore } from '../../core/sync-store.ts';
import type { DocumentStore } from '../documents.ts';
import { documentsInFile } from './documents-in-file.ts';
import { LocalLock } from './local-lock.ts';
import { LocalSlots } from './local-slots.ts';
import { openTables, pidPath, type Tables, writeState } from './tables.ts';

export interface KnownSync extends SyncIdentity {
  /** When it was first seen, ISO 8601 UTC. */
  readonly createdAt: string;
}

/** The state of single mode: uids, offset mirror, requests, history and the last status of each Sync, in one SQLite file. */
export interface StateFile {
  readonly path: string;
  /** Its locks have the token 'next'. */
  readonly store: SyncStore;
  /** Of the API server. */
  readonly documents: DocumentStore;
  /** The uid of a Sync, created when the Sync is first seen. */
  identify(namespace: string, name: string): KnownSync;
  find(namespace: string, name: string): KnownSync | undefined;
  list(): readonly KnownSync[];
  /** Deletes everything stored for a Sync. */
  forget(uid: string): void;
  readStatus(uid: string): SyncStatus | undefined;
  /** Calls the listener with every report as it arrives, before it is written. */
  onReport(listener: (status: SyncStatus) => void): () => void;
  /** Encoded; null if there is none. */
  readOffset(uid: string): string | null;
  history(uid: string): readonly OffsetHistoryEntry[];
  /** Returns false if this (type, id) was executed or is already pending. Otherwise the next run executes it, or this process at once. */
  post(uid: string, request: Request): boolean;
  pending(uid: string): readonly Request[];
  /** The last answer of each type. */
  answers(uid: string): readonly RequestStatus[];
  /** Ends all its locks: whoever runs under one is cut off, and open transactions are rolled back. */
  endLocks(reason: Stopped): void;
  close(): void;
}

/** Throws StateLocked (permanent), which names the process, if another one has the file open; StateUnreadable; StateFromNewerVersion. */
export function openStateFile(path: string, deps: { readonly clock?: Clock } = {}): StateFile {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  return new SqliteStateFile(path, openTables(path), deps.clock ?? systemClock);
}

interface SyncRecord {
  readonly uid: string;
  readonly namespace: string;
  readonly name: string;
  readonly created_at: string;
}

class SqliteStateFile implements StateFile {
  readonly path: string;
  readonly store: SyncStore;
  readonly documents: DocumentStore;
  readonly #tables: Tables;
  readonly #clock: Clock;
  readonly #locks = new Map<string, { readonly sync: Sync; readonly lock: LocalLock }>();
  readonly #listeners = new Set<(status: SyncStatus) => void>();
  /** What this process has reported, whether or not it was written. */
  readonly #reported = new Map<string, SyncStatus>();

  constructor(path: string, tables: Tables, clock: Clock) {
    this.path = path;
    this.#tables = tables;
    this.#clock = clock;
    this.documents = documentsInFile(tables);
    const slots = new LocalSlots();
    const demands = new Map<string, RateDemand>();
    this.store = {
      acquire: async (sync) => this.#acquire(sync),
      acquireSlots: (sync, dataSources, signal, onWait) => slots.take(sync, dataSources, signal, onWait),
      setRateDemand: (dataSource, demand) => {
        if (demand) demands.set(dataSource, demand);
        else demands.delete(dataSource);
      },
      rateDemands: (dataSource) => ({ own: demands.get(dataSource), others: [] }),
    };
  }

  identify(namespace: string, name: string): KnownSync {
    const known = this.find(namespace, name);
    if (known) return known;
    const createdAt = new Date(this.#clock.now()).toISOString();
    const made = { uid: randomUUID(), namespace, name, createdAt };
    writeState(this.#tables, () => {
      this.#tables
        .prepare('INSERT INTO syncs (uid, namespace, name, created_at) VALUES (?, ?, ?, ?)')
        .run(made.uid, namespace, name, createdAt);
      // If a power failure lost the uid, a Sync would not recognize its own commit row.
      this.#tables.pragma('wal_checkpoint(FULL)');
    });
    return made;
  }

  find(namespace: string, name: string): KnownSync | undefined {
    const found = this.#tables
      .prepare<[string, string], SyncRecord>('SELECT * FROM syncs WHERE namespace = ? AND name = ?')
      .get(namespace, name);
    return found && knownSync(found);
  }

  list(): readonly KnownSync[] {
    return this.#tables
      .prepare<[], SyncRecord>('SELECT * FROM syncs ORDER BY namespace, name')
      .all()
      .map(knownSync);
  }

  forget(uid: string): void {
    this.#reported.delete(uid);
    this.#tables.transaction(() => {
      for (const table of ['syncs', 'requests', 'history']) {
        this.#tables.prepare(`DELETE FROM ${table} WHERE uid = ?`).run(uid);
      }
    })();
  }

  readStatus(uid: string): SyncStatus | undefined {
    const reported = this.#reported.get(uid);
    if (reported) return reported;
    const text = this.#column(uid, 'status');
    return text === null ? undefined : (JSON.parse(text) as SyncStatus);
  }

  onReport(listener: (status: SyncStatus) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  readOffset(uid: string): string | null {
    return this.#column(uid, 'offset');
  }

  history(uid: string): readonly OffsetHistoryEntry[] {
    return this.#texts(
      'SELECT entry AS text FROM history WHERE uid = ? ORDER BY number',
      uid,
    ) as OffsetHistoryEntry[];
  }

  post(uid: string, request: Request): boolean {
    const { changes } = this.#tables
      .prepare('INSERT OR IGNORE INTO requests (uid, type, id, request) VALUES (?, ?, ?, ?)')
      .run(uid, request.type, request.id, JSON.stringify(request));
    if (changes === 1) this.#locks.get(uid)?.lock.notifyRequest();
    return changes === 1;
  }

  pending(uid: string): readonly Request[] {
    return this.#texts(
      'SELECT request AS text FROM requests WHERE uid = ? AND answer IS NULL ORDER BY number',
      uid,
    ) as Request[];
  }

  answers(uid: string): readonly RequestStatus[] {
    const all = this.#texts(
      'SELECT answer AS text FROM requests WHERE uid = ? AND answer IS NOT NULL ORDER BY number',
      uid,
    ) as RequestStatus[];
    return [...new Map(all.map((answer) => [answer.type, answer])).values()];
  }

  endLocks(reason: Stopped): void {
    for (const { lock } of this.#locks.values()) lock.end(reason);
  }

  close(): void {
    if (!this.#tables.open) return;
    this.endLocks(new Stopped('shutdown'));
    this.#tables.close();
    rmSync(pidPath(this.path), { force: true });
  }

  #acquire(sync: Sync): SyncLock | undefined {
    if (this.#locks.has(sync.uid)) return undefined;
    if (this.find(sync.namespace, sync.name)?.uid !== sync.uid) {
      throw bug(`the state file ${this.path} has no Sync ${qualifiedName(sync)} with uid ${sync.uid}`);
    }
    const lock = new LocalLock({
      uid: sync.uid,
      tables: this.#tables,
      clock: this.#clock,
      pendingRequests: () => this.pending(sync.uid),
      history: () => this.history(sync.uid),
      onReport: (status) => {
        this.#reported.set(sync.uid, status);
        for (const listener of this.#listeners) listener(status);
      },
      onRelease: () => this.#locks.delete(sync.uid),
    });
    this.#locks.set(sync.uid, { sync, lock });
    return lock;
  }

  #column(uid: string, column: 'status' | 'offset'): string | null {
    const found = this.#tables
      .prepare<[string], { value: string | null }>(`SELECT ${column} AS value FROM syncs WHERE uid = ?`)
      .get(uid);
    return found?.value ?? null;
  }

  #texts(sql: string, uid: string): unknown[] {
    return this.#tables
      .prepare<[string], { text: string }>(sql)
      .all(uid)
      .map(({ text }) => JSON.parse(text) as unknown);
  }
}

function knownSync({ uid, namespace, name, created_at }: SyncRecord): KnownSync {
  return { uid, namespace, name, createdAt: created_at };
}
