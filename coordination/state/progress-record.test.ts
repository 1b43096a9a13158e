import assert from 'node:assert/strict';
import { test } from 'node:test';
import { noProgress, type SyncProgress } from '../../core/sync-store.ts';
import { type ProgressRecord, progressOf, progressRecord } from './progress-record.ts';

const end = { address: ['sqlite', '/f/shop.db'], identity: ['file', '1'] };
const progress: SyncProgress = {
  hasCaughtUp: true,
  isCompleted: false,
  rows: 3,
  fingerprint: 'f',
  ends: { fingerprint: 'f', source: end, destination: end },
};

test('the offset fingerprint is stored under the key that earlier versions use', () => {
  const record: ProgressRecord = {
    hasCaughtUp: true,
    isCompleted: false,
    rows: 3,
    meaning: 'f',
    ends: { meaning: 'f', source: end, destination: end },
  };
  assert.deepEqual(progressRecord(progress), record);
  assert.deepEqual(progressOf(record), progress);
});

test('no key is added for a Sync that was never claimed', () => {
  assert.deepEqual(progressRecord(noProgress), { hasCaughtUp: false, isCompleted: false });
  assert.deepEqual(progressOf({ hasCaughtUp: false, isCompleted: false }), noProgress);
});
