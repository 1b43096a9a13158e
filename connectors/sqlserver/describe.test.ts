import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Result } from './connection/statements.ts';
import { describeTable } from './describe.ts';
import type { Session } from './session.ts';

test('a table that is replaced while it is described is described again, and is no table without columns', async () => {
  const object = [7, 'U ', 'dbo', 't', 0, 0, 0, 1, 0, 0];
  const results: readonly Result[] = [[object], [], []].map((rows) => ({ fields: [], rows }));
  const session = {
    guard: <T>(body: () => Promise<T>) => body(),
    run: async () => results,
  } as unknown as Session;
  const described = describeTable(session, { schema: 'dbo', table: 't' }, 'spec.source.table');
  await assert.rejects(described, { code: 'SchemaChanged', disposition: 'transient' });
});
