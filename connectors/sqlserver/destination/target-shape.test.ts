import assert from 'node:assert/strict';
import { test } from 'node:test';
import { onServer } from '../test-harness.ts';

const secondPass = { mode: 'Snapshot', pass: 2, key: null, isComplete: false } as const;

onServer((database) => {
  const run = (sql: string) => database.run(sql);
  const changes: Readonly<Record<string, string>> = {
    'a column is narrowed': 'ALTER TABLE dbo.target ALTER COLUMN body nvarchar(12)',
    'a column gets a default': "ALTER TABLE dbo.target ADD CONSTRAINT filled DEFAULT 'x' FOR body",
  };
  for (const [what, change] of Object.entries(changes)) {
    test(`a target that changes under a claim is not written: ${what}`, async () => {
      await run('DROP TABLE IF EXISTS dbo.origin; DROP TABLE IF EXISTS dbo.target');
      await database.fill('dbo.origin', 3);
      await run('CREATE TABLE dbo.target (id bigint PRIMARY KEY, body nvarchar(40) NULL)');
      const flow = await database.flow({ from: 'dbo.origin', to: 'dbo.target', uid: what });
      await flow.claim();
      await flow.pass();
      const stored = () =>
        run("SELECT [offset], [rows] FROM dbo._idra_commits WHERE [table] = 'dbo.target' AND closed = 0");
      const before = await stored();
      await run(change);
      await run("UPDATE dbo.origin SET body = 'changed'");
      await assert.rejects(flow.pass(secondPass), { code: 'SchemaChanged', disposition: 'transient' });
      assert.deepEqual(await run("SELECT COUNT(*) FROM dbo.target WHERE body = 'changed'"), [['0']]);
      assert.deepEqual(await stored(), before);
    });
  }
});
