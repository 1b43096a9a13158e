import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { version } from './version.ts';

test('the version is that of package.json and of the chart', () => {
  const read = (path: string) => readFileSync(new URL(path, import.meta.url), 'utf8');
  assert.equal((JSON.parse(read('../package.json')) as { version: string }).version, version);
  assert.match(
    read('../helm/idra/Chart.yaml'),
    new RegExp(`^appVersion: "?${version.replaceAll('.', '\\.')}"?$`, 'm'),
  );
});
