import assert from 'node:assert/strict';
import { test } from 'node:test';
import { longestWaitMicros, type Statement, type Transaction, TransactionLog } from './transaction-log.ts';

const second = 1_000_000;

function statement(connection: string, from: number, to = from): Statement {
  return { connection, earliestMicros: from * second, latestMicros: to * second, who: `c${connection}` };
}

function transaction(id: string, started: number, more: Partial<Transaction> = {}): Transaction {
  return { id, connection: '1', startedMicros: started * second, hasChanges: true, who: 'c1', ...more };
}

/** Floors, in seconds, after snapshots at these times. */
function floorsAfter(
  ...snapshots: readonly [
    at: number,
    statements: readonly Statement[],
    transactions: readonly Transaction[],
  ][]
): readonly (number | undefined)[] {
  const log = new TransactionLog();
  const open = snapshots.map(([at, statements, transactions]) =>
    log.take({ atMicros: at * second, statements, transactions }),
  );
  return (open.at(-1) ?? []).map(({ floorMicros }) =>
    floorMicros === undefined ? undefined : floorMicros / second,
  );
}

test('a statement that runs has times since its start', () => {
  assert.deepEqual(floorsAfter([100, [statement('1', 90)], []]), [90]);
});

test('one that waited for a metadata lock between two snapshots: its transaction started late, its times did not', () => {
  // Began at 101, waited until 107, was done at 108: the second snapshot sees an idle transaction that started at 107.
  assert.deepEqual(floorsAfter([100, [], []], [110, [], [transaction('7', 107)]]), [100]);
});

test('one that waited at the first snapshot: since the start of the statement that waited', () => {
  assert.deepEqual(floorsAfter([100, [statement('1', 95)], []], [110, [], [transaction('7', 107)]]), [95]);
});

test('what was known at a snapshot stays known', () => {
  const seen = transaction('7', 97);
  assert.deepEqual(floorsAfter([90, [], []], [100, [], [seen]], [110, [], [seen]], [120, [], [seen]]), [90]);
});

test('at the first snapshot nothing is known: an hour before it started, as an estimate', () => {
  const log = new TransactionLog();
  const [open] = log.take({
    atMicros: 9_000 * second,
    statements: [],
    transactions: [transaction('7', 8_990)],
  });
  assert.equal(open?.floorMicros, 8_990 * second - longestWaitMicros);
  assert.equal(open?.isEstimated, true);
});

test('a transaction that began within the statement that runs has no older times', () => {
  const running = statement('1', 50, 53);
  assert.deepEqual(floorsAfter([100, [running], [transaction('7', 60)]]), [50, 50]);
  // It may have begun before that statement, because its first statement may have waited.
  assert.deepEqual(floorsAfter([40, [], []], [100, [running], [transaction('7', 52)]]), [40, 50]);
});

test('without changes no row can come late', () => {
  assert.deepEqual(floorsAfter([100, [], [transaction('0', 10, { hasChanges: false })]]), []);
  // Its first change comes after that snapshot.
  const reader = transaction('0', 10, { hasChanges: false });
  assert.deepEqual(floorsAfter([100, [], [reader]], [110, [], [transaction('7', 10)]]), [100]);
});

test('a prepared XA transaction without a session: of any time at the first snapshot, since the previous snapshot at a later one', () => {
  const prepared = transaction('7', 95, { connection: '0' });
  assert.deepEqual(floorsAfter([100, [], [prepared]]), [undefined]);
  assert.deepEqual(floorsAfter([100, [], []], [110, [], [prepared]]), [100]);
  assert.deepEqual(floorsAfter([100, [statement('5', 80)], []], [110, [], [prepared]]), [80]);
  assert.deepEqual(floorsAfter([90, [], []], [100, [], [transaction('7', 95)]], [110, [], [prepared]]), [90]);
});
