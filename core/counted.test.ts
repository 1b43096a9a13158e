import assert from 'node:assert/strict';
import { test } from 'node:test';
import { counted, countedWere } from './counted.ts';

test('a count of one has a singular noun and verb', () => {
  assert.deepEqual([counted(0, 'row'), counted(1n, 'row'), counted(2, 'row')], ['0 rows', '1 row', '2 rows']);
  assert.deepEqual([countedWere(1, 'row'), countedWere(2n, 'row')], ['1 row was', '2 rows were']);
});
