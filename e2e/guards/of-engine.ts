import type { Guard } from './guard.ts';

/** Each of them keeps the engine from going on where something is not what it was. */
export const ofEngine: readonly Guard[] = [
  {
    name: 'an offset is not used for another order than its own',
    file: 'agent/engine/admission.ts',
    from: 'requireOrder(input, offset);',
    to: '',
    caughtBy: { test: 'agent/engine/order.test.ts', only: 'primary key that was changed' },
  },
  {
    name: 'an offset that is not ahead of the last one is not written',
    file: 'agent/engine/pass.ts',
    from: 'requireAhead(progress.offset, batch.offset, knownOrders(open.plan.read));',
    to: '',
    caughtBy: { test: 'agent/engine/schema-change.test.ts', only: 'not ahead' },
  },
  {
    name: 'a Replace pass of another plan begins again',
    file: 'agent/engine/claim.ts',
    from: "if (!mustRestartPass(state) || stored?.mode !== 'Snapshot' || stored.isComplete) return claim;",
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
    from: 'await requireTarget(this.#open, this.#lastKnown(this.#claim), this.#offset, context.lock.signal);',
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
  {
    name: 'caught up means that nothing is held back',
    file: 'agent/engine/session.ts',
    from: 'const isDone = !heldBack;',
    to: 'const isDone = true;',
    caughtBy: { test: 'agent/engine/held-back.test.ts', only: 'once is complete' },
  },
  {
    name: 'held back is counted from the begin of a pass',
    file: 'connectors/sql/read-pass.ts',
    from: 'return request.mark ?? (await largest(reader, field, signal));',
    to: 'return undefined;',
    caughtBy: { test: 'agent/engine/held-back.test.ts', only: 'once is complete' },
  },
  {
    name: 'a mark is kept until what was there has arrived',
    file: 'agent/engine/session.ts',
    from: 'heldBack: this.#state.heldBack,',
    to: 'heldBack: undefined,',
    caughtBy: { test: 'agent/engine/held-back.test.ts', only: 'what came after' },
  },
  {
    name: 'a changed spec has not caught up',
    file: 'core/shown-status.ts',
    from: 'return { ...status, hasCaughtUp: false, hasCaughtUpBefore: true };',
    to: 'return status;',
    caughtBy: { test: 'core/shown-status.test.ts' },
  },
  {
    name: 'nothing is under way any more when one of two ends fails',
    file: 'core/all-settled.ts',
    from: 'await Promise.allSettled(promises);',
    to: '(await Promise.all(promises)).map((value) => ({ status: "fulfilled", value }));',
    caughtBy: { test: 'core/all-settled.test.ts' },
  },
];
