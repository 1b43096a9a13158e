// biome-ignore-all lint/suspicious/noTemplateCurlyInString: what is written here is source text.

/** What is done in a test build, and who must notice. */
export interface Guard {
  readonly name: string;
  readonly file: string;
  /** Stands there exactly once. */
  readonly from: string;
  readonly to: string;
  /** The model, or a test file, with a pattern for the names of its tests. */
  readonly caughtBy: 'model' | { readonly test: string; readonly only?: string };
}

/** Each of them keeps rows from being lost or doubled: taken away alone, a test turns red. */
export const guards: readonly Guard[] = [
  {
    name: 'a claim with a lower token is refused',
    file: 'connectors/sql/commit-table.ts',
    from: 'if (highest > wanted) throw tokenIsHigher(highest, wanted);',
    to: '',
    caughtBy: 'model',
  },
  {
    name: 'a commit is refused by the destination',
    file: 'e2e/model/database.ts',
    from: 'if (!isHeld || !isClaimant) {',
    to: 'if (false) {',
    caughtBy: 'model',
  },
  {
    name: 'a commit counts only from the session that has claimed',
    file: 'e2e/model/database.ts',
    from: 'if (!isHeld || !isClaimant) {',
    to: 'if (!isHeld) {',
    caughtBy: 'model',
  },
  {
    name: 'offset in the transaction of the rows',
    file: 'e2e/model/database.ts',
    from: 'const row = { ...stored, offset,',
    to: 'const row = { ...stored,',
    caughtBy: 'model',
  },
  {
    name: 'a lease ends here before it ends there',
    file: 'coordination/lease.ts',
    from: 'if (this.#clock.monotonicMs() < this.#deadlineMs) return true;',
    to: 'return true;',
    caughtBy: 'model',
  },
  {
    name: 'a lock is created, never taken over',
    file: 'coordination/store.ts',
    from: 'compare: [{ key, create: 0n }],',
    to: 'compare: [],',
    caughtBy: 'model',
  },
  {
    name: 'a lock is ours only when it is under our lease',
    file: 'coordination/store.ts',
    from: 'delivery.succeeded || held?.lease === lease.id',
    to: 'delivery.succeeded || held !== undefined',
    caughtBy: 'model',
  },
  {
    name: 'a transaction that arrives late does nothing',
    file: 'coordination/outbox.ts',
    from: 'compare: [{ key: this.#key, mod: this.#revision }],',
    to: 'compare: [],',
    caughtBy: 'model',
  },
  {
    name: 'the epoch goes before the revision',
    file: 'core/token.ts',
    from: 'return (BigInt(epoch) << revisionBits) | revision;',
    to: 'return revision;',
    caughtBy: { test: 'core/token.test.ts' },
  },
  {
    name: 'the mirror is written behind the rows',
    file: 'agent/engine/pass.ts',
    from: "await reach('write:before');",
    to: 'await context.lock.offsets.write(encodeOffset(batch.offset));',
    caughtBy: 'model',
  },
  {
    name: 'the source may forget only what is durable',
    file: 'agent/engine/pass.ts',
    from: "await reach('mirror:before');",
    to: 'if (offset) await open.source.acknowledge(offset);',
    caughtBy: 'model',
  },
  {
    name: 'the offset to go on from is that of the claim, not its mirror',
    file: 'agent/engine/claim.ts',
    from: 'const offset = restoredOffset(open, claim);',
    to: 'const offset = readStored(await context.lock.offsets.read());',
    caughtBy: 'model',
  },
  {
    name: 'a claim begins anew only where that was asked for',
    file: 'agent/engine/claim.ts',
    from: "offset: decision === 'restart' ? 'restart' : 'keep',",
    to: "offset: admission.kind === 'start' ? 'restart' : 'keep',",
    caughtBy: 'model',
  },
  {
    name: 'a place is for the oldest in the queue',
    file: 'coordination/places.ts',
    from: '() => this.#rank(key, revision) < limit',
    to: '() => true',
    caughtBy: 'model',
  },
  {
    name: 'PostgreSQL: a commit counts only under the token of the claim',
    file: 'connectors/postgres/commit-rows.ts',
    from: "AND token = ${token} AND NOT closed AND split_part(session, '/', 1) = pg_backend_pid()::text`;",
    to: '`;',
    caughtBy: { test: 'connectors/postgres/writes.test.ts', only: 'a lower token' },
  },
  {
    name: 'PostgreSQL: a commit counts only from the session that has claimed',
    file: 'connectors/postgres/commit-rows.ts',
    from: "AND NOT closed AND split_part(session, '/', 1) = pg_backend_pid()::text`;",
    to: 'AND NOT closed`;',
    caughtBy: { test: 'connectors/postgres/writes.test.ts', only: 'given up' },
  },
  {
    name: 'PostgreSQL: token and offset in the transaction of the rows',
    file: 'connectors/postgres/claimed-table.ts',
    from: 'session.run(`${note}${sql}; COMMIT`)',
    to: 'session.run(`COMMIT; ${note}${sql}`)',
    caughtBy: { test: 'connectors/postgres/writes.test.ts', only: 'given up' },
  },
  {
    name: 'PostgreSQL: the session of a stopped owner is ended by the claimant',
    file: 'connectors/postgres/destination.ts',
    from: 'if (holder?.session) await endEarlierOwner(session, holder.session, signal);',
    to: '',
    caughtBy: { test: 'connectors/postgres/writes.test.ts', only: 'stands still' },
  },
  {
    name: 'MySQL: a commit counts only under the token of the claim',
    file: 'connectors/mysql/commits.ts',
    from: 'WHERE ${this.#where(uid)} AND token = ${token} AND closed = 0`,',
    to: 'WHERE ${this.#where(uid)}`,',
    caughtBy: { test: 'connectors/mysql/writes.test.ts', only: 'a lower token|one message' },
  },
  {
    name: 'a write of a sync is conditional on its lock',
    file: 'coordination/lock.ts',
    from: '{ compare: [this.condition], success }',
    to: '{ compare: [], success }',
    caughtBy: { test: 'coordination/session.test.ts', only: 'of many locks' },
  },
  {
    name: 'a leader writes under its key alone',
    file: 'coordination/election.ts',
    from: 'const compare = [{ key: this.#input.keys.leader, create: this.#revision }];',
    to: 'const compare = [] as const;',
    caughtBy: { test: 'coordination/faults.test.ts', only: 'the key of the leader' },
  },
  {
    name: 'a renewal counts from when it was sent',
    file: 'coordination/lease.ts',
    from: 'this.#deadlineMs = deadlineAfter(sentMs, this.ttlMs);',
    to: 'this.#deadlineMs = deadlineAfter(this.#clock.monotonicMs(), this.ttlMs);',
    caughtBy: { test: 'coordination/lease.test.ts' },
  },
  {
    name: 'an answer after the deadline is of no use',
    file: 'coordination/lease.ts',
    from: 'if (!this.isAlive()) return;\n        if (ttlSeconds',
    to: 'if (ttlSeconds',
    caughtBy: { test: 'coordination/lease.test.ts' },
  },
  {
    name: 'a Replace pass of another plan begins again',
    file: 'agent/engine/claim.ts',
    from: "if (!state.mustRestartPass || stored?.mode !== 'Snapshot' || stored.isComplete) return claim;",
    to: "if (stored?.mode !== 'Snapshot' || true) return claim;",
    caughtBy: { test: 'agent/engine/schema-change.test.ts', only: 'Replace' },
  },
  {
    name: 'what was planned before the lock was held is looked at again under it',
    file: 'agent/runner/prepared-open.ts',
    from: 'if (!open || (await isStillPlanned(open, this.#signal).catch(() => false))) return open;',
    to: 'if (open) return open;',
    caughtBy: { test: 'agent/runner/prepared-open.test.ts' },
  },
  {
    name: 'an offset is not used for another table than its own',
    file: 'agent/engine/admission.ts',
    from: 'if (offset && restsOnTable(input, offset)) throw offsetNoLongerFits(change);',
    to: '',
    caughtBy: { test: 'agent/engine/target-table.test.ts', only: 'was dropped' },
  },
  {
    name: 'a pass without rows looks at the table',
    file: 'agent/engine/session.ts',
    from: 'await this.#requireTarget(outcome.rows);',
    to: '',
    caughtBy: { test: 'agent/engine/target-table.test.ts', only: 'while it runs' },
  },
  {
    name: 'keep-offset takes the offset along to another table',
    file: 'connectors/sql/commit-table.ts',
    from: '(stored?.isClosed ? undefined : stored) ?? request.startsFrom;',
    to: '(stored?.isClosed ? undefined : stored);',
    caughtBy: { test: 'agent/engine/target-table.test.ts', only: 'keep-offset after' },
  },
];
