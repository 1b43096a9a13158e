import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkCitations, checkInvariants } from './check-invariants.ts';

const files = new Set(['core/token.ts', 'core/token.test.ts', 'core/values.ts']);
const guards = new Set(['the epoch goes before the revision']);
const right = `# Invariants

## 1. Tokens rise

Text about \`anything\`.

- Enforced: \`core/token.ts\`,
  \`core/values.ts\`
- Tests: \`core/token.test.ts\`
- Guards: \`the epoch goes before
  the revision\`

## 2. More

- Enforced: \`core/token.ts\`
- Tests: \`core/token.test.ts\`
`;

const check = (page: string) => checkInvariants(page, files, guards);

test('invariants that name existing files and guards have no problems', () => {
  assert.deepEqual(check(right), []);
});

const violations: readonly [what: string, from: string, to: string, problem: string][] = [
  ['a file is gone', '`core/values.ts`', '`core/gone.ts`', 'invariant 1: there is no core/gone.ts'],
  [
    'a guard is gone',
    'the revision`',
    'the token`',
    'invariant 1: there is no guard named "the epoch goes before the token"',
  ],
  ['a number is left out', '## 2.', '## 3.', 'invariant 2 is expected, not "3. More"'],
  [
    'a file that is not a test',
    'Tests: `core/token.test.ts`\n-',
    'Tests: `core/token.test.ts`, `core/token.ts`\n-',
    'invariant 1: core/token.ts is not a test',
  ],
  ['no test is named', '- Tests: `core/token.test.ts`\n-', '-', 'invariant 1 names no test that proves it'],
  [
    'nothing enforces it',
    '- Enforced: `core/token.ts`,\n  `core/values.ts`',
    '',
    'invariant 1 names no file that enforces it',
  ],
];

for (const [what, from, to, problem] of violations) {
  test(what, () => {
    assert.deepEqual(check(right.replace(from, to)), [`docs/invariants.md: ${problem}`]);
  });
}

test('a page without invariants is refused', () => {
  assert.deepEqual(check('# Invariants\n'), ['docs/invariants.md: the page has no invariants']);
});

test('a comment that cites a missing invariant is refused', () => {
  const sources = new Map([['core/a.ts', '/** Of Invariants 1 and 2, and (Invariant 1, 3). */']]);
  assert.deepEqual(checkCitations(right, sources), ['core/a.ts: docs/invariants.md has no invariant 3']);
});
