import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Guard } from '../e2e/guards/guard.ts';
import { checkGuards } from './check-guards.ts';

const guard: Guard = {
  name: 'the epoch goes before the revision',
  file: 'core/token.ts',
  from: 'return (BigInt(epoch) << revisionBits) | revision;',
  to: 'return revision;',
  caughtBy: { test: 'core/token.test.ts' },
};

test('a guard whose text and test exist has no problems', () => {
  assert.deepEqual(checkGuards([guard]), []);
});

const violations: readonly [what: string, guards: readonly Guard[], problem: RegExp][] = [
  ['two of one name', [guard, guard], /two guards are named "the epoch goes before the revision"/],
  ['a rewritten text', [{ ...guard, from: 'return 7n;' }], /its text stands 0 times in core\/token\.ts/],
  ['a file that is gone', [{ ...guard, file: 'core/gone.ts' }], /no such file/],
  [
    'a test that is gone',
    [{ ...guard, caughtBy: { test: 'core/gone.test.ts' } }],
    /no test core\/gone\.test\.ts/,
  ],
];

for (const [what, guards, problem] of violations) {
  test(`${what} is refused`, () => {
    const problems = checkGuards(guards);
    assert.equal(problems.length, 1);
    assert.match(problems[0] ?? '', problem);
  });
}
