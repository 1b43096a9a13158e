import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';
import { parseJson } from '../../../core/records/json-parser.ts';
import type { HttpPaging } from '../../../core/sync-spec.ts';
import { ApiServer } from '../../../e2e/kit/api/api-server.ts';
import { send } from '../../../e2e/kit/api/items.ts';
import { type OpenList, openList } from '../test-harness.ts';
import { unreadPage } from './next-page.ts';
import type { PageReader } from './page-reader.ts';
import { PageWalk } from './page-walk.ts';
import { Paging, stepsOf } from './paging.ts';

let api: ApiServer;
let list: OpenList | undefined;
before(async () => {
  api = await ApiServer.start();
});
after(() => api.stop());
afterEach(() => list?.source.close());

const columns = [{ name: 'id', path: 'id', type: 'int64', nullable: false }];
type Page = readonly [body: string, headers?: Readonly<Record<string, string>>];

/** Answers by the query, of which the first is that of the first page. */
async function open(pages: Readonly<Record<string, Page>>, options: Parameters<typeof openList>[1]) {
  api.intercept = ({ path }, response) => {
    const [body, headers = {}] = pages[path.split('?')[1] ?? ''] ?? ['{}'];
    if (headers.etag === undefined || headers.etag !== api.requests.at(-1)?.headers['if-none-match'])
      send(response, 200, body, headers);
    else {
      response.writeHead(304, { etag: headers.etag });
      response.end();
    }
    return true;
  };
  list = await openList(api.url, { path: '/v1/list', columns, ...options });
  api.requests.length = 0;
  return list;
}

test('a next page is named by the header Link, a URL where a convention has it, or a flag that is true', () => {
  const at = (json: string, itemsPath = 'data', link?: string) => {
    const answered = { url: new URL('https://api/v1/list'), envelope: parseJson(json) };
    const headers = link === undefined ? {} : { link };
    return unreadPage({ ...answered, headers }, stepsOf(itemsPath))?.at;
  };
  assert.equal(at('[]', '', '<https://api/v1/list?page=2>; rel="next"'), 'the header Link');
  for (const [json, path] of [
    ['{"data":[],"next":"/v1/list?page=2"}', 'next'],
    ['{"data":[],"links":{"next":"https://api/v1/list?page=2"}}', 'links.next'],
    ['{"data":[],"_links":{"next":{"href":"?page=2"}}}', '_links.next.href'],
    ['{"data":[],"@odata.nextLink":"https://api/x"}', '@odata\\.nextLink'],
    ['{"data":[],"has_more":true}', 'has_more'],
  ] as const)
    assert.equal(at(json), path);
  assert.equal(at('{"a":{"nodes":[],"pageInfo":{"hasNextPage":true}}}', 'a.nodes'), 'a.pageInfo.hasNextPage');
  assert.equal(at('[]', '', '<https://api/v1/list>; rel="next"'), undefined);
  for (const json of [
    '{"data":[],"next":null,"has_more":false}',
    '{"data":[],"next":"https://api/v1/list"}',
    '{"data":[],"next":"tomorrow","has_more":"true"}',
    '{"data":[{"next":"/v1/list?page=2","has_more":true}]}',
  ])
    assert.equal(at(json), undefined, json);
});

test('an answer that names a next page which is not followed stops the Sync, also before its first pass', async () => {
  const unread = { code: 'NextPageUnread', disposition: 'permanent', path: 'spec.source.paging' };
  const link = { link: '</v1/list?p=2>; rel="next"' };
  await assert.rejects(open({ '': ['[{"id":1}]', link] }, {}), { ...unread, fix: /linkHeader: true/ });
  const inBody = '{"data":[{"id":1}],"next":"/v1/list?p=2"}';
  await assert.rejects(open({ '': [inBody] }, { itemsPath: 'data' }), {
    ...unread,
    fix: /nextUrlPath: "next"/,
  });
  // A path that the answer does not have.
  const paging = { cursorPath: 'nxt', cursorParam: 'c' };
  const { pass } = await open({ '': [inBody] }, { itemsPath: 'data', paging });
  await assert.rejects(pass(), unread);
  const { pass: first } = await open({ '': ['[{"id":1}]', link] }, { paging: { onePage: true } });
  assert.deepEqual((await first()).ids, ['1']);
});

test('a link may be relative to the page that has it', async () => {
  for (const target of ['?p=2', 'list?p=2', '/v1/list?p=2']) {
    const { pass } = await open(
      { '': ['[{"id":1}]', { link: `<${target}>; rel="next"` }], 'p=2': ['[{"id":2}]'] },
      { paging: { linkHeader: true } },
    );
    assert.deepEqual((await pass()).ids, ['1', '2'], target);
    assert.equal(api.requests.at(-1)?.path, '/v1/list?p=2');
  }
});

test('a page that has not changed still has its link: 304 may leave it out', async () => {
  const { pass } = await open(
    {
      '': ['[{"id":1}]', { etag: '"a"', link: '<?p=2>; rel="next"' }],
      'p=2': ['[{"id":2}]', { etag: '"b"' }],
    },
    { paging: { linkHeader: true } },
  );
  await pass();
  assert.deepEqual((await pass()).ids, ['1', '2']);
  assert.equal(api.requests.at(-2)?.headers['if-none-match'], '"a"');
});

test('an empty page does not end a list that says that there is more', async () => {
  const page = (data: string, more: boolean): Page => [`{"data":${data},"more":${more}}`];
  const pages = {
    'p=1': page('[{"id":1}]', true),
    'p=2': page('[]', true),
    'p=3': page('[{"id":3}]', false),
    'o=0': page('[{"id":1}]', true),
    'o=1': page('[]', true),
  };
  const of = (paging: HttpPaging) =>
    open(pages, { itemsPath: 'data', paging: { ...paging, morePath: 'more' } });
  assert.deepEqual((await (await of({ pageParam: 'p' })).pass()).ids, ['1', '3']);
  await assert.rejects((await of({ offsetParam: 'o' })).pass(), {
    code: 'AnswerInvalid',
    path: 'spec.source.paging',
  });
});

test('pages without items that name another one do not go on without end', async () => {
  let calls = 0;
  const reader = {
    where: 'api',
    // biome-ignore lint/correctness/useYield: there are no items
    async *read() {
      calls += 1;
      return { url: new URL(api.url), envelope: parseJson(`{"next":${calls}}`), headers: {} };
    },
  };
  const walk = new PageWalk({
    reader: reader as unknown as PageReader,
    paging: new Paging({ cursorPath: 'next', cursorParam: 'c' }, 'data'),
    ...{ keyOf: undefined, since: undefined, isSnapshot: true, mostEmpty: 5 },
  });
  const signal = new AbortController().signal;
  await assert.rejects(walk.items(undefined, signal).next(), { code: 'PageRepeated' });
  assert.equal(calls, 6);
});
