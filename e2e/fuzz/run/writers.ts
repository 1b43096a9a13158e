import { setTimeout as pause } from 'node:timers/promises';
import type { FuzzDatabase } from '../databases.ts';
import { openSession, type Session } from '../sessions.ts';
import { fuzzSystems } from '../systems/index.ts';
import type { Statements } from '../systems/system.ts';

/** How many statements of a kind the server has executed, and how many it has refused. */
export interface StatementCount {
  done: number;
  refused: number;
}

/** What a statement is counted as, and which flow it writes to. */
export interface StatementOf {
  readonly kind: string;
  readonly flow?: number;
}

interface OpenTransaction {
  readonly flows: Set<number>;
  readonly sinceMs: number;
}

const transaction: StatementOf = { kind: 'transaction' };

/** The tester's sessions at one end. A refused statement has no effect, and ends an open transaction of the session. */
export class Writers {
  readonly #database: FuzzDatabase;
  readonly #sessions = new Map<number, Promise<Session>>();
  /** Open transactions, with the flows that they have written to. */
  readonly #open = new Map<number, OpenTransaction>();
  /** Prepared transactions, oldest first. */
  readonly #prepared: string[] = [];
  readonly #prefix: string;
  #count = 0;
  /** By kind. */
  readonly counts = new Map<string, StatementCount>();
  refused: string[] = [];

  constructor(database: FuzzDatabase, prefix: string) {
    this.#database = database;
    this.#prefix = prefix;
  }

  isOpen(session: number): boolean {
    return this.#open.has(session);
  }

  /** When the session's open transaction began, by the tester's clock. */
  openSinceMs(session: number): number | undefined {
    return this.#open.get(session)?.sinceMs;
  }

  /** When the oldest of all open transactions began. */
  oldestOpenMs(): number | undefined {
    const all = [...this.#open.values()].map(({ sinceMs }) => sinceMs);
    return all.length === 0 ? undefined : Math.min(...all);
  }

  /** Returns whether the server accepted it. */
  async run(session: number, sql: string, { kind, flow }: StatementOf): Promise<boolean> {
    if (flow !== undefined) this.#open.get(session)?.flows.add(flow);
    const count = this.counts.get(kind) ?? { done: 0, refused: 0 };
    this.counts.set(kind, count);
    try {
      await (await this.#session(session)).query(sql);
      count.done += 1;
      return true;
    } catch (error) {
      count.refused += 1;
      this.refused.push(`${(error as Error).message}: ${sql.slice(0, 300)}`);
      if (this.#open.has(session)) await this.#end(session, this.#statements.rollback);
      return false;
    }
  }

  /** For statements that may briefly conflict with Idra's own locks. */
  async runPatiently(session: number, sql: string, of: StatementOf): Promise<boolean> {
    for (let tried = 0; tried < 8; tried++) {
      if (await this.run(session, sql, of)) return true;
      if (!/lock|busy|timeout/i.test(this.refused.at(-1) ?? '')) return false;
      await pause(60);
    }
    return false;
  }

  async begin(session: number): Promise<void> {
    if (this.#open.has(session)) return;
    const sinceMs = Date.now();
    if (await this.run(session, this.#statements.begin, transaction))
      this.#open.set(session, { flows: new Set(), sinceMs });
  }

  async commit(session: number): Promise<void> {
    if (this.#open.has(session)) await this.#end(session, 'COMMIT');
  }

  async rollback(session: number): Promise<void> {
    if (this.#open.has(session)) await this.#end(session, this.#statements.rollback);
  }

  async prepare(session: number): Promise<void> {
    if (!this.#open.has(session)) return;
    const name = `${this.#prefix}_${++this.#count}`;
    this.#open.delete(session);
    if (await this.run(session, `PREPARE TRANSACTION '${name}'`, transaction)) this.#prepared.push(name);
    else await this.run(session, this.#statements.rollback, transaction);
  }

  async finishPrepared(how: 'COMMIT' | 'ROLLBACK'): Promise<boolean> {
    const name = this.#prepared.shift();
    return name !== undefined && (await this.run(0, `${how} PREPARED '${name}'`, transaction));
  }

  /** Transactions that have written to the flow's table would block a change of it. */
  async commitFlow(flow: number): Promise<void> {
    for (const [session, { flows }] of [...this.#open]) if (flows.has(flow)) await this.commit(session);
  }

  async commitAll(): Promise<void> {
    for (const session of [...this.#open.keys()]) await this.commit(session);
    while (this.#prepared.length > 0) await this.finishPrepared('COMMIT');
  }

  async close(): Promise<void> {
    for (const session of this.#sessions.values()) await session.then((each) => each.close()).catch(() => {});
  }

  get #statements(): Statements {
    return fuzzSystems[this.#database.system].statements;
  }

  async #end(session: number, how: string): Promise<void> {
    this.#open.delete(session);
    await this.run(session, how, transaction);
  }

  #session(session: number): Promise<Session> {
    const open = this.#sessions.get(session) ?? openSession(this.#database, 'writer');
    this.#sessions.set(session, open);
    return open;
  }
}
