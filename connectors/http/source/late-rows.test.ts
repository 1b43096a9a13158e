import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { systemClock } from '../../../core/clock.ts';
import type { Offset } from '../../../core/offset.ts';
import { ApiServer } from '../../../e2e/kit/api/api-server.ts';
import { type ApiItem, numberedItems, send } from '../../../e2e/kit/api/items.ts';
import { idsOf, type ListOptions, type OpenList, openList } from '../test-harness.ts';

let api: ApiServer;
let list: OpenList | undefined;
let items: ApiItem[];
before(async () => {
  api = await ApiServer.start();
});
after(async () => {
  await list?.source.close();
  await api.stop();
});
beforeEach(() => {
  api.intercept = undefined;
  api.store.collections.clear();
  items = api.collection('orders');
});

async function open(options: ListOptions): Promise<OpenList> {
  await list?.source.close();
  list = await openList(api.url, options);
  api.requests.length = 0;
  return list;
}

/** Answers every request with this. */
function answering(body: string, status = 200, headers: Readonly<Record<string, string>> = {}): void {
  api.intercept = (_request, response) => {
    send(response, status, body, headers);
    return true;
  };
}

const timed = (id: number, at: string): ApiItem => ({
  id: String(id),
  at,
  json: `{"id":${id},"updated_at":"${at}"}`,
});
const byTime: ListOptions = {
  path: '/link/orders?limit=2',
  paging: { linkHeader: true },
  mode: 'Timestamp',
  timestampField: 'updated_at',
  param: 'since',
};
const byId: ListOptions = {
  path: '/page/orders?limit=3',
  itemsPath: 'items',
  paging: { pageParam: 'page' },
  mode: 'Id',
  idField: 'id',
  param: 'since_id',
};

test('Timestamp: only newer items are asked for and read, in any order of the list', async () => {
  for (const order of ['asc', 'desc']) {
    items.splice(0, items.length, ...[1, 2, 3, 4, 5].map((id) => timed(id, `2026-01-01T00:00:0${id}Z`)));
    const { pass } = await open({ ...byTime, path: `/link/orders?limit=2&order=${order}`, maxRows: 2 });
    const { ids, offset, end, batches } = await pass();
    assert.deepEqual([...ids].sort(), ['1', '2', '3', '4', '5']);
    assert.deepEqual(offset, { mode: 'Timestamp', at: '2026-01-01 00:00:05Z', key: [] });
    assert.deepEqual([end.isHeldBack, end.nullRows, end.bound.kind], [false, 0, 'safetyLag']);
    assert.ok(
      batches.slice(0, -1).every(({ offset: within }) => within.mode === 'Timestamp' && within.at === ''),
    );
    items.push(timed(6, '2026-01-01T00:00:05.5Z'), timed(2, '2026-01-01T00:00:06Z'));
    const next = await pass(offset);
    assert.deepEqual([...next.ids].sort(), ['2', '6']);
    assert.ok(api.requests.at(-1)?.path.includes('since=2026-01-01T00%3A00%3A05Z'));
    assert.deepEqual((await pass(next.offset)).ids, []);
  }
});

test('Timestamp: an API that includes the time that it is given repeats nothing', async () => {
  items.push(timed(1, '2026-01-01T00:00:01Z'), timed(2, '2026-01-01T00:00:01Z'));
  const { pass } = await open({ ...byTime, path: '/link/orders?limit=1&since_inclusive' });
  const { ids, offset } = await pass();
  assert.deepEqual(ids, ['1', '2']);
  assert.deepEqual((await pass(offset)).ids, []);
});

test('Timestamp: equal times at the edge of a batch are read, each once; items without a time are counted', async () => {
  const at = '2026-01-01T00:00:00Z';
  items.push(...[1, 2, 3, 4, 5, 6, 7].map((id) => timed(id, at)), {
    id: '8',
    json: '{"id":8,"updated_at":null}',
  });
  const { pass } = await open({ ...byTime, maxRows: 3 });
  const { ids, batches, end } = await pass();
  assert.deepEqual(ids, ['1', '2', '3', '4', '5', '6', '7']);
  assert.equal(end.nullRows, 1);
  assert.deepEqual((await pass(batches[0]?.offset)).ids, ['4', '5', '6', '7']);
});

test('Timestamp: items that may not be final are held back, also when a pass continues', async () => {
  const ago = (seconds: number) => new Date(Date.now() - seconds * 1_000).toISOString();
  items.push(timed(1, ago(3_600)), timed(2, ago(3_000)), timed(3, ago(60)));
  const { pass } = await open({ ...byTime, maxRows: 1 });
  const { ids, end, batches } = await pass(null, { safetyLagMs: 600_000 });
  assert.deepEqual(ids, ['1', '2']);
  assert.deepEqual([end.isHeldBack, end.hasRowsWaiting], [true, true]);
  assert.equal(end.oldestWaiting, end.mark);
  // With a smaller lag the rest of the same pass still ends where it was to end.
  const rest = await pass(batches[0]?.offset, { safetyLagMs: 0 });
  assert.deepEqual(rest.ids, ['2']);
  assert.deepEqual((await pass(rest.offset, { safetyLagMs: 0 })).ids, ['3']);
});

test('Timestamp: the clock of the API decides, if it is behind', async () => {
  const at = new Date(Date.now() - 60_000).toISOString();
  answering(`[{"id":1,"updated_at":"${at}"}]`, 200, { date: new Date(Date.now() - 3_600_000).toUTCString() });
  const { pass } = await open({ path: '/x', mode: 'Timestamp', timestampField: 'updated_at' });
  assert.deepEqual((await pass()).ids, []);
  answering(`[{"id":1,"updated_at":"${at}"}]`, 200, { date: new Date(Date.now() + 3_600_000).toUTCString() });
  assert.deepEqual((await pass()).ids, ['1']);
});

test('the parameter of the offset is written as the API wants it', async () => {
  const after: Offset = { mode: 'Timestamp', at: '2026-01-01 00:00:05.5Z', key: [] };
  items.push(timed(1, '2026-01-01T00:00:01Z'), timed(2, '2026-01-01T00:00:05.5Z'));
  for (const [paramFormat, text] of [
    [undefined, '2026-01-01T00%3A00%3A05.5Z'],
    ['Unix', '1767225605'],
    ['UnixMs', '1767225605500'],
    // A day earlier: the days of the API may not be those of UTC.
    ['Date', '2025-12-31'],
  ] as const) {
    const { pass } = await open({ ...byTime, ...(paramFormat && { paramFormat }) });
    await pass(after);
    assert.ok(api.requests[0]?.path.endsWith(`&since=${text}`), api.requests[0]?.path);
  }
  const { pass } = await open({
    ...byTime,
    path: '/link/orders?q=updated%3E{{ offset | date | or "0001-01-01" }}',
    param: undefined as never,
  });
  await pass(after);
  assert.ok(api.requests[0]?.path.endsWith('q=updated%3E2026-01-01'), api.requests[0]?.path);
});

test('Id: a pass ends at the ids that were there when it began, and the next one continues after them', async () => {
  items.push(...numberedItems(1, 7));
  const { read, pass } = await open({ ...byId, maxRows: 2, safetyLagMs: 20 });
  const reading = read();
  const found: string[] = [];
  let offset: Offset | null = null;
  for (;;) {
    const next = await reading.next();
    if (next.done) {
      assert.deepEqual([next.value.isHeldBack, next.value.hasRowsWaiting], [false, true]);
      break;
    }
    if (found.length === 0) items.push(...numberedItems(8, 9));
    found.push(...idsOf([next.value]));
    offset = next.value.offset;
  }
  assert.deepEqual(found, ['1', '2', '3', '4', '5', '6', '7']);
  assert.deepEqual(offset, { mode: 'Id', id: '7' });
  assert.deepEqual((await pass(offset)).ids, ['8', '9']);
});

test('Id: an id that appears late, below one that was seen, is read', async () => {
  items.push(...numberedItems(1, 3), ...numberedItems(5, 5));
  const clock = {
    ...systemClock,
    async sleep(ms: number, stop?: AbortSignal) {
      // While the pass waits until what it has seen is final.
      if (ms > 3_000 && ms < 10_000) {
        items.splice(3, 0, ...numberedItems(4, 4));
        now += ms;
        return;
      }
      await systemClock.sleep(ms, stop);
    },
    monotonicMs: () => systemClock.monotonicMs() + now,
  };
  let now = 0;
  const { pass } = await open({ ...byId, session: { clock } });
  const { ids, offset } = await pass();
  assert.deepEqual(ids, ['1', '2', '3', '4', '5']);
  assert.deepEqual(offset, { mode: 'Id', id: '5' });
  assert.deepEqual((await pass(offset)).ids, []);
});

test('Id: without safetyLag the list is read once', async () => {
  items.push(...numberedItems(1, 2));
  const { pass } = await open({ ...byId, safetyLagMs: 0 });
  const { ids, offset, end } = await pass();
  assert.deepEqual([ids, offset, end.hasRowsWaiting], [['1', '2'], { mode: 'Id', id: '2' }, false]);
  // Two pages, and the first one again, to see whether items have moved to it.
  assert.equal(api.requests.length, 3);
  assert.deepEqual((await pass({ mode: 'Id', id: '1' })).ids, ['2']);
});

test('Id: values that several items have are read completely', async () => {
  const created = (id: number, at: number): ApiItem => ({
    id: String(at),
    json: `{"id":${id},"created":${at}}`,
  });
  items.push(created(1, 10), created(2, 10), created(3, 20), created(4, 20), created(5, 20));
  const { pass } = await open({ ...byId, idField: 'created', safetyLagMs: 0, maxRows: 4 });
  const { ids, batches, offset } = await pass();
  assert.deepEqual(ids, ['1', '2', '3', '4', '5']);
  assert.deepEqual((await pass(batches[0]?.offset)).ids, ['5']);
  assert.deepEqual(offset, { mode: 'Id', id: '20' });
});

test('a list whose largest value is below the offset stops the Sync, until a larger one arrives', async () => {
  const behind = {
    code: 'SourceBehindOffset',
    disposition: 'permanent',
    message: /is 3, below the offset 7/,
  };
  const whole: ListOptions = { ...byId, param: undefined as never };
  items.push(...numberedItems(1, 3));
  for (const safetyLagMs of [0, 20]) {
    const { pass } = await open({ ...whole, safetyLagMs });
    await assert.rejects(pass({ mode: 'Id', id: '7' }), behind);
    assert.deepEqual((await pass({ mode: 'Id', id: '3' })).ids, []);
  }
  items.push(...numberedItems(8, 8));
  const { pass } = await open({ ...whole, safetyLagMs: 0 });
  assert.deepEqual((await pass({ mode: 'Id', id: '7' })).ids, ['8']);
  items.length = 0;
  assert.deepEqual((await pass({ mode: 'Id', id: '7' })).ids, []);
});

test('an API that leaves out what was read before is not behind, and neither is one with a value that cannot be compared', async () => {
  const after: Offset = { mode: 'Timestamp', at: '2026-01-01 00:00:09Z', key: [] };
  items.push(timed(1, '2026-01-01T00:00:05Z'));
  const filtered = await open({ ...byTime, path: '/link/orders' });
  assert.deepEqual((await filtered.pass(after)).ids, []);
  const whole = await open({ ...byTime, path: '/link/orders', param: undefined as never });
  await assert.rejects(whole.pass(after), { code: 'SourceBehindOffset' });
  items.push({ id: '2', json: '{"id":2,"updated_at":"soon"}' });
  assert.deepEqual((await whole.pass(after)).ids, []);
});

test('a date stands for its whole day: its items are read when the day is over', async () => {
  const day = (days: number) => new Date(Date.now() + days * 86_400_000).toISOString().slice(0, 10);
  const columns = [
    { name: 'id', path: 'id', type: 'int64', nullable: false },
    { name: 'updated_at', path: 'updated_at', type: 'date', nullable: true },
  ];
  items.push(timed(1, day(-2)), timed(2, day(0)));
  const { pass } = await open({ ...byTime, param: undefined as never, columns });
  const { ids, end } = await pass();
  assert.deepEqual([ids, end.hasRowsWaiting], [['1'], true]);
});

test('ids that are numbers as text have no order: the Sync stops where 10 would be below 9', async () => {
  answering('[{"id":"8"},{"id":"9"}]');
  const { pass } = await open({ path: '/x', mode: 'Id', idField: 'id', safetyLagMs: 0 });
  const { ids, offset } = await pass();
  assert.deepEqual(ids, ['8', '9']);
  answering('[{"id":"9"},{"id":"10"}]');
  await assert.rejects(pass(offset), { code: 'FieldNotOrdered', path: 'spec.source.idField' });
  const columns = [{ name: 'id', path: 'id', type: 'int64', nullable: false }];
  const numbers = await open({ path: '/x', mode: 'Id', idField: 'id', safetyLagMs: 0, columns });
  assert.deepEqual((await numbers.pass({ mode: 'Id', id: '9' })).ids, ['10']);
});

test('an offset that was set by hand is compared as the time or number that it is', async () => {
  items.push(timed(1, '2026-01-01T08:00:00Z'), timed(2, '2026-01-01T09:00:00Z'));
  const at = (text: string): Offset => ({ mode: 'Timestamp', at: text, key: [] });
  const { pass } = await open(byTime);
  for (const text of ['2026-01-01T08:00:00Z', '2026-01-01 08:00:00Z', '2026-01-01T10:00:00+02:00'])
    assert.deepEqual((await pass(at(text))).ids, ['2'], text);
  const invalid = { code: 'OffsetInvalid', disposition: 'permanent' };
  await assert.rejects(pass(at('2026-01-01T08:00:00')), invalid);
  const byNumber = await open({ ...byId, safetyLagMs: 0, param: undefined as never });
  await assert.rejects(byNumber.pass({ mode: 'Id', id: 'one' }), invalid);
});
