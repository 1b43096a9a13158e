import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PassEnd, ReadRequest } from '../../../core/connector.ts';
import type { Column } from '../../../core/values.ts';
import type { SqlDialect } from '../types/dialect.ts';
import { type RangeReader, readPass } from './read-pass.ts';

const dialect: SqlDialect = {
  quote: (name) => name,
  literal: (text) => text,
  selectItem: ({ name }) => name,
  hasIndexedRowComparison: true,
};
const at: Column = {
  name: 'at',
  type: { kind: 'timestamp', precision: 6, hasZone: true },
  isNullable: false,
} as Column;
const id: Column = { name: 'id', type: { kind: 'int', bits: 64 }, isNullable: false } as unknown as Column;

/** A source with these times, none of which is final. */
function readerOf(times: readonly string[], asked: string[]): RangeReader {
  const newest = [...times].sort().at(-1);
  return {
    dialect,
    async *readRange() {},
    takeBound: async () => ({ upTo: 'none', report: { kind: 'transactions' } }),
    async first(_field, tail) {
      asked.push(tail.includes('DESC') ? 'largest' : 'first');
      return tail.includes('DESC') ? newest : [...times].sort()[0];
    },
    count: async () => 0,
    mostCounted: 100,
  };
}

function requestOf(more: Partial<ReadRequest>): ReadRequest {
  return {
    relation: {
      name: 't',
      columns: [at, id],
      keys: [{ columns: ['id'], isPrimary: true }],
    } as unknown as ReadRequest['relation'],
    columns: [],
    mode: 'Timestamp',
    key: ['id'],
    timestampField: 'at',
    timeZone: 'UTC',
    after: null,
    limits: { maxRows: 1, maxBytes: 1_000 },
    rowFormat: { kind: 'canonical' } as unknown as ReadRequest['rowFormat'],
    ...more,
  };
}

async function endOf(reader: RangeReader, request: ReadRequest): Promise<PassEnd> {
  const next = await readPass(reader, request, new AbortController().signal).next();
  if (!next.done) throw new Error('it has read a row');
  return next.value;
}

test('a pass without rows does not query the largest value', async () => {
  const asked: string[] = [];
  const { isHeldBack } = await endOf(readerOf([], asked), requestOf({ isProbe: true }));
  assert.deepEqual([isHeldBack, asked], [false, ['first']]);
});

test('a pass with waiting rows does, and keeps an earlier mark', async () => {
  const times = ['2026-11-26T08:00:00Z', '2026-11-26T09:00:00Z'];
  const end = await endOf(readerOf(times, []), requestOf({ isProbe: true }));
  assert.deepEqual([end.isHeldBack, end.mark], [true, times[1]]);
  const asked: string[] = [];
  const later = await endOf(
    readerOf(times, asked),
    requestOf({ isProbe: true, mark: '2026-11-26T08:30:00Z' }),
  );
  assert.deepEqual([later.isHeldBack, later.mark], [true, '2026-11-26T08:30:00Z']);
  assert.ok(!asked.includes('largest'));
});

test('a row with a very long key is refused before it is passed on', async () => {
  const reader: RangeReader = {
    ...readerOf([], []),
    async *readRange() {
      const rows = { format: 'values', rows: [] } as const;
      yield { rows, rowCount: 1, byteCount: 1, lastKey: ['k'.repeat(200_000)] };
    },
  };
  await assert.rejects(endOf(reader, requestOf({ mode: 'Snapshot' })), { code: 'OffsetTooLarge' });
});
