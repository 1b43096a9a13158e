import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Batch } from '../../core/batch.ts';
import type { ClaimRequest, PlainDestination, WritePlan } from '../../core/connector.ts';
import type { Sync } from '../../core/sync-spec.ts';
import { noProgress, type SyncProgress } from '../../core/sync-store.ts';
import { type OffsetKeeper, StoredOffsets } from './stored-offsets.ts';

const signal = AbortSignal.timeout(60_000);
const sync = { uid: 'u', namespace: 'a', name: 'events' } as Sync;
const offset = (id: string) => JSON.stringify({ mode: 'Id', id });
const batch = (id: string): Batch => ({
  rows: { format: 'values', rows: [[id]] },
  rowCount: 1,
  byteCount: 1,
  offset: { mode: 'Id', id },
});
const claim = (change: Partial<ClaimRequest> = {}): ClaimRequest => ({
  plan: {} as WritePlan,
  rowFormat: { format: 'values' },
  name: 'a/events',
  fingerprint: 'm',
  token: 7n,
  offset: 'keep',
  keepsOffset: true,
  ...change,
});

function setUp(stored: string | null, progress: Partial<SyncProgress> = {}) {
  const events: string[] = [];
  const plain = {
    name: 'events',
    describe: async () => ({ name: 'events', columns: [], keys: [], identity: 'first' }),
    prepare: async () => void events.push('prepare'),
    beginPass: async () => {},
    write: async () => {
      events.push('rows');
      return { written: 1, rejected: 0, rejections: [], deleted: 0 };
    },
    endPass: async () => ({ written: 0, rejected: 0, rejections: [], deleted: 0 }),
  } as unknown as PlainDestination;
  const keeper: OffsetKeeper = {
    readOffset: async () => stored,
    writeOffset: async (now) => {
      stored = now;
      events.push(`offset ${now}`);
    },
    progress: () => ({ ...noProgress, ...progress }),
  };
  return { events, stored: () => stored, destination: new StoredOffsets(plain, sync, keeper) };
}

test('rows are written first, then the offset, from which the next claim continues', async () => {
  const { events, destination } = setUp(offset('3'), { fingerprint: 'm', rows: 3 });
  assert.equal((await destination.claim(claim(), signal)).offset, offset('3'));
  assert.equal((await destination.write(batch('4'), signal)).totalRows, 4);
  assert.deepEqual(events, ['prepare', 'rows', `offset ${offset('4')}`]);
});

test('a Sync that was never claimed has no row, and a restart clears what is stored', async () => {
  assert.deepEqual(await setUp(null).destination.commitRows(), []);
  const { destination, stored } = setUp(offset('3'), { fingerprint: 'm', rows: 3 });
  const row = await destination.claim(claim({ offset: 'restart' }), signal);
  assert.deepEqual([row.offset, row.rows, row.target, stored()], [null, 0, 'first', null]);
});

test('the row records what the offset belonged to at the last claim', async () => {
  const { destination } = setUp(offset('3'), { fingerprint: 'old', target: 'before' });
  const [row] = await destination.commitRows();
  assert.deepEqual([row?.fingerprint, row?.table, row?.target], ['old', 'events', 'before']);
});

test('a pass that is written as a whole stores no offset before its end', async () => {
  const { destination, stored } = setUp(null, { fingerprint: 'm' });
  await destination.beginPass({ pass: 1, isResumed: false, isAtomic: true }, signal);
  await destination.write(batch('1'), signal);
  assert.equal(stored(), null);
  await destination.endPass({ mode: 'Snapshot', pass: 1, key: null, isComplete: true }, signal);
  assert.match(stored() ?? '', /"isComplete":true/);
});

test('an offset is set manually only if the stored one is the expected one', async () => {
  const { destination, stored } = setUp(offset('3'), { fingerprint: 'm' });
  const change = { uid: 'u', token: 7n, offset: offset('1') };
  await assert.rejects(destination.setOffset({ ...change, expected: offset('2') }), { code: 'OffsetMoved' });
  await destination.setOffset({ ...change, expected: offset('3') });
  assert.equal(stored(), offset('1'));
});
