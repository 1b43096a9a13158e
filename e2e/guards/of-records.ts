import type { Guard } from './guard.ts';

const records = 'e2e/record-system.test.ts';

/** Records without fixed columns, streams and deletions. */
export const ofRecords: readonly Guard[] = [
  {
    name: 'a record that does not fit its columns stops the Sync',
    file: 'agent/engine/pass.ts',
    from: 'requireFits(batch, open.plan, context.sync.spec);',
    to: '',
    caughtBy: { test: records, only: 'inferred columns stay' },
  },
  {
    name: 'a new field of records is not left out silently',
    file: 'agent/engine/pass.ts',
    from: 'input.reporter.leftOut(newFieldsLeftOut(batch, open.plan, context.sync.spec));',
    to: '',
    caughtBy: { test: records, only: 'a new field: Fail' },
  },
  {
    name: 'records are read by the columns of the stored offset',
    file: 'agent/engine/sync-claim.ts',
    from: 'return withAdded(stored, this.#state.addedColumns);',
    to: 'return withAdded(undefined, this.#state.addedColumns);',
    caughtBy: { test: records, only: 'inferred columns stay' },
  },
  {
    name: 'columns of records are part of what an offset refers to',
    file: 'agent/engine/offset-fingerprint.ts',
    from: '.map((field) => [field, spec.source[field]]),',
    to: '.flatMap(() => []),',
    caughtBy: { test: records, only: 'other columns need a decision' },
  },
  {
    name: 'the token of a stream does not go back',
    file: 'core/offset-order.ts',
    from: 'if (!isTokenAhead(before.token, after.token)) throw wentBack(before, after);',
    to: '',
    caughtBy: { test: 'core/offset-order.test.ts', only: 'tokens' },
  },
  {
    name: 'a number of JSON keeps its digits',
    file: 'core/records/json-parser.ts',
    from: 'return isExact ? Number(text) : new JsonNumber(text);',
    to: 'return Number(text);',
    caughtBy: { test: 'core/records/json-parser.test.ts', only: 'every digit' },
  },
  {
    name: 'a deletion that a later change of its key undoes is not applied',
    file: 'core/last-changes.ts',
    from: 'if (!lasting.has(index)) return undefined;',
    to: '',
    caughtBy: { test: 'core/last-changes.test.ts' },
  },
  {
    name: 'PostgreSQL: a row that a trigger keeps is not counted as deleted',
    file: 'connectors/postgres/destination/deletions.ts',
    from: 'if (count < staged) await this.#requireDeleted();',
    to: '',
    caughtBy: { test: 'connectors/postgres/destination/triggers.test.ts', only: 'a deletion' },
  },
  {
    name: 'SQLite: a row that a trigger keeps is not counted as deleted',
    file: 'connectors/sqlite/destination/deletions.ts',
    from: 'if (changes > 0 || this.#isLeft.get(...key) === undefined) return Number(changes);',
    to: 'if (changes >= 0) return Number(changes);',
    caughtBy: { test: 'connectors/sqlite/destination/deletions.test.ts' },
  },
];
