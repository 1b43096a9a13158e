import type { Clock } from '../../core/clock.ts';
import { fenced, IdraError, type Stopped } from '../../core/errors.ts';
import type { OffsetHistoryEntry, Request, RequestStatus, SyncStatus } from '../../core/status.ts';
import { noProgress, type OffsetMirror, type SyncLock, type SyncProgress } from '../../core/sync-store.ts';
import { type ProgressRecord, progressOf, progressRecord } from '../state/progress-record.ts';
import { type Tables, writeState } from './tables.ts';

/** A status in which only counters change is written at most this often. */
const quietMs = 2_000;
/** Number of manual changes of the offset that can be undone. */
export const keptHistory = 20;

export interface LocalLockInput {
  readonly uid: string;
  readonly tables: Tables;
  readonly clock: Clock;
  readonly pendingRequests: () => readonly Request[];
  readonly history: () => readonly OffsetHistoryEntry[];
  readonly onReport: (status: SyncStatus) => void;
  readonly onRelease: () => void;
}

/** The lock of a sync in single mode. The whole file is locked, so the lock cannot be lost while the process lives. */
export class LocalLock implements SyncLock {
  readonly token = 'next';
  readonly signal: AbortSignal;
  readonly offsets: OffsetMirror;
  readonly #input: LocalLockInput;
  readonly #end = new AbortController();
  readonly #listeners = new Set<() => void>();
  #isHeld = true;
  #reported: SyncStatus | undefined;
  #written: { readonly status: SyncStatus; readonly atMs: number } | undefined;

  constructor(input: LocalLockInput) {
    this.#input = input;
    this.signal = this.#end.signal;
    this.offsets = {
      read: async () => this.#read('offset'),
      write: async (offset) => this.#write('offset', offset),
    };
  }

  async readProgress(): Promise<SyncProgress> {
    const text = this.#read('memory');
    return text === null ? noProgress : progressOf(JSON.parse(text) as ProgressRecord);
  }

  async writeProgress(progress: SyncProgress): Promise<void> {
    this.#write('memory', JSON.stringify(progressRecord(progress)));
  }

  report(status: SyncStatus): void {
    this.#input.onReport(status);
    this.#reported = status;
    const last = this.#written;
    const isQuiet = last !== undefined && this.#input.clock.monotonicMs() - last.atMs < quietMs;
    if (!isQuiet || last.status.state !== status.state || last.status.reason !== status.reason)
      this.#writeStatus();
  }

  async pendingRequests(): Promise<readonly Request[]> {
    return this.#input.pendingRequests();
  }

  onRequest(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  notifyRequest(): void {
    for (const listener of this.#listeners) listener();
  }

  async finishRequest(status: RequestStatus): Promise<void> {
    this.#requireHeld();
    const { tables, uid } = this.#input;
    writeState(tables, () =>
      tables
        .prepare('UPDATE requests SET answer = ? WHERE uid = ? AND type = ? AND id = ?')
        .run(JSON.stringify(status), uid, status.type, status.id),
    );
  }

  async appendHistory(entry: OffsetHistoryEntry): Promise<void> {
    this.#requireHeld();
    const { tables, uid } = this.#input;
    const append = tables.transaction(() => {
      tables.prepare('INSERT INTO history (uid, entry) VALUES (?, ?)').run(uid, JSON.stringify(entry));
      tables
        .prepare(
          'DELETE FROM history WHERE uid = ? AND number NOT IN (SELECT number FROM history WHERE uid = ? ORDER BY number DESC LIMIT ?)',
        )
        .run(uid, uid, keptHistory);
    });
    writeState(tables, append);
  }

  async readHistory(): Promise<readonly OffsetHistoryEntry[]> {
    return this.#input.history();
  }

  async release(): Promise<void> {
    this.#letGo();
  }

  /** The file is being closed while somebody holds the lock. */
  end(reason: Stopped): void {
    this.#letGo();
    this.#end.abort(reason);
  }

  #letGo(): void {
    if (!this.#isHeld) return;
    this.#writeStatus();
    this.#isHeld = false;
    this.#listeners.clear();
    this.#input.onRelease();
  }

  #writeStatus(): void {
    const status = this.#reported;
    if (status === undefined || !this.#isHeld || status === this.#written?.status) return;
    try {
      this.#write('status', JSON.stringify(status));
    } catch (error) {
      // A status that cannot be written is no reason to stop: this process has it in memory, and the next one is written again.
      if (error instanceof IdraError && error.code === 'StateNotWritten') return;
      throw error;
    }
    this.#written = { status, atMs: this.#input.clock.monotonicMs() };
  }

  #read(column: 'offset' | 'memory'): string | null {
    const found = this.#input.tables
      .prepare<[string], { value: string | null }>(`SELECT ${column} AS value FROM syncs WHERE uid = ?`)
      .get(this.#input.uid);
    return found?.value ?? null;
  }

  #write(column: 'offset' | 'memory' | 'status', value: string | null): void {
    this.#requireHeld();
    const { tables, uid } = this.#input;
    writeState(tables, () => tables.prepare(`UPDATE syncs SET ${column} = ? WHERE uid = ?`).run(value, uid));
  }

  #requireHeld(): void {
    if (!this.#isHeld) throw fenced(`the lock of sync ${this.#input.uid} was released`);
  }
}
