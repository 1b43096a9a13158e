import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Clock } from '../../../core/clock.ts';
import type { ReadRequest } from '../../../core/connector.ts';
import type { Column } from '../../../core/values.ts';
import type { Session } from '../session.ts';
import { microsOf } from '../types/time-text.ts';
import { LateRowBound } from './late-row-bound.ts';
import type { OpenTransactions } from './open-transactions.ts';

const signal = new AbortController().signal;
const id: Column = { name: 'id', type: { kind: 'int', bits: 64 }, nativeType: 'bigint', isNullable: false };
const version: Column = {
  name: 'rv',
  type: { kind: 'bytes', maxLength: 8, isFixed: true },
  nativeType: 'rowversion',
  isNullable: false,
};
const at: Column = {
  name: 'at',
  type: { kind: 'timestamp', precision: 7, hasZone: false },
  nativeType: 'datetime2(7)',
  isNullable: false,
};

/** A source at these moments: what is open, and the largest value, one after the other. */
function boundOf(
  moments: readonly { seen: OpenTransactions; newest?: string }[],
  answers: Readonly<Record<string, unknown>> = {},
) {
  let asked = -1;
  let slept = 0;
  const session = {
    guard: (body: () => Promise<unknown>) => body(),
    async run(sql: string) {
      const found = Object.entries(answers).find(([part]) => sql.includes(part));
      if (!found) throw new Error('there is no such function');
      return [{ fields: [], rows: [[found[1]]] }];
    },
    query: async () => [['2026-11-24 08:00:00']],
  } as unknown as Session;
  const clock = {
    monotonicMs: () => slept,
    sleep: async (ms: number) => {
      slept += ms;
    },
  } as unknown as Clock;
  const bound = new LateRowBound(
    { session: async () => session, largest: async () => moments[asked + 1]?.newest },
    clock,
    async () => moments[Math.min(++asked, moments.length - 1)]?.seen ?? { limitation: 'none' },
  );
  return { bound, slept: () => slept };
}

function open(atMicros: number, ...floors: number[]): OpenTransactions {
  return {
    atMicros,
    open: floors.map((floorMicros) => ({ floorMicros, sinceMicros: floorMicros, what: 'session 57' })),
  };
}

const request = (mode: 'Id' | 'Timestamp', more: Partial<ReadRequest> = {}) =>
  ({ mode, timeZone: 'UTC', after: null, ...more }) as ReadRequest;

test('an id is final when everything that was open when it was seen has ended', async () => {
  const { bound } = boundOf([
    { seen: open(1_000, 500), newest: '10' },
    { seen: open(2_000, 500), newest: '20' },
    { seen: open(3_000, 1_500), newest: '30' },
    { seen: open(4_000), newest: '30' },
  ]);
  const take = async () => await bound.take(request('Id'), id, signal);
  const first = await take();
  assert.deepEqual([first.upTo, first.report.heldBackBy?.what], ['none', 'session 57']);
  assert.equal((await take()).upTo, 'none');
  assert.deepEqual((await take()).upTo, { text: '10', isInclusive: true });
  const last = await take();
  assert.deepEqual(last.upTo, { text: '30', isInclusive: true });
  assert.deepEqual(last.report, { kind: 'transactions' });
});

test('a time is final below the begin of the oldest transaction, and below safetyLag in addition', async () => {
  const now = microsOf('2026-11-24 08:00:00');
  const { bound } = boundOf([{ seen: open(now, now - 3_000_000, now - 1_000_000) }]);
  const take = async (more = {}) => (await bound.take(request('Timestamp', more), at, signal)).upTo;
  assert.deepEqual(await take(), { text: '2026-11-24 07:59:57.000000', isInclusive: false });
  assert.deepEqual(await take({ safetyLagMs: 2_000 }), {
    text: '2026-11-24 07:59:55.000000',
    isInclusive: false,
  });
  assert.deepEqual(await take({ timeZone: 'Europe/Rome' }), {
    text: '2026-11-24 08:59:57.000000',
    isInclusive: false,
  });
});

test('a column that rounds may still get a value that is behind the clock', async () => {
  const now = microsOf('2026-11-24 08:01:20.001500');
  const upTo = async (nativeType: string, precision: number) => {
    const { bound } = boundOf([{ seen: open(now) }]);
    const column: Column = { ...at, type: { kind: 'timestamp', precision, hasZone: false }, nativeType };
    return (await bound.take(request('Timestamp'), column, signal)).upTo;
  };
  // 08:01:20 is stored as 08:01, and so is 08:01:29 later.
  assert.deepEqual(await upTo('smalldatetime', 0), { text: '2026-11-24 08:00:50', isInclusive: false });
  assert.deepEqual(await upTo('datetime', 3), { text: '2026-11-24 08:01:19.997', isInclusive: false });
  assert.deepEqual(await upTo('datetime2(0)', 0), { text: '2026-11-24 08:01:20', isInclusive: false });
});

test('a rowversion is final below the smallest one that may still commit', async () => {
  const { bound } = boundOf([{ seen: open(1, 0) }], {
    MIN_ACTIVE_ROWVERSION: Buffer.from('00000000000007d1', 'hex'),
  });
  const { upTo, report } = await bound.take(request('Id'), version, signal);
  assert.deepEqual([upTo, report.kind], [{ text: '00000000000007d1', isInclusive: false }, 'transactions']);
  assert.deepEqual(await bound.check(version, signal), []);
});

test('rows behind a smaller rowversion that may still commit are held back, and its transaction is named', async () => {
  const answers = { MIN_ACTIVE_ROWVERSION: Buffer.from('00000000000007d1', 'hex') };
  const held = async (seen: OpenTransactions, newest: string) => {
    const { bound } = boundOf([{ seen, newest }], answers);
    return (await bound.take(request('Id'), version, signal)).report.heldBackBy?.what;
  };
  assert.equal(await held(open(1_000, 500), '00000000000007d1'), 'session 57');
  assert.equal(await held(open(1_000, 500), '00000000000007d0'), undefined);
  assert.equal(await held({ limitation: 'needs the right' }, '00000000000007d5'), 'an open transaction');
});

test('a rowversion of a server without that function is treated like another id', async () => {
  const { bound } = boundOf([{ seen: open(1_000), newest: '0a' }]);
  assert.deepEqual((await bound.take(request('Id'), version, signal)).upTo, {
    text: '0a',
    isInclusive: true,
  });
});

test('where transactions cannot be seen, safetyLag is what remains, and the report says why', async () => {
  const { bound, slept } = boundOf([{ seen: { limitation: 'needs the right' }, newest: '10' }]);
  const { upTo, report } = await bound.take(request('Id'), id, signal);
  assert.deepEqual(
    [upTo, report],
    [
      { text: '10', isInclusive: true },
      { kind: 'safetyLag', because: 'needs the right' },
    ],
  );
  assert.ok(slept() >= 5_000);
  const [finding] = await bound.check(id, signal);
  assert.equal(finding?.code, 'LateRowsBySafetyLag');
});

test('a secondary is final below its newest row, not below its clock', async () => {
  const seen = { limitation: 'the database is read-only', isSecondary: true } as const;
  const { bound } = boundOf([
    { seen, newest: '2026-11-24 07:00:00' },
    { seen, newest: '2026-11-24 07:00:00' },
  ]);
  const { upTo } = await bound.take(request('Timestamp', { safetyLagMs: 1_000 }), at, signal);
  assert.deepEqual(upTo, { text: '2026-11-24 06:59:59.000000', isInclusive: false });
});
