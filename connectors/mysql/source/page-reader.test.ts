import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fingerprintOf } from '../fingerprint.ts';
import type { RowListener, Session } from '../session.ts';
import { readParts } from './page-reader.ts';

test('a batch of rows of empty values is limited: each takes its place in the memory of its row', async () => {
  const columnCount = 1_000;
  const row = () => Array.from({ length: columnCount }, (_, at) => (at % 2 === 0 ? '' : null));
  const session = {
    guard: (body: () => Promise<void>) => body(),
    stream: async (_sql: string, { onFields, onRow, streamed = 0 }: RowListener) => {
      onFields([]);
      for (let count = 0; count < 300; count++) onRow(row(), streamed);
    },
    resume() {},
    cut() {},
  };
  const statement = {
    sql: 'SELECT 1',
    opening: [],
    fingerprint: fingerprintOf([]),
    columns: [],
    keys: [],
    limits: { maxRows: 50_000, maxBytes: 100 * 8 * columnCount },
  };
  const counts: number[] = [];
  const parts = readParts(session as unknown as Session, statement, new AbortController().signal);
  for await (const { rowCount } of parts) counts.push(rowCount);
  assert.deepEqual(counts, [100, 100, 100]);
});
