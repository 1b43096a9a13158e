import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Offset } from './offset.ts';
import { requireUsualKey, requireUsualOffset } from './offset-size.ts';

const usual = 'k'.repeat(60_000);
const long = 'k'.repeat(140_000);

test('an offset of very long values is refused in each mode, and none of the values is shown', () => {
  const offsets: readonly ((text: string) => Offset)[] = [
    (text) => ({ mode: 'Id', id: text }),
    (text) => ({ mode: 'Id', id: '1', key: ['2', text] }),
    (text) => ({ mode: 'Timestamp', at: '2026-11-27 08:00:00', key: [text, '1'] }),
    (text) => ({ mode: 'Snapshot', pass: 1, key: [text], isComplete: false }),
    (text) => ({ mode: 'Stream', token: text }),
  ];
  for (const offsetOf of offsets) {
    requireUsualOffset(offsetOf(usual));
    assert.throws(
      () => requireUsualOffset(offsetOf(long)),
      ({ code, disposition, message }: Error & { code: string; disposition: string }) => {
        assert.deepEqual([code, disposition], ['OffsetTooLarge', 'permanent']);
        return !message.includes('kk');
      },
    );
  }
  requireUsualOffset({ mode: 'Snapshot', pass: 1, key: null, isComplete: true });
});

test('the values of a key count together', () => {
  requireUsualKey([usual, usual]);
  assert.throws(() => requireUsualKey([usual, usual, usual]), { code: 'OffsetTooLarge' });
});
