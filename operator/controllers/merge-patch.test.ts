import assert from 'node:assert/strict';
import { test } from 'node:test';
import { mergePatch } from './merge-patch.ts';

const cases: readonly [string, Record<string, unknown>, Record<string, unknown>, unknown][] = [
  ['nothing new', { a: 1, b: { c: [1, { d: 2 }] } }, { b: { c: [1, { d: 2 }] }, a: 1 }, undefined],
  ['a new field', { a: 1 }, { a: 1, b: 'x' }, { b: 'x' }],
  ['a field gone', { a: 1, b: 2 }, { a: 1 }, { b: null }],
  ['a field that is undefined is gone', { a: 1 }, { a: undefined }, { a: null }],
  ['within an object', { a: { b: 1, c: 2 } }, { a: { b: 3 } }, { a: { b: 3, c: null } }],
  ['a list is replaced whole', { a: [{ b: 1 }, 2] }, { a: [{ b: 1 }] }, { a: [{ b: 1 }] }],
  ['an object in the place of a value', { a: 1 }, { a: { b: 1 } }, { a: { b: 1 } }],
  ['what was null is not there', { a: null }, {}, undefined],
];

for (const [name, from, to, patch] of cases) {
  test(name, () => assert.deepEqual(mergePatch(from, to), patch));
}
