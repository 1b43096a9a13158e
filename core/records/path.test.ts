import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { formatPath, parsePath } from './path.ts';

const steps = fc.array(fc.oneof(fc.string({ minLength: 1 }), fc.nat(100_000)), { maxLength: 5 });

test('every path is read back as it was written', () => {
  fc.assert(fc.property(steps, (given) => assert.deepEqual(parsePath(formatPath(given)), given)));
});

test('paths as users write them', () => {
  const paths: [text: string, steps: (string | number)[]][] = [
    ['', []],
    ['_id', ['_id']],
    ['totals.gross', ['totals', 'gross']],
    ['lines[0].sku', ['lines', 0, 'sku']],
    ['[2][0]', [2, 0]],
    [String.raw`a\.b.c\[d\]\\`, ['a.b', 'c[d]\\']],
    ['with space.ünïcode', ['with space', 'ünïcode']],
  ];
  for (const [text, expected] of paths) assert.deepEqual(parsePath(text), expected, text);
});

test('what is not a path is refused', () => {
  for (const text of [
    '.',
    'a.',
    '.a',
    'a..b',
    'a[',
    'a[x]',
    'a[01]',
    'a[-1]',
    'a]b',
    'a[0]b',
    String.raw`a\b`,
    'a\\',
  ])
    assert.equal(parsePath(text), undefined, text);
});
