import assert from 'node:assert/strict';
import { test } from 'node:test';
import { faultOf } from './one-statement.ts';

test('one SELECT has no fault, whatever is quoted or commented in it', () => {
  for (const text of [
    "SELECT 1 AS a, ')' AS b FROM t WHERE c IN (1, 2)",
    'SELECT [a)b], "c)d" FROM t',
    'SELECT a -- ) ; comment\nFROM t',
    'SELECT a /* ) ; /* nested ) */ ; */ FROM t',
    "SELECT 'it''s )' AS a, [b]];)] FROM t",
    'SELECT a - - 1, b / 2, c * 3 FROM t -- end',
  ])
    assert.equal(faultOf(text), undefined, text);
});

test('a text that leaves its parentheses, or is more than one statement, has a fault', () => {
  for (const text of [
    'SELECT 1 AS a) AS q; DELETE FROM t; SELECT * FROM (SELECT 1 AS a',
    'SELECT 1; SELECT 2',
    'SELECT (1',
    'SELECT 1)',
    "SELECT 'a",
    'SELECT [a',
    'SELECT "a',
    'SELECT /* a /* b */ 1',
    // What ends a comment here may not end it at the server.
    'SELECT 1 --\r(\n) AS q DELETE FROM t SELECT * FROM (SELECT 1 AS a --\r)',
    'SELECT 1 --\u2028(\n)',
    'SELECT 1 --\u0085)',
  ])
    assert.notEqual(faultOf(text), undefined, text);
});
