import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { ApiServer } from '../../../e2e/kit/api/api-server.ts';
import { type ApiItem, numberedItems, send } from '../../../e2e/kit/api/items.ts';
import { randomFrom } from '../../../e2e/kit/random.ts';
import { idsOf, type ListOptions, type OpenList, openList, reference } from '../test-harness.ts';

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
  items.push(...numberedItems(1, 23));
});

const query = 'limit=5';
const kinds: Readonly<Record<string, ListOptions>> = {
  link: { path: `/link/orders?${query}`, paging: { linkHeader: true } },
  cursor: {
    path: `/cursor/orders?${query}`,
    itemsPath: 'data',
    paging: { cursorPath: 'meta.next_cursor', cursorParam: 'cursor' },
  },
  lastItem: {
    path: `/after/orders?${query}`,
    itemsPath: 'data',
    paging: { cursorPath: 'data[-1].id', cursorParam: 'starting_after', morePath: 'has_more' },
  },
  page: {
    path: '/page/orders',
    itemsPath: 'items',
    paging: { pageParam: 'page', limitParam: 'limit', limit: 5 },
  },
  offset: {
    path: '/offset/orders',
    itemsPath: 'items',
    paging: { offsetParam: 'offset', limitParam: 'limit', limit: 5 },
  },
  next: { path: `/next/orders?${query}`, itemsPath: 'value', paging: { nextUrlPath: '@odata\\.nextLink' } },
};

async function open(options: ListOptions): Promise<OpenList> {
  await list?.source.close();
  list = await openList(api.url, options);
  api.requests.length = 0;
  return list;
}

const ids = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, index) => String(from + index));

for (const [kind, options] of Object.entries(kinds)) {
  test(`${kind}: all pages are read, each item once`, async () => {
    assert.deepEqual((await (await open(options)).pass()).ids, ids(1, 23));
    items.length = 0;
    assert.deepEqual((await list?.pass())?.ids, []);
  });

  test(`${kind}: a pass continues after any of its batches`, async () => {
    for (const maxRows of [1, 2, 5, 7]) {
      const { pass } = await open({ ...options, maxRows });
      const { batches } = await pass();
      for (const [index, { offset }] of batches.entries()) {
        const rest = await pass(offset);
        assert.deepEqual(rest.ids, idsOf(batches.slice(index + 1)), `${maxRows}, ${index}`);
      }
    }
  });

  test(`${kind}: what is there all the while is read, whatever is added meanwhile`, async () => {
    const { read } = await open({ ...options, maxRows: 3 });
    const found = await changing(read(), (round) =>
      items.unshift(...numberedItems(100 + round, 100 + round)),
    );
    assert.deepEqual(
      ids(1, 23).filter((id) => !found.has(id)),
      [],
    );
  });
}

/** Reads a pass; before each batch the list is changed. */
async function changing(
  reading: ReturnType<OpenList['read']>,
  change: (round: number) => void,
): Promise<ReadonlySet<string>> {
  const found = new Set<string>();
  for (let round = 1; ; round += 1) {
    const next = await reading.next();
    if (next.done) return found;
    for (const id of idsOf([next.value])) found.add(id);
    change(round);
  }
}

for (const kind of ['page', 'offset'] as const) {
  test(`${kind}: items that move to pages that were read before are not lost`, async () => {
    for (const removed of [1, 2, 4]) {
      items.splice(0, items.length, ...numberedItems(1, 60));
      const { read } = await open({ ...kinds[kind], maxRows: 3 });
      const gone = new Set<string>();
      const found = await changing(read(), () => {
        for (const { id } of items.splice(0, removed)) gone.add(id);
      });
      const lost = ids(1, 60).filter((id) => !gone.has(id) && !found.has(id));
      assert.deepEqual(lost, [], `${removed} removed each time`);
    }
  });

  test(`${kind}: without the check they would be`, async () => {
    items.splice(0, items.length, ...numberedItems(1, 60));
    const { paging, ...options } = kinds[kind] ?? {};
    const { read } = await open({ ...options, paging: { ...paging, recheck: false }, maxRows: 5 });
    const gone = new Set<string>();
    const found = await changing(read(), () => {
      for (const { id } of items.splice(0, 2)) gone.add(id);
    });
    assert.notDeepEqual(
      ids(1, 60).filter((id) => !gone.has(id) && !found.has(id)),
      [],
    );
  });

  test(`${kind}: a pass that continues in a list that has shifted loses nothing`, async () => {
    for (const shift of [1, 3, 8, 14]) {
      items.splice(0, items.length, ...numberedItems(1, 40));
      const { pass, read } = await open({
        ...kinds[kind],
        mode: 'Id',
        idField: 'id',
        safetyLagMs: 0,
        maxRows: 17,
      });
      const { value: first } = await read().next();
      assert.ok(first && 'offset' in first);
      items.splice(0, shift);
      const { ids: rest } = await pass(first.offset);
      assert.deepEqual(
        ids(18, 40).filter((id) => !rest.includes(id)),
        [],
        `${shift} removed`,
      );
    }
  });

  test(`${kind}: a Snapshot that does not find its place in the list restarts`, async () => {
    const { pass, read } = await open({ ...kinds[kind], maxRows: 17 });
    const { value: first } = await read().next();
    assert.ok(first && 'offset' in first);
    items.splice(0, 15);
    await assert.rejects(pass(first.offset), { code: 'PagesShifted', disposition: 'transient' });
  });
}

test('offset: any changes of a list keep what is there all the while', async () => {
  for (let seed = 1; seed <= 25; seed += 1) {
    const random = randomFrom(seed);
    const below = (limit: number) => Math.floor(random() * limit);
    items.splice(0, items.length, ...numberedItems(1, 50));
    const { read } = await open({ ...kinds.offset, maxRows: 1 + below(9) });
    const gone = new Set<string>();
    let added = 1_000;
    const found = await changing(read(), () => {
      for (let count = below(4); count > 0; count -= 1) {
        const at = below(items.length + 1);
        if (below(2) === 0) items.splice(at, 0, ...numberedItems(++added, added));
        else for (const { id } of items.splice(at, 1)) gone.add(id);
      }
    });
    assert.deepEqual(
      ids(1, 50).filter((id) => !gone.has(id) && !found.has(id)),
      [],
      `seed ${seed}`,
    );
  }
});

test('a page that comes again, a cursor that comes again, and a circle of pages end the pass', async () => {
  const repeated = { code: 'PageRepeated', disposition: 'permanent', path: 'spec.source.paging' };
  const pages = (paging: ListOptions['paging']) =>
    open({
      path: '/all/orders',
      ...(paging && { paging }),
      columns: [{ name: 'id', path: 'id', type: 'int64', nullable: false }],
    });
  await assert.rejects((await pages({ pageParam: 'unknown' })).pass(), repeated);
  await assert.rejects((await pages({ offsetParam: 'unknown' })).pass(), repeated);
  const { pass } = await open({ ...kinds.cursor });
  let asked = 0;
  api.intercept = (_request, response) => {
    asked += 1;
    send(response, 200, `{"data":[{"id":${asked}}],"meta":{"next_cursor":"c${asked % 3}"}}`);
    return true;
  };
  await assert.rejects(pass(), repeated);
  assert.ok(asked < 20);
});

test('a next link to another origin is refused', async () => {
  const { pass } = await open({ ...kinds.link });
  for (const target of [
    'http://evil.example/x',
    'http://169.254.169.254/latest',
    `http://user@127.0.0.1:${api.port}/`,
    'javascript:1',
  ]) {
    api.intercept = (_request, response) => {
      send(response, 200, '[{"id":1}]', { link: `<${target}>; rel="next"` });
      return true;
    };
    api.requests.length = 0;
    await assert.rejects(pass(), { code: 'NextPageRefused', disposition: 'permanent' }, target);
    assert.equal(api.requests.length, 1);
  }
});

test('a next link may be relative, and what it has of our credentials is left out', async () => {
  api.intercept = (request, response) => {
    const isFirst = request.path === '/list';
    const link = '</list?p=2&access_token=t0ken-secret>; rel="next"';
    send(response, 200, `[{"id":${isFirst ? 1 : 2}}]`, isFirst ? { link } : {});
    return true;
  };
  const { pass } = await open({
    ...{ path: '/list', paging: { linkHeader: true }, maxRows: 1 },
    access: { config: { bearerTokenSecretRef: reference }, secrets: { bearerToken: 't0ken-secret' } },
  });
  const { ids: read, batches } = await pass();
  assert.deepEqual(read, ['1', '2']);
  assert.equal(api.requests.at(-1)?.path, '/list?p=2');
  assert.ok(!JSON.stringify(batches.map(({ offset }) => offset)).includes('t0ken'));
});

test('a cursor that is no longer known: the pass begins again', async () => {
  const refuse = (status = 400) => {
    api.intercept = (request, response) => {
      if (!request.path.includes('cursor=')) return false;
      api.intercept = undefined;
      send(response, status, '{"error":"invalid_cursor"}');
      return true;
    };
  };
  const byId = await open({ ...kinds.cursor, mode: 'Id', idField: 'id', safetyLagMs: 0, maxRows: 5 });
  const { batches } = await byId.pass();
  refuse();
  assert.deepEqual((await byId.pass(batches[2]?.offset)).ids, ids(1, 23));
  const snapshot = await open({ ...kinds.cursor, maxRows: 5 });
  const { batches: whole } = await snapshot.pass();
  refuse();
  await assert.rejects(snapshot.pass(whole[2]?.offset), { code: 'PagesShifted' });
  // This says nothing about the cursor.
  refuse(401);
  await assert.rejects(snapshot.pass(whole[2]?.offset), { code: 'AuthenticationFailed' });
});

test('a Snapshot hands on each item once, and refuses two of one key', async () => {
  const { read } = await open({ ...kinds.page, maxRows: 5 });
  let round = 0;
  const found: string[] = [];
  for await (const batch of read()) {
    found.push(...idsOf([batch]));
    round += 1;
    // An item of the page that is read again has changed.
    const at = (round - 1) * 5 + 1;
    const [item] = items.splice(at, 1);
    if (item) items.splice(at, 0, { ...item, json: item.json.replace('row', 'changed') });
  }
  assert.deepEqual(found, ids(1, 23));
  items.splice(1, 0, { id: '1', json: '{"id":1,"body":"another"}' });
  await assert.rejects((await open(kinds.page ?? {})).pass(), {
    code: 'KeyNotUnique',
    path: 'spec.source.key',
  });
});
