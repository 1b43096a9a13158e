import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { ApiServer } from '../../../e2e/kit/api/api-server.ts';
import {
  gitHubIssues,
  graphMessage,
  graphMessages,
  slackChannels,
  slackRefuses,
} from '../../../e2e/kit/api/public-apis.ts';
import { idsOf, type ListOptions, type OpenList, openList } from '../test-harness.ts';

/** The answers of three well-known APIs: e2e/kit/api/public-apis.ts. */
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

test('GitHub: issues by the header Link, newest changes since the offset', async () => {
  api.intercept = gitHubIssues(api);
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
  assert.equal(api.requests[0]?.headers.accept, 'application/vnd.github+json');
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
  api.intercept = slackChannels(api);
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
  api.intercept = slackRefuses;
  await assert.rejects(pass(), { code: 'AnswerHasError', message: /error \(token_revoked\)$/ });
});

test('Microsoft Graph: messages by a next URL', async () => {
  api.intercept = graphMessages(api);
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
  assert.deepEqual(JSON.parse(String(row?.[3])), graphMessage(1));
});
