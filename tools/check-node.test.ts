import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkNode } from './check-node.ts';

const files: Readonly<Record<string, string>> = {
  'package.json': '{ "engines": { "node": ">=22.18" } }',
  'package-lock.json': '{ "engines": { "node": ">=22.18" } }',
  Makefile: `NODE_VERSION := 24.21.0
IS_NODE_NEW := node -e 'process.exit(a > 22 || (a === 22 && b >= 18) ? 0 : 1)'
	echo "make: needs Node 22.18 or newer"
`,
  'CONTRIBUTING.md': 'Node 22.18 or newer',
  Dockerfile: 'ARG NODE_IMAGE=node:24.21.0-bookworm-slim@sha256:1\n',
  '.github/workflows/ci.yml': 'image: node:24.21.0-bookworm',
};

const checkWith = (changed: Readonly<Record<string, string>>) =>
  checkNode((file) => changed[file] ?? files[file] ?? '');

test('versions that agree have no problems', () => {
  assert.deepEqual(checkWith({}), []);
});

for (const [file, text] of Object.entries(files)) {
  test(`another version in ${file} is refused`, () => {
    const [problem = ''] = checkWith({ [file]: text.replace('22.18', '22.15').replace('24.21', '24.20') });
    assert.match(problem, /^the versions of Node differ: /);
    assert.ok(problem.includes(`${file} says 2`), problem);
  });
}

test('the condition in the Makefile is checked, too', () => {
  const [problem = ''] = checkWith({ Makefile: files.Makefile?.replace('b >= 18', 'b >= 15') ?? '' });
  assert.match(problem, /Makefile \(IS_NODE_NEW\) says 22\.15/);
});
