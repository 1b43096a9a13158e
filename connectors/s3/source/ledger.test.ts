import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Ledger, type ObjectVersion } from './ledger.ts';
import { OpenUploads } from './open-uploads.ts';
import { LedgerFull, type Scan, StreamState } from './stream-state.ts';
import { decodeToken, encodeToken } from './stream-token.ts';

const version = (index: number, second: number) => ({
  key: `orders/2026/part-${index}.jsonl`,
  etag: `"${index}"`,
  modified: second * 1_000 + 250,
});

const hour = { ms: 3_600_000, isFixed: false };
const days = { ms: 300_000_000, isFixed: false };

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
  const scan = state.startScan({ isFirst: true, startedMs, uploads: new OpenUploads() });
  let largest = 0;
  for (let index = 0; index < 100_000; index++) {
    const object = { ...version(index, 1_800_000 + index), size: 1 };
    assert.ok(state.isWanted(object, scan));
    scan.newestMs = Math.max(scan.newestMs, object.modified);
    state.wasRead(object);
    if (index % 1_000 === 999) {
      state.windowWasRead(object.key, days);
      if (index % 10_000 === 9_999) largest = Math.max(largest, encodeToken(state).length);
    }
  }
  state.endScan(days);
  largest = Math.max(largest, encodeToken(state).length);
  assert.ok(largest < 131_072, `the largest token had ${largest} characters`);
  assert.ok(state.isShortened(scan.newestMs, days));
  // None of them is read again: it is remembered, or settled.
  const stored = decodeToken(encodeToken(state));
  const next = stored.startScan({ isFirst: false, startedMs: startedMs + 60_000, uploads: undefined });
  for (let index = 0; index < 100_000; index += 7)
    assert.ok(!stored.isWanted({ ...version(index, 1_800_000 + index) }, next));
  assert.ok(stored.ledger.size > 3_000);
  assert.ok(stored.isWanted(version(100_001, 1_899_999), next));
});

test('what was written in the last seconds before a scan is never settled by it', () => {
  const state = new StreamState();
  const scan = state.startScan({ isFirst: true, startedMs: 1_000_000_000, uploads: new OpenUploads() });
  let wanted = 0;
  for (let index = 0; index < 40_000; index++) {
    const object = version(index, 1_000_000);
    if (!state.isWanted(object, scan)) continue;
    wanted += 1;
    state.wasRead(object);
    if (index % 1_000 === 999) state.windowWasRead(object.key, days);
  }
  // There is no room to remember them all, so the rest is left to the next scan, in which they can be settled.
  assert.ok(wanted < 40_000 && scan.isCutShort);
  state.endScan({ ms: 0, isFixed: false });
  assert.ok(state.ledger.from <= 1_000_000);
  assert.ok(encodeToken(state).length < 131_072);
});

test('of settled objects those of uploads that were open are read, each version once', () => {
  const state = new StreamState();
  const late = version(1, 1_000_000);
  const replaced = { ...version(2, 1_000_001), etag: '"early"' };
  const uploads = new OpenUploads();
  for (const { key } of [late, replaced]) uploads.add(key);
  const first = state.startScan({ isFirst: true, startedMs: 2_000_000_000, uploads });
  read(state, first, [replaced, version(3, 1_900_000)]);
  state.endScan(hour);
  const stored = decodeToken(encodeToken(state));
  // Both uploads have ended meanwhile. One has replaced an object that was read.
  const scan = stored.startScan({ isFirst: false, startedMs: 2_000_060_000, uploads: new OpenUploads() });
  assert.ok(!stored.isWanted(replaced, scan));
  assert.ok(!stored.isWanted(version(4, 1_000_000), scan));
  const ended = [late, version(2, 1_000_002)];
  assert.deepEqual(read(stored, scan, ended, { endsWindow: false }), ended);
  // Also after a crash between two batches.
  const resumed = decodeToken(encodeToken(stored));
  for (const object of ended) assert.ok(resumed.scan && !resumed.isWanted(object, resumed.scan));
  resumed.endScan(hour);
  const last = resumed.startScan({ isFirst: false, startedMs: 2_000_120_000, uploads: new OpenUploads() });
  for (const object of ended) assert.ok(!resumed.isWanted(object, last));
});

test('an object that is written again with the same content is the same version, also when it is the newer time that settles', () => {
  const state = new StreamState();
  const start = (isFirst: boolean, startedMs: number) =>
    state.startScan({ isFirst, startedMs, uploads: new OpenUploads() });
  read(state, start(true, 1_100_000_000), [version(1, 1_000_000), version(2, 1_000_000)]);
  state.endScan(hour);
  const again = [version(1, 1_003_000), { ...version(2, 1_003_000), etag: '"other"' }];
  assert.deepEqual(read(state, start(false, 1_110_000_000), again), again.slice(1));
  state.endScan(hour);
  // The earlier time of the first one is settled now.
  const newest = version(3, 1_005_000);
  assert.deepEqual(read(state, start(false, 1_120_000_000), [...again, newest]), [newest]);
  state.endScan(hour);
  assert.ok(state.ledger.from > 1_000_000);
  assert.deepEqual(read(state, start(false, 1_130_000_000), [...again, newest]), []);
});

test('an upload that ends while a scan is behind its key, or before it, is read once', () => {
  for (const isListed of [true, false]) {
    const state = new StreamState();
    const late = version(1, 1_000_000);
    const open = () => {
      const uploads = new OpenUploads();
      uploads.add(late.key);
      return uploads;
    };
    const others = Array.from({ length: 20_000 }, (_, index) => version(index + 10, 1_100_000 + index * 10));
    read(state, state.startScan({ isFirst: true, startedMs: 2_000_000_000, uploads: open() }), others);
    state.endScan(days);
    const next = state.startScan({ isFirst: false, startedMs: 2_000_060_000, uploads: open() });
    const found = isListed ? [...others, late] : others;
    assert.deepEqual(read(state, next, found), isListed ? [late] : []);
    state.endScan(days);
    const uploads = new OpenUploads();
    const last = state.startScan({ isFirst: false, startedMs: 2_000_120_000, uploads });
    assert.deepEqual(read(state, last, [...others, late]), isListed ? [] : [late]);
  }
});

test('nothing within the horizon is settled where open uploads are not known, or where it is set', () => {
  for (const [uploads, horizon] of [
    [undefined, days],
    [new OpenUploads(), { ...days, isFixed: true }],
  ] as const) {
    const state = new StreamState();
    const scan = state.startScan({ isFirst: true, startedMs: 2_000_000_000, uploads });
    const objects = Array.from({ length: 20_000 }, (_, index) => version(index, 1_900_000 + index));
    assert.throws(() => read(state, scan, objects, { horizon }), LedgerFull);
  }
});

test('a thousand open uploads and a full ledger fit into an offset', () => {
  const state = new StreamState();
  const many = () => {
    const uploads = new OpenUploads();
    for (let index = 0; index < 1_000; index++) uploads.add(`upload-${index}`);
    return uploads;
  };
  state.uploads = many();
  const scan = state.startScan({ isFirst: true, startedMs: 2_000_000_000, uploads: many() });
  for (let index = 0; index < 40_000; index++) {
    const object = version(index, 1_900_000 + (index % 50_000));
    if (state.isWanted(object, scan)) state.wasRead(object);
    if (index % 1_000 === 999) {
      assert.ok(encodeToken(state).length < 128_000, String(encodeToken(state).length));
      state.windowWasRead('x'.repeat(1_024), days);
    }
  }
});

/** Objects that a scan wants. It has read them then, and each thousandth object ends a window. */
function read(
  state: StreamState,
  scan: Scan,
  objects: readonly ObjectVersion[],
  { horizon = days, endsWindow = true } = {},
) {
  const wanted: ObjectVersion[] = [];
  for (let from = 0; from < objects.length; from += 1_000) {
    const some = objects.slice(from, from + 1_000);
    const found = some.filter((object) => state.isWanted(object, scan));
    for (const { modified } of some) scan.newestMs = Math.max(scan.newestMs, modified);
    for (const object of found) state.wasRead(object);
    wanted.push(...found);
    if (endsWindow) state.windowWasRead(some.at(-1)?.key ?? '', horizon);
  }
  return wanted;
}
