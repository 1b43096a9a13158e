import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import Database from 'better-sqlite3';
import { ApiServer, type Intercept } from './kit/api/api-server.ts';
import { send } from './kit/api/items.ts';
import { gitHubIssues, graphMessages, slackChannels } from './kit/api/public-apis.ts';
import { projectFolder } from './kit/processes.ts';
import { SingleMode } from './kit/single-mode.ts';
import { tempFolder } from './kit/temp.ts';

/** The examples of HTTP APIs, unchanged except for the address of the API. */
let api: ApiServer;
before(async () => {
  api = await ApiServer.start();
});
after(() => api?.stop());

async function run(file: string, answers: Intercept, env: Readonly<Record<string, string>>) {
  api.requests.length = 0;
  api.intercept = answers;
  const single = new SingleMode(await tempFolder('api-examples'));
  const text = readFileSync(join(projectFolder, 'examples/apis', file), 'utf8')
    .replace(/tokenUrl: \S+/, `tokenUrl: ${api.url}/token`)
    .replace(
      /( +)url: \S+/,
      `$1url: ${api.url}\n$1allowPrivateAddresses: true\n$1allowCleartextPassword: true`,
    );
  await single.write(text);
  await single.runWell({ env });
  return (sql: string) => {
    const database = new Database(join(single.folder, 'archive.db'), { readonly: true });
    try {
      return database.prepare(sql).raw().all();
    } finally {
      database.close();
    }
  };
}

const authorizations = () => new Set(api.requests.map(({ headers }) => headers.authorization));

test('issues of GitHub', async () => {
  const query = await run('github-issues.yaml', gitHubIssues(api), { IDRA_SECRET_GITHUB__TOKEN: 'ghp' });
  assert.deepEqual(query('SELECT number, author, state FROM issues ORDER BY id'), [
    ...[1, 2, 3, 4, 5].map((number) => [number, 'octocat', number % 2 === 0 ? 'open' : 'closed']),
  ]);
  assert.deepEqual(authorizations(), new Set(['Bearer ghp']));
});

test('channels of Slack', async () => {
  const query = await run('slack-channels.yaml', slackChannels(api), { IDRA_SECRET_SLACK__TOKEN: 'xoxb' });
  assert.deepEqual(query(`SELECT id, name, json_extract(channel, '$.created') FROM channels ORDER BY id`), [
    ...[1, 2, 3, 4].map((number) => [`C0${number}`, `channel-${number}`, 1_600_000_000 + number]),
  ]);
  assert.deepEqual(authorizations(), new Set(['Bearer xoxb']));
});

test('messages of Microsoft Graph', async () => {
  const messages = graphMessages(api);
  const answers: Intercept = (request, response) => {
    if (request.path !== '/token') return messages(request, response);
    assert.match(request.body, /client_id=app&client_secret=s3cret|client_secret=s3cret&client_id=app/);
    send(response, 200, '{"access_token":"eyJ","token_type":"Bearer","expires_in":3600}');
    return true;
  };
  const secrets = { IDRA_SECRET_GRAPH__ID: 'app', IDRA_SECRET_GRAPH__SECRET: 's3cret' };
  const query = await run('graph-messages.yaml', answers, secrets);
  assert.deepEqual(query('SELECT id, sender, subject FROM messages ORDER BY id'), [
    ...[1, 2, 3, 4, 5, 6].map((number) => [`AAMk${number}`, 'a@example.com', `Subject ${number}`]),
  ]);
  assert.deepEqual(authorizations(), new Set([undefined, 'Bearer eyJ']));
});
