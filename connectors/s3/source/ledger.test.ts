import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Ledger } from './ledger.ts';
import { StreamState } from './stream-state.ts';
import { decodeToken, encodeToken } from './stream-token.ts';

const version = (index: number, second: number) => ({
  key: `orders/2026/part-${index}.jsonl`,
  etag: `"${index}"`,
  modified: second * 1_000 + 250,
});

test('a ledger has what was added, also after it was stored, and nothing else', () => {
  const ledger = new Ledger(1_000);
  for (let index = 0; index < 500; index++) ledger.add(version(index, 1_000 + (index % 60) * 7));
  const stored = Ledger.decode(ledger.from, ledger.encode());
  for (let index = 0; index < 500; index++) assert.ok(stored?.has(version(index, 1_000 + (index % 60) * 7)));
  for (let index = 500; index < 1_000; index++)
    assert.ok(!stored?.has(version(index, 1_000 + (index % 60) * 7)));
  // Another version of the same object is another one.
  assert.ok(!stored?.has({ ...version(1, 1_007), etag: '"2"' }));
  assert.equal(stored?.encode(), ledger.encode());
  assert.equal(Ledger.decode(0, ledger.encode().slice(0, -8)), undefined);
});

test('100,000 objects within the horizon fit into an offset: the oldest of them are settled', () => {
  const state = new StreamState();
  const startedMs = 2_000_000_000;
  const scan = state.startScan(startedMs, true);
  let largest = 0;
  for (let index = 0; index < 100_000; index++) {
    const object = { ...version(index, 1_800_000 + index), size: 1 };
    assert.ok(state.isWanted(object, scan));
    scan.newestMs = Math.max(scan.newestMs, object.modified);
    state.wasRead(object);
    if (index % 1_000 === 999) {
      state.windowWasRead(object.key);
      if (index % 10_000 === 9_999) largest = Math.max(largest, encodeToken(state).length);
    }
  }
  state.endScan(300_000_000);
  largest = Math.max(largest, encodeToken(state).length);
  assert.ok(largest < 131_072, `the largest token had ${largest} characters`);
  assert.ok(state.isShortened(scan.newestMs, 300_000_000));
  // None of them is read again: it is remembered, or settled.
  const stored = decodeToken(encodeToken(state));
  const next = stored.startScan(startedMs + 60_000, false);
  for (let index = 0; index < 100_000; index += 7)
    assert.ok(!stored.isWanted({ ...version(index, 1_800_000 + index) }, next));
  assert.ok(stored.ledger.size > 7_000);
  assert.ok(stored.isWanted(version(100_001, 1_899_999), next));
});

test('what was written in the last seconds before a scan is never settled by it', () => {
  const state = new StreamState();
  const scan = state.startScan(1_000_000_000, true);
  let wanted = 0;
  for (let index = 0; index < 40_000; index++) {
    const object = version(index, 1_000_000);
    if (!state.isWanted(object, scan)) continue;
    wanted += 1;
    state.wasRead(object);
    if (index % 1_000 === 999) state.windowWasRead(object.key);
  }
  // There is no room to remember them all, so the rest is left to the next scan, in which they can be settled.
  assert.ok(wanted < 40_000 && scan.isCutShort);
  state.endScan(0);
  assert.ok(state.ledger.from <= 1_000_000);
  assert.ok(encodeToken(state).length < 131_072);
});
