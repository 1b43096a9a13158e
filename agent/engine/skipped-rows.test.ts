import assert from 'node:assert/strict';
import { test } from 'node:test';
import { addSkipped, describeSkipped, noSkippedRows } from './skipped-rows.ts';

const tooLong = {
  code: 'ValueNotKept',
  column: 'name',
  message: 'a value is longer than its column',
} as const;

test('skipped rows are reported by kind, with the last row and the count of each', () => {
  let skipped = addSkipped(noSkippedRows, 2, [
    { ...tooLong, row: 'id 1' },
    { ...tooLong, row: 'id 2' },
  ]);
  skipped = addSkipped(skipped, 1, [
    { code: 'ConstraintViolated', message: 'check "positive"', row: 'id 3' },
  ]);
  assert.deepEqual(describeSkipped(skipped), [
    '2 rows were skipped, the last: row id 2, column name: a value is longer than its column (ValueNotKept)',
    '1 row was skipped: row id 3: check "positive" (ConstraintViolated)',
  ]);
});

test('of very many kinds the newest are reported, with the number of all rows', () => {
  let skipped = noSkippedRows;
  for (let at = 1; at <= 8; at++)
    skipped = addSkipped(skipped, 10, [{ code: 'ValueNotKept', column: `c${at}`, message: 'too long' }]);
  const messages = describeSkipped(skipped);
  assert.equal(messages.length, 6);
  assert.equal(messages[0], '1 row was skipped: column c4: too long (ValueNotKept)');
  assert.equal(messages[5], '75 more rows were skipped (onError: Skip)');
  assert.equal(skipped.count, 80);
});
