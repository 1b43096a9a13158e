import type { ApiServer, Intercept } from './api-server.ts';
import { send } from './items.ts';

/**
 * The shapes of answers of three well-known APIs, as their documentation shows them: issues of GitHub (header Link), conversations.list of
 * Slack (a cursor, and errors with status 200), and messages of Microsoft Graph (a next URL). The values are invented.
 */
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

/** Pages of two, whatever size is asked for. */
export function gitHubIssues(api: ApiServer): Intercept {
  return ({ path }, response) => {
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
}

const channel = (number: number) => ({
  id: `C0${number}`,
  name: `channel-${number}`,
  is_private: false,
  created: 1_600_000_000 + number,
});

export function slackChannels(api: ApiServer): Intercept {
  return ({ path }, response) => {
    const cursor = new URL(path, api.url).searchParams.get('cursor') ?? '';
    const start = cursor === '' ? 1 : 3;
    const body = {
      ok: true,
      channels: [channel(start), channel(start + 1)],
      // The last page has an empty cursor.
      response_metadata: { next_cursor: start === 1 ? 'dGVhbTpDMDYxRkE1UEI=' : '' },
    };
    send(response, 200, JSON.stringify(body));
    return true;
  };
}

export const slackRefuses: Intercept = (_request, response) => {
  send(response, 200, '{"ok":false,"error":"token_revoked"}');
  return true;
};

export const graphMessage = (number: number) => ({
  '@odata.etag': `W/"${number}"`,
  id: `AAMk${number}`,
  receivedDateTime: `2026-03-0${number}T10:00:00Z`,
  subject: `Subject ${number}`,
  from: { emailAddress: { name: 'A', address: 'a@example.com' } },
});

export function graphMessages(api: ApiServer): Intercept {
  return ({ path }, response) => {
    const url = new URL(path, api.url);
    const skip = Number(url.searchParams.get('$skip') ?? 0);
    url.searchParams.set('$skip', String(skip + 2));
    const body = {
      '@odata.context': 'https://graph.example/$metadata#messages',
      ...(skip < 4 && { '@odata.nextLink': url.href }),
      value: [graphMessage(skip + 1), graphMessage(skip + 2)],
    };
    send(response, 200, JSON.stringify(body));
    return true;
  };
}
