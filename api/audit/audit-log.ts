import { randomBytes } from 'node:crypto';
import type { DocumentStore, StoredDocument } from '../../coordination/documents.ts';
import type { Clock } from '../../core/clock.ts';
import { asIdraError, describeError, transient } from '../../core/errors.ts';
import type { Log } from '../../core/log.ts';
import type { Actor, AuditEntry, Change } from './contract.ts';

export interface AuditDeps {
  readonly documents: DocumentStore;
  readonly clock: Clock;
  readonly log: Log;
  /** More entries than this: the oldest are deleted. */
  readonly keptEntries: number;
}

const prefix = 'audit/';
/** An object is stored in the entry up to this size, as JSON. */
const maxObjectBytes = 16_384;
/** Rotated when so many entries were written by this process. */
const rotateEvery = 100;

/**
 * Who changed what. The entry is written before the change, which is refused if that fails; afterwards the outcome is added. Each entry
 * is also a line of the process log.
 */
export class AuditLog {
  readonly #deps: AuditDeps;
  #written = 0;

  constructor(deps: AuditDeps) {
    this.#deps = deps;
  }

  async record<T>(by: Actor, change: Change, work: () => Promise<T>): Promise<T> {
    const entry = this.#entry(by, change);
    await this.#begin(entry);
    try {
      const result = await work();
      await this.#end({ ...entry, outcome: 'Done' });
      return result;
    } catch (thrown) {
      await this.#end({ ...entry, outcome: 'Failed', code: asIdraError(thrown).code });
      throw thrown;
    }
  }

  /** Newest first. `before`: the id of the last entry of the page before. */
  async page(before: string | undefined, limit: number, isWanted: (entry: AuditEntry) => boolean) {
    const found: AuditEntry[] = [];
    for await (const entry of this.entries(before)) {
      if (isWanted(entry)) found.push(entry);
      if (found.length > limit) break;
    }
    return { items: found.slice(0, limit), hasMore: found.length > limit };
  }

  /** Newest first. */
  async *entries(before?: string): AsyncGenerator<AuditEntry> {
    for await (const { value } of this.#documents(before)) yield value as AuditEntry;
  }

  /** Newest first: keys descend with time. Read in pages, so that memory does not grow with the log. */
  async *#documents(before?: string): AsyncGenerator<StoredDocument> {
    for (let after = before === undefined ? undefined : prefix + before; ; ) {
      const options = { limit: 200, ...(after !== undefined && { after }) };
      const page = await this.#deps.documents.list(prefix, options);
      yield* page;
      after = page.at(-1)?.key;
      if (after === undefined || page.length < 200) return;
    }
  }

  #entry(by: Actor, change: Change): AuditEntry {
    const nowMs = this.#deps.clock.now();
    return {
      id: `${String(9_999_999_999_999 - nowMs).padStart(13, '0')}-${randomBytes(6).toString('hex')}`,
      time: new Date(nowMs).toISOString(),
      by: { ...by, userAgent: by.userAgent.slice(0, 200) },
      ...change,
      ...(change.before !== undefined && { before: bounded(change.before) }),
      ...(change.after !== undefined && { after: bounded(change.after) }),
      outcome: 'Started',
    };
  }

  async #begin(entry: AuditEntry): Promise<void> {
    try {
      await this.#deps.documents.write([{ key: prefix + entry.id, value: entry, ifVersion: '' }]);
    } catch (thrown) {
      const error = asIdraError(thrown);
      throw transient('AuditNotWritten', `the audit log cannot be written: ${describeError(error)}`, {
        fix: 'nothing was changed; retry when the storage answers',
        cause: thrown,
      });
    }
    this.#written += 1;
    if (this.#written % rotateEvery === 1) void this.#rotate();
  }

  /** The change is made: if its outcome cannot be added, the entry stays `Started`, and the line in the log has the outcome. */
  async #end(entry: AuditEntry): Promise<void> {
    const { id, action, object, outcome, code, by } = entry;
    this.#deps.log.info('audit', { id, user: by.user, ip: by.ip, action, object, outcome, code });
    try {
      await this.#deps.documents.write([{ key: prefix + id, value: entry }]);
    } catch (error) {
      this.#deps.log.warn('the outcome of a change is not in the audit log', { id, error });
    }
  }

  /** Read in pages as well. Failed logins, which anybody can cause, do not drive out other entries. */
  async #rotate(): Promise<void> {
    const { documents, keptEntries, log } = this.#deps;
    const left = { logins: Math.ceil(keptEntries / 10), others: keptEntries };
    try {
      for await (const { key, value, version } of this.#documents()) {
        const kind = isFailedLogin(value as AuditEntry) ? 'logins' : 'others';
        left[kind] -= 1;
        if (left[kind] >= 0) continue;
        await documents.write([{ key, value: undefined, ifVersion: version }]).catch(() => {});
      }
    } catch (error) {
      log.warn('the audit log was not rotated; will retry', { error });
    }
  }
}

function isFailedLogin({ action, outcome }: AuditEntry): boolean {
  return action === 'login' && outcome === 'Failed';
}

function bounded(value: unknown): unknown {
  const text = JSON.stringify(value) ?? 'null';
  if (text.length <= maxObjectBytes) return JSON.parse(text);
  return { cutOff: text.slice(0, maxObjectBytes), characters: text.length };
}
