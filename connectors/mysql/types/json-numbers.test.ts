import assert from 'node:assert/strict';
import { test } from 'node:test';
import { keepsNumbers } from './json-numbers.ts';

test('numbers that JSON of MySQL returns unchanged', () => {
  for (const number of [
    '0',
    '-1',
    '1.50',
    '45.46420000000001',
    '3.141592653589793',
    '1e300',
    '2.5E-3',
    '0.1',
    '-9223372036854775808',
    '18446744073709551615',
    '1e21',
    '5e-324',
  ])
    assert.equal(keepsNumbers(`{"n": ${number}}`), true, number);
  for (const number of [
    '45.464200000000012',
    '3.14159265358979312',
    '1e400',
    '1e-400',
    '18446744073709551616',
    '0.12345678901234567890',
  ])
    assert.equal(keepsNumbers(`[${number}]`), false, number);
  assert.equal(keepsNumbers('["1e400", "3.14159265358979312"]'), true);
});
