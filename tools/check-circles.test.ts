import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkCircles } from './check-circles.ts';

const sources = (imports: Readonly<Record<string, string>>) =>
  new Map(Object.entries(imports).map(([file, target]) => [file, `import type { X } from '${target}';`]));

const circle = sources({
  'core/a.ts': './b.ts',
  'core/b.ts': './manifest/c.ts',
  'core/manifest/c.ts': '../a.ts',
  'core/outside.ts': './a.ts',
});

test('files that import each other are refused, also if they import only types', () => {
  assert.deepEqual(checkCircles(circle), [
    'these files import each other: core/a.ts, core/b.ts, core/manifest/c.ts',
  ]);
  assert.deepEqual(checkCircles(sources({ 'core/a.ts': './a.ts' })), [
    'these files import each other: core/a.ts',
  ]);
});

test('one file that two others import is not a circle', () => {
  assert.deepEqual(checkCircles(sources({ 'core/a.ts': './c.ts', 'core/b.ts': './c.ts' })), []);
});
