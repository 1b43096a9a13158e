import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { ApiServer } from '../../../e2e/kit/api/api-server.ts';
import { send } from '../../../e2e/kit/api/items.ts';
import { idsOf, type ListOptions, type OpenList, openList } from '../test-harness.ts';

/**
 * The shapes of answers of three well-known APIs, as their documentation shows them: issues of GitHub (header Link), conversations.list of
 * Slack (a cursor, and errors with status 200), and messages of Microsoft Graph (a next URL). The values are invented.
 */
let api: ApiServer;
let list: OpenList | undefined;
before(async () => {
  api = await ApiServer.start();
});
after(async () => {
  await list?.source.close();
  await api.stop();
});
beforeEach(async () => {
  await list?.source.close();
  api.requests.length = 0;
});

async function open(options: ListOptions): Promise<OpenList> {
  list = await openList(api.url, options);
  return list;
}

const issue = (number: number) => ({
  id: 2_800_000_000 + number,
  node_id: `I_kwDO${number}`,
  number,
  title: `Issue ${number}`,
  user: { login: 'octocat', id: 1, type: 'User' },
  labels: [{ id: 208045946, name: 'bug', color: 'f29513' }],
  state: number % 2 === 0 ? 'open' : 'closed',
  created_at: `2026-01-0${number}T09:00:00Z`,
  updated_at: `2026-02-0${number}T09:00:00Z`,
  pull_request: number === 3 ? { url: 'x' } : undefined,
});

test('GitHub: issues by the header Link, newest changes since the offset', async () => {
  api.intercept = ({ path, headers }, response) => {
    assert.equal(headers.accept, 'application/vnd.github+json');
    const url = new URL(path, api.url);
    const since = url.searchParams.get('since') ?? '';
    const issues = [1, 2, 3, 4, 5].map(issue).filter(({ updated_at: at }) => at >= since);
    const page = Number(url.searchParams.get('page') ?? 1);
    const of = (number: number, rel: string) => {
      url.searchParams.set('page', String(number));
      return `<${url.href}>; rel="${rel}"`;
    };
    const last = Math.ceil(issues.length / 2);
    const links =
      page < last ? [of(page + 1, 'next'), of(last, 'last')] : [of(page - 1, 'prev'), of(1, 'first')];
    const reset = String(Math.floor(Date.now() / 1_000) + 3_600);
    send(response, 200, JSON.stringify(issues.slice(2 * page - 2, 2 * page)), {
      ...(last > 1 && { link: links.join(', ') }),
      'x-ratelimit-limit': '5000',
      'x-ratelimit-remaining': '4987',
      'x-ratelimit-reset': reset,
    });
    return true;
  };
  const { pass, request } = await open({
    path: '/repos/octocat/hello-world/issues?state=all&sort=updated&direction=asc&per_page=2',
    paging: { linkHeader: true },
    mode: 'Timestamp',
    timestampField: 'updated_at',
    param: 'since',
    access: {
      config: { headers: { Accept: 'application/vnd.github+json', 'X-GitHub-Api-Version': '2022-11-28' } },
    },
  });
  const types = Object.fromEntries(
    request.relation.columns.map(({ name, nativeType }) => [name, nativeType]),
  );
  assert.deepEqual(
    [types.id, types.user, types.pull_request, types.updated_at],
    ['int64', 'json', 'json', 'timestamp(6) with time zone'],
  );
  const { ids, offset } = await pass();
  assert.deepEqual(
    ids,
    [1, 2, 3, 4, 5].map((number) => String(2_800_000_000 + number)),
  );
  assert.deepEqual(offset, { mode: 'Timestamp', at: '2026-02-05 09:00:00Z', key: [] });
  assert.deepEqual((await pass(offset)).ids, []);
  assert.ok(api.requests.at(-1)?.path.endsWith('&since=2026-02-05T09%3A00%3A00Z'));
});

test('Slack: channels by a cursor; an error has status 200', async () => {
  const channel = (number: number) => ({
    id: `C0${number}`,
    name: `channel-${number}`,
    is_private: false,
    created: 1_600_000_000 + number,
  });
  let isRefused = false;
  api.intercept = ({ path }, response) => {
    const cursor = new URL(path, api.url).searchParams.get('cursor') ?? '';
    const start = cursor === '' ? 1 : 3;
    const body = isRefused
      ? { ok: false, error: 'token_revoked' }
      : {
          ok: true,
          channels: [channel(start), channel(start + 1)],
          // The last page has an empty cursor.
          response_metadata: { next_cursor: start === 1 ? 'dGVhbTpDMDYxRkE1UEI=' : '' },
        };
    send(response, 200, JSON.stringify(body));
    return true;
  };
  const options: ListOptions = {
    path: '/api/conversations.list?limit=2',
    itemsPath: 'channels',
    errorPath: 'error',
    paging: { cursorPath: 'response_metadata.next_cursor', cursorParam: 'cursor' },
  };
  const { pass } = await open({ ...options, maxRows: 3 });
  const { ids, batches } = await pass();
  assert.deepEqual(ids, ['C01', 'C02', 'C03', 'C04']);
  assert.deepEqual((await pass(batches[0]?.offset)).ids, ['C04']);
  isRefused = true;
  await assert.rejects(pass(), { code: 'AnswerHasError', message: /error \(token_revoked\)$/ });
});

test('Microsoft Graph: messages by a next URL', async () => {
  const message = (number: number) => ({
    '@odata.etag': `W/"${number}"`,
    id: `AAMk${number}`,
    receivedDateTime: `2026-03-0${number}T10:00:00Z`,
    subject: `Subject ${number}`,
    from: { emailAddress: { name: 'A', address: 'a@example.com' } },
  });
  api.intercept = ({ path }, response) => {
    const skip = Number(new URL(path, api.url).searchParams.get('$skip') ?? 0);
    const next =
      skip < 4 ? { '@odata.nextLink': `${api.url}/v1.0/me/messages?$top=2&$skip=${skip + 2}` } : {};
    const value = [message(skip + 1), message(skip + 2)];
    send(
      response,
      200,
      JSON.stringify({ '@odata.context': 'https://graph.example/$metadata#messages', ...next, value }),
    );
    return true;
  };
  const columns = [
    { name: 'id', path: 'id', type: 'text', nullable: false },
    { name: 'address', path: 'from.emailAddress.address', type: 'text', nullable: true },
    { name: 'received', path: 'receivedDateTime', type: 'timestamp with time zone', nullable: true },
    { name: 'message', path: '', type: 'json', nullable: true },
  ];
  const { pass } = await open({
    ...{
      path: '/v1.0/me/messages?$top=2',
      itemsPath: 'value',
      paging: { nextUrlPath: '@odata\\.nextLink' },
      columns,
    },
    maxRows: 1,
  });
  const { batches } = await pass();
  assert.deepEqual(
    idsOf(batches),
    [1, 2, 3, 4, 5, 6].map((number) => `AAMk${number}`),
  );
  const [row] = batches[0] && 'rows' in batches[0].rows ? [...batches[0].rows.rows] : [];
  assert.deepEqual(row?.slice(0, 3), ['AAMk1', 'a@example.com', '2026-03-01 10:00:00Z']);
  assert.deepEqual(JSON.parse(String(row?.[3])), message(1));
});
