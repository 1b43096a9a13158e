import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ignoredAnnotations } from './own-warnings.ts';

const warningsOf = (annotations: Readonly<Record<string, string>>) =>
  ignoredAnnotations({ metadata: { annotations } } as never);

test('an annotation without effect is explained; known ones and those of others are not mentioned', () => {
  const known = { 'idra.dev/run-now': '1', 'idra.dev/managed-by': 'a/b', 'example.com/run-onw': '1' };
  assert.deepEqual(warningsOf({ ...known, 'idra.dev/suspend': 'true' }), []);
  assert.deepEqual(warningsOf({ ...known, 'idra.dev/run-onw': '1', 'idra.dev/suspend': 'yes' }), [
    'the annotation idra.dev/suspend is neither "true" nor "false" and is ignored',
    'the annotation idra.dev/run-onw is not known and is ignored: did you mean idra.dev/run-now?',
  ]);
});

test('thousands of unknown annotations give a few warnings, so that the status can still be written', () => {
  const many = Object.fromEntries(Array.from({ length: 20_000 }, (_, index) => [`idra.dev/x${index}`, '']));
  const warnings = warningsOf(many);
  assert.equal(warnings.length, 11);
  assert.equal(warnings.at(-1), '19990 more annotations of idra.dev are not known and are ignored');
});
