import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkImports } from './check-imports.ts';

const allowed: readonly [file: string, imported: string][] = [
  ['core/batch.ts', './values.ts'],
  ['core/batch.ts', 'node:crypto'],
  ['core/batch.test.ts', '../e2e/kit/temp.ts'],
  ['connectors/postgres/source.ts', '../../core/batch.ts'],
  ['connectors/postgres/source.ts', '../sql/keyset.ts'],
  ['connectors/postgres/source.ts', 'pg'],
  ['connectors/postgres/copy.ts', 'pg-cursor'],
  ['connectors/mysql/source.ts', 'mysql2/promise'],
  ['connectors/catalog.ts', './postgres/definition.ts'],
  ['coordination/etcd/client.ts', 'etcd3'],
  ['agent/engine/run.test.ts', '../../connectors/catalog.ts'],
  ['agent/runner/run.ts', '../../connectors/catalog.ts'],
  ['agent/engine/run.ts', '../membership.ts'],
  ['agent/main.ts', '../process/environment.ts'],
  ['operator/main.ts', '../connectors/postgres/definition.ts'],
  ['operator/main.test.ts', 'etcd3'],
  ['cli/main.ts', '../agent/main.ts'],
  ['cli/with-fleet.ts', '../fleet/open.ts'],
  ['fleet/kubernetes.ts', '../operator/runtime/client.ts'],
  ['e2e/failover.test.ts', '../agent/main.ts'],
];
const refused: readonly [file: string, imported: string][] = [
  ['core/batch.ts', '../connectors/catalog.ts'],
  ['core/batch.ts', 'node:fs/promises'],
  ['core/batch.ts', '../e2e/kit/temp.ts'],
  ['connectors/postgres/source.ts', '../mysql/types.ts'],
  ['connectors/postgres/source.ts', '../catalog.ts'],
  ['connectors/postgres/source.ts', 'mysql2/promise'],
  ['connectors/sql/merge.ts', '../postgres/types.ts'],
  ['connectors/mysql/source.ts', '../../agent/main.ts'],
  ['coordination/etcd/client.ts', '../../agent/main.ts'],
  ['agent/engine/run.ts', '../../connectors/sql/names.ts'],
  ['agent/lead/lead.ts', '../../connectors/catalog.ts'],
  ['agent/main.ts', 'etcd3'],
  ['agent/main.ts', '../operator/main.ts'],
  ['operator/main.ts', '../connectors/postgres/source.ts'],
  ['operator/main.ts', '../agent/main.ts'],
  ['operator/main.ts', 'pg'],
  ['cli/main.ts', '../e2e/kit/temp.ts'],
  ['fleet/etcd.ts', '../cli/output.ts'],
  ['fleet/etcd.ts', '../agent/main.ts'],
  ['fleet/etcd.ts', '../connectors/postgres/connector.ts'],
  ['somewhere/else.ts', '../core/batch.ts'],
];

for (const [file, imported] of allowed) {
  test(`${file} may import ${imported}`, () => {
    assert.deepEqual(checkImports(file, `import { x } from '${imported}';`), []);
  });
}
for (const [file, imported] of refused) {
  test(`${file} must not import ${imported}`, () => {
    assert.deepEqual(checkImports(file, `import { x } from '${imported}';`), [
      `${file} must not import ${imported}`,
    ]);
  });
}

test('comments hide no import', () => {
  const hidden = [
    "/* x */ import pg from 'pg';",
    "import type {\n  // the caller's\n  Client,\n} from 'pg';",
    'const pg = await import(`pg`);',
    'import pg from "pg";',
  ];
  for (const text of hidden)
    assert.deepEqual(checkImports('core/a.ts', text), ['core/a.ts must not import pg'], text);
  assert.deepEqual(checkImports('core/a.ts', "// import pg from 'pg';"), []);
});

test('finds every form of import', () => {
  const text = `import 'pg';
import type { A } from 'pg/a';
import {
  b,
} from 'pg/b';
export * from 'pg/c';
export { type D, d } from 'pg/d';
const e = () => import('pg/e');
export const from = 'pg/not';`;
  const found = checkImports('operator/main.ts', text.replaceAll('pg/', 'mysql2/'));
  assert.deepEqual(
    found.map((problem) => problem.split(' ').at(-1)),
    ['pg', 'mysql2/a', 'mysql2/b', 'mysql2/c', 'mysql2/d', 'mysql2/e'],
  );
});
