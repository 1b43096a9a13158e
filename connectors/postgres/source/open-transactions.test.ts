import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Clock } from '../../../core/clock.ts';
import type { ReadRequest } from '../../../core/connector.ts';
import type { Column } from '../../../core/values.ts';
import type { TextRow } from '../connection/statements.ts';
import type { Session } from '../session.ts';
import { type BoundInput, LateRowBound } from './late-row-bound.ts';

/** Microseconds since 1970 of 2026-11-24 08:00:00 UTC. */
const begin = 1_795_507_200_000_000n;
const at: Column = {
  name: 'at',
  type: { kind: 'timestamp', precision: 6, hasZone: true },
  nativeType: 'timestamp with time zone',
  isNullable: false,
};

test('a transaction that has taken its now() and is not announced yet bounds the pass', async () => {
  let passedMs = 0;
  const clock = {
    now: () => Number(begin / 1000n) + passedMs,
    monotonicMs: () => passedMs,
    sleep: async (ms: number) => {
      passedMs += ms;
    },
  } as Clock;
  // A server whose only transaction began a millisecond before the snapshot and becomes visible 20 ms after it.
  const open: TextRow = ['3/1', String(begin - 1_000n), '42', 'shop', 'psql', 'active'];
  const rowsOf = (sql: string): TextRow[] => {
    if (sql.includes('pg_is_in_recovery')) return [['f', String(begin), 't', 'on']];
    return sql.includes('pg_stat_activity') && passedMs >= 20 ? [open] : [];
  };
  const session = {
    query: async (sql: string) => rowsOf(sql),
    guard: (body: () => unknown) => body(),
    runAll: async (sql: string) => [{ rows: rowsOf(sql) }, { rows: [] }],
  } as unknown as Session;
  const request = { mode: 'Timestamp', timestampField: 'at', timeZone: 'UTC' } as ReadRequest;
  const input: BoundInput = {
    session,
    request,
    field: at,
    largest: async () => undefined,
    elsewhere: async () => undefined,
    has: async () => false,
  };
  const { upTo } = await new LateRowBound(clock).take(input, new AbortController().signal);
  assert.deepEqual(upTo, { text: '2026-11-24 07:59:59.999Z', isInclusive: false });
});
