import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { ApiServer } from '../../../e2e/kit/api/api-server.ts';
import { type ApiItem, numberedItems, send } from '../../../e2e/kit/api/items.ts';
import { type ListOptions, nthPass, type OpenList, openList, reference } from '../test-harness.ts';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

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

test('columns are inferred, and numbers keep their digits', async () => {
  answering(
    '[{"id":12345678901234567890,"price":0.10,"name":"a","tags":[1.0],"at":"2026-01-01T00:00:00Z","big":9007199254740993}]',
  );
  const { request, pass } = await open({ path: '/x' });
  assert.deepEqual(
    request.relation.columns.map(({ name, nativeType, isNullable }) => [name, nativeType, isNullable]),
    [
      ['id', 'decimal', false],
      ['price', 'decimal', true],
      ['name', 'text', true],
      ['tags', 'json', true],
      ['at', 'text', true],
      ['big', 'int64', true],
    ],
  );
  const [batch] = (await pass()).batches;
  assert.deepEqual(batch && 'rows' in batch.rows ? [...batch.rows.rows] : [], [
    ['12345678901234567890', '0.10', 'a', '[1.0]', '2026-01-01T00:00:00Z', 9007199254740993n],
  ]);
});

test('the time that the mode reads by is inferred as one', async () => {
  const typeOf = async (at: string) => {
    answering(`[{"id":1,"at":"${at}"}]`);
    const { request } = await open({ path: '/x', mode: 'Timestamp', timestampField: 'at' });
    return request.relation.columns[1]?.nativeType;
  };
  assert.equal(await typeOf('2026-01-01T10:00:00.5+02:00'), 'timestamp(6) with time zone');
  assert.equal(await typeOf('2026-01-01T10:00:00.123456789'), 'timestamp(9)');
  assert.equal(await typeOf('yesterday'), 'text');
});

test('an empty list, one without its items, one that is not JSON, and a missing one', async () => {
  answering('[]');
  await assert.rejects(open({ path: '/x' }), { code: 'ColumnsNotInferred' });
  answering('{"data":[{"id":1}],"rows":[]}');
  await assert.rejects(open({ path: '/x' }), {
    code: 'AnswerInvalid',
    path: 'spec.source.itemsPath',
    fix: /data, rows/,
  });
  await assert.rejects(open({ path: '/x', itemsPath: 'items' }), {
    code: 'AnswerInvalid',
    disposition: 'permanent',
  });
  answering('<html>secret</html>');
  await assert.rejects(open({ path: '/x' }), { code: 'AnswerInvalid', message: /^(?!.*secret)/ });
  answering('{"items":null}');
  await assert.rejects(open({ path: '/x', itemsPath: 'items' }), { code: 'ColumnsNotInferred' });
  answering('', 404);
  await assert.rejects(open({ path: '/x' }), { code: 'TableNotFound', path: 'spec.source.path' });
  for (const path of ['x', '//evil.example/x', '/a\\b', '/a b', 'http://evil.example/'])
    await assert.rejects(open({ path }), { code: 'NameInvalid', path: 'spec.source.path' }, path);
});

test('an object is one item, and 204 is none', async () => {
  answering('{"result":{"id":1,"n":1.50}}');
  const { pass } = await open({ path: '/x', itemsPath: 'result' });
  assert.deepEqual((await pass()).ids, ['1']);
  answering('', 204);
  assert.deepEqual((await pass()).ids, []);
});

test('a status of success that stands for no whole list is an error: 202 for a while, others for good', async () => {
  for (const [status, disposition] of [
    [202, 'transient'],
    [205, 'permanent'],
    [206, 'permanent'],
    [207, 'permanent'],
  ] as const) {
    answering('[{"id":1}]', status);
    await assert.rejects(open({ path: '/x' }), { code: 'AnswerIncomplete', disposition }, String(status));
  }
  for (const status of [201, 203]) {
    answering('[{"id":1}]', status);
    assert.deepEqual((await (await open({ path: '/x' })).pass()).ids, ['1']);
  }
});

test('an item that is no object is a misfit, and not a row of NULL', async () => {
  answering('[null,5,{"id":1}]');
  const columns = [{ name: 'id', path: 'id', type: 'int64', nullable: true }];
  const { batches } = await (await open({ path: '/x', key: [], columns })).pass();
  assert.deepEqual([batches[0]?.rowCount, batches[0]?.misfits?.count], [1, 2]);
});

test('an error in an answer of success: its code is shown, its text is not', async () => {
  const options = { path: '/x', itemsPath: 'data', errorPath: 'error' };
  answering('{"ok":false,"error":"invalid_auth","data":[]}');
  await assert.rejects(open(options), {
    code: 'AnswerHasError',
    disposition: 'permanent',
    message: /at error \(invalid_auth\)$/,
  });
  answering('{"error":"row 17 of Alice is wrong","data":[]}');
  await assert.rejects(open(options), { code: 'AnswerHasError', message: /at error$/ });
  answering('{"error":"t0ken-secret","data":[]}');
  const more = { config: { bearerTokenSecretRef: reference }, secrets: { bearerToken: 't0ken-secret' } };
  await assert.rejects(open({ ...options, access: more }), { code: 'AnswerHasError', message: /at error$/ });
  for (const none of ['null', '0', '[]', '{}']) {
    answering(`{"error":${none},"data":[{"id":1}]}`);
    assert.deepEqual((await (await open(options)).pass()).ids, ['1']);
  }
});

test('batches end at their limits, and a larger row is sent alone', async () => {
  const body = (id: number) => 'x'.repeat(id === 7 ? 50_000 : 900);
  items.push(
    ...Array.from({ length: 30 }, (_, at) => ({
      id: String(at + 1),
      json: `{"id":${at + 1},"body":"${body(at + 1)}"}`,
    })),
  );
  const { batches } = await (await open({ path: '/all/orders', maxBytes: 10_000 })).pass();
  assert.ok(batches.every(({ byteCount, rowCount }) => byteCount <= 10_000 || rowCount === 1));
  assert.equal(
    batches.reduce((sum, { rowCount }) => sum + rowCount, 0),
    30,
  );
  const byRows = await (await open({ path: '/all/orders', maxRows: 8 })).pass();
  assert.deepEqual(
    byRows.batches.map(({ rowCount }) => rowCount),
    [8, 8, 8, 6],
  );
});

test('a record that does not fit is reported and does not stop the others', async () => {
  items.push(
    { id: '1', json: '{"id":1,"n":1}' },
    { id: '2', json: '{"id":2,"n":"x"}' },
    { id: '3', json: '{"id":null,"n":3}' },
  );
  const columns = [
    { name: 'id', path: 'id', type: 'int64', nullable: true },
    { name: 'n', path: 'n', type: 'int64', nullable: true },
  ];
  const { batches, ids } = await (await open({ path: '/all/orders', columns })).pass();
  assert.deepEqual(ids, ['1']);
  assert.deepEqual(
    batches[0]?.misfits?.rejections.map(({ code, column }) => [code, column]),
    [
      ['RecordMisfit', 'n'],
      ['RecordMisfit', 'id'],
    ],
  );
});

test('a list that has not changed is not sent again', async () => {
  items.push(...numberedItems(1, 3));
  const { pass } = await open({ path: '/all/orders' });
  assert.deepEqual((await pass()).ids, ['1', '2', '3']);
  assert.deepEqual((await pass(nthPass(2))).ids, ['1', '2', '3']);
  assert.ok(api.requests.every(({ headers }) => headers['if-none-match'] !== undefined));
  items.push(...numberedItems(4, 4));
  assert.deepEqual((await pass(nthPass(3))).ids, ['1', '2', '3', '4']);
});

test('a large answer is not kept until it has changed', async () => {
  answering(`[{"id":1,"body":"${'x'.repeat(70_000)}"}]`, 200, { etag: '"a"' });
  const { pass } = await open({ path: '/x' });
  await pass();
  await pass(nthPass(2));
  assert.ok(api.requests.every(({ headers }) => headers['if-none-match'] === undefined));
});

test('POST: the cursor is in the body', async () => {
  const pages: Readonly<Record<string, string>> = {
    null: '{"data":{"orders":{"nodes":[{"id":1}],"pageInfo":{"endCursor":"c1","hasNextPage":true}}}}',
    '"c1"': '{"data":{"orders":{"nodes":[{"id":2}],"pageInfo":{"endCursor":"c2","hasNextPage":false}}}}',
  };
  api.intercept = ({ method, body }, response) => {
    const { query, after: cursor } = JSON.parse(body) as { query: string; after: string | null };
    assert.deepEqual([method, query], ['POST', 'query { orders }']);
    send(response, 200, pages[JSON.stringify(cursor)] ?? '{}');
    return true;
  };
  const { pass } = await open({
    path: '/graphql',
    method: 'POST',
    bodyTemplate: '{"query":"query { orders }","after":{{ cursor }}}',
    itemsPath: 'data.orders.nodes',
    paging: { cursorPath: 'data.orders.pageInfo.endCursor', morePath: 'data.orders.pageInfo.hasNextPage' },
  });
  assert.deepEqual((await pass()).ids, ['1', '2']);
});

test('what was read before a failure is kept', async () => {
  items.push(...numberedItems(1, 9));
  const { read, pass } = await open({ path: '/link/orders?limit=3', paging: { linkHeader: true } });
  api.intercept = (request, response) => {
    if (!request.path.includes('page=3')) return false;
    response.writeHead(200, { 'content-length': '1000' });
    response.write('[{"id":7},');
    setImmediate(() => response.destroy());
    return true;
  };
  const reading = read();
  const first = await reading.next();
  assert.ok(!first.done);
  assert.equal(first.value.rowCount, 7);
  await assert.rejects(reading.next(), { code: 'ConnectionLost', disposition: 'transient' });
  api.intercept = undefined;
  assert.deepEqual((await pass(first.value.offset)).ids, ['8', '9']);
});

test('a very large answer is read in batches, with the memory of one', async () => {
  const count = 100_000;
  const item = (id: number) => `{"id":${id},"body":"${'x'.repeat(100)}"}`;
  let isStreaming = false;
  api.intercept = (_request, response) => {
    response.writeHead(200);
    if (!isStreaming) {
      response.end(`[${item(1)}]`);
      return true;
    }
    let id = 0;
    const more = () => {
      while (id < count) {
        id += 1;
        if (!response.write(`${id === 1 ? '[' : ','}${item(id)}`)) return;
      }
      response.end(']');
    };
    response.on('drain', more);
    more();
    return true;
  };
  const { read } = await open({ path: '/x', maxRows: 1_000 });
  isStreaming = true;
  collectGarbage();
  const heapBefore = process.memoryUsage().heapUsed;
  let rows = 0;
  let largest = 0;
  for await (const { rowCount } of read()) {
    rows += rowCount;
    if (rows % 20_000 === 0) {
      collectGarbage();
      largest = Math.max(largest, process.memoryUsage().heapUsed);
    }
  }
  assert.equal(rows, count);
  // The rows of the whole answer take more than that.
  assert.ok(largest - heapBefore < 15 * 1_024 ** 2, `${largest - heapBefore} bytes`);
});
