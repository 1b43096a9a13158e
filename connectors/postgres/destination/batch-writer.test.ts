import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Session } from '../session.ts';
import { BatchWriter, RowsLeftOut } from './batch-writer.ts';
import type { RowSet } from './bulk-load.ts';
import type { Target } from './ddl.ts';

test('a refused part is closed before the next one: parts never lie within each other', async () => {
  let depth = 0;
  const depths: number[] = [];
  let parts = 0;
  const run = async (sql: string) => {
    for (const statement of sql.split('; ')) {
      if (statement.startsWith('SAVEPOINT')) depth += 1;
      if (statement.startsWith('RELEASE')) depth -= 1;
      depths.push(depth);
    }
    return [];
  };
  const refuse = async (sql: string) => {
    parts += 1;
    await run(sql);
    throw new RowsLeftOut('t');
  };
  const session = { run, runAll: run, copyIn: refuse } as unknown as Session;
  const target = { name: 't', copySql: () => 'COPY', mayPassOn: false } as unknown as Target;
  const rows = {
    count: 512,
    isBinary: false,
    misfits: new Map(),
    body: () => [],
    name: () => undefined,
  } as unknown as RowSet;
  const { written, rejections } = await new BatchWriter({
    session,
    target,
    alwaysIdentity: new Set(),
    names: 'own',
  }).putGood(rows, 'insert');
  assert.deepEqual([written, rejections.length, Math.max(...depths), depth], [0, 512, 1, 0]);
  // Halving alone would take 1,023 parts. One last statement is added; the server is queried for nothing else.
  assert.ok(parts < 800, `${parts} parts`);
});
