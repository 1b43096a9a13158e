import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkDocs, checkSources, isSource } from './check-docs.ts';

const files = [
  'README.md',
  'core/README.md',
  'core/values.ts',
  'core/manifest/reader.ts',
  'docs/README.md',
  'docs/offsets.md',
  'e2e/hostile-rows.test.ts',
  '.github/workflows/ci.yml',
];

function problems(page: string, text: string): string[] {
  return checkDocs(
    files,
    new Map([
      ['core/README.md', '# core\n'],
      ['e2e/README.md', '# e2e\n'],
      ['docs/offsets.md', '# Offsets\n\n## By hand: `set`\n'],
      [page, text],
    ]),
  );
}

test('existing files may be named in every form', () => {
  const text = `See \`core/values.ts\`, core/manifest, \`values.ts\`, \`e2e/hostile*\`, [a](offsets.md), [b](offsets.md#by-hand-set),
[c](#here), [d](https://idra.dev/none), [e](../core/README.md#any), .github/workflows/ci.yml, \`FILE.yaml\`, GET /core/none, "[f](none)".
## Here
`;
  assert.deepEqual(
    problems('docs/README.md', text.replace('"[f](none)"', '`[f](none)`').replace('#any', '')),
    [],
  );
});

const violations: readonly [text: string, problem: string][] = [
  ['`core/gone.ts`', 'there is no core/gone.ts'],
  ['in core/gone, as before', 'there is no core/gone'],
  ['(core/gone.ts)', 'there is no core/gone.ts'],
  ['`gone.ts`', 'there is no gone.ts'],
  ['`e2e/other*`', 'there is no e2e/other*'],
  ['```\ncat core/gone.ts\n```', 'there is no core/gone.ts'],
  ['[a](gone.md)', 'the link gone.md leads to nothing'],
  ['[a](offsets.md#none)', 'the link offsets.md#none names a heading that is not in docs/offsets.md'],
  ['[a](#none)', 'the link #none names a heading that is not in docs/README.md'],
];

for (const [text, problem] of violations) {
  test(`${text.replaceAll('\n', ' ')}: ${problem}`, () => {
    assert.deepEqual(problems('docs/README.md', text), [`docs/README.md: ${problem}`]);
  });
}

test('a README names files relative to its folder', () => {
  assert.deepEqual(problems('core/README.md', '`values.ts`, `reader.ts`, `manifest/`'), []);
  assert.deepEqual(problems('core/README.md', '`offsets.md`, `sql/`'), [
    'core/README.md: there is no offsets.md',
    'core/README.md: there is no sql/',
  ]);
});

test('a folder without a README, and one whose README is long, are refused', () => {
  const long = '# core\n'.repeat(20);
  const found = checkDocs(['core/a.ts', 'core/README.md', 'e2e/b.ts'], new Map([['core/README.md', long]]));
  assert.deepEqual(found, ['core/README.md: 19 lines are the maximum', 'there is no e2e/README.md']);
});

test('a comment that names a missing file is refused', () => {
  const text = "import './values.ts';\n// See core/values.ts, core/gone.ts and core/gone; docs/offsets.md.";
  assert.deepEqual(checkSources(files, new Map([['core/a.ts', text]])), [
    'core/a.ts: there is no core/gone.ts',
  ]);
  assert.deepEqual(['core/a.ts', 'Makefile', 'tools/check-docs.test.ts', 'LICENSE'].filter(isSource), [
    'core/a.ts',
    'Makefile',
  ]);
});
