import { createHash } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import { type ApiItem, type ApiRequest, type ApiStore, send } from './items.ts';

interface Page {
  readonly items: readonly ApiItem[];
  /** Of the first item behind the page; undefined: this is the last page. */
  readonly next: number | undefined;
}

type List = (
  api: ApiStore,
  url: URL,
  items: readonly ApiItem[],
) => { body: string; headers?: Record<string, string> };

/**
 * Lists of a collection by the first part of the path: `/link/NAME`. Sizes are in `limit` (default 100). `since_id` and `since` leave out
 * items up to a number or a time, `since_inclusive` keeps those of the time itself. `order=desc` reverses.
 */
const lists: Readonly<Record<string, List>> = {
  /** An array; other pages are in the header Link, as RFC 8288 writes it. */
  link(_api, url, items) {
    const number = numberIn(url, 'page', 1);
    const { items: own, next } = page(items, (number - 1) * limitOf(url), url);
    const to = (target: number, rel: string) => `<${withParameter(url, 'page', target)}>; rel="${rel}"`;
    const links = [...(next === undefined ? [] : [to(number + 1, 'next')]), to(1, 'first')];
    return { body: arrayOf(own), headers: { link: links.join(', ') } };
  },
  cursor(_api, url, items) {
    const start = Number(Buffer.from(url.searchParams.get('cursor') ?? '', 'base64').toString() || 0);
    const { items: own, next } = page(items, start, url);
    const cursor = next === undefined ? 'null' : JSON.stringify(Buffer.from(String(next)).toString('base64'));
    return { body: `{"ok":true,"data":${arrayOf(own)},"meta":{"next_cursor":${cursor}}}` };
  },
  /** The cursor is the id of an item. */
  after(_api, url, items) {
    const after = url.searchParams.get('starting_after');
    const start = after === null ? 0 : items.findIndex(({ id }) => id === after) + 1;
    const { items: own, next } = page(items, start, url);
    return { body: `{"object":"list","data":${arrayOf(own)},"has_more":${next !== undefined}}` };
  },
  page(_api, url, items) {
    const { items: own } = page(items, (numberIn(url, 'page', 1) - 1) * limitOf(url), url);
    return { body: `{"items":${arrayOf(own)},"total":${items.length}}` };
  },
  offset(_api, url, items) {
    const { items: own } = page(items, numberIn(url, 'offset', 0), url);
    return { body: `{"items":${arrayOf(own)},"total":${items.length}}` };
  },
  next(_api, url, items) {
    const { items: own, next } = page(items, numberIn(url, '$skiptoken', 0), url);
    const link =
      next === undefined
        ? ''
        : `,"@odata.nextLink":${JSON.stringify(withParameter(url, '$skiptoken', next))}`;
    return { body: `{"@odata.context":"x","value":${arrayOf(own)}${link}}` };
  },
  all: (_api, _url, items) => ({ body: arrayOf(items) }),
};

/** False: the request is not for a list. */
export function answerList(api: ApiStore, url: URL, request: ApiRequest, response: ServerResponse): boolean {
  const [, kind = '', name = ''] = url.pathname.split('/');
  const list = Object.hasOwn(lists, kind) ? lists[kind] : undefined;
  if (!list || request.method !== 'GET') return false;
  const collection = api.collections.get(name);
  if (!collection) {
    send(response, 404, '{"error":"not_found"}');
    return true;
  }
  const { body, headers = {} } = list(api, url, filtered(url, collection));
  const etag = `"${createHash('sha256').update(body).digest('hex').slice(0, 16)}"`;
  const all = { ...headers, etag, 'x-ratelimit-remaining': '4999' };
  if (request.headers['if-none-match'] === etag) send(response, 304, '', all);
  else send(response, 200, body, all);
  return true;
}

function filtered(url: URL, items: readonly ApiItem[]): readonly ApiItem[] {
  const id = url.searchParams.get('since_id');
  const since = url.searchParams.get('since');
  const isInclusive = url.searchParams.has('since_inclusive');
  const sinceMs = since === null ? undefined : Date.parse(since);
  const found = items.filter((item) => {
    if (id !== null && id !== '' && BigInt(item.id) <= BigInt(id)) return false;
    if (sinceMs === undefined || item.at === undefined) return true;
    const ms = Date.parse(item.at);
    return isInclusive ? ms >= sinceMs : ms > sinceMs;
  });
  return url.searchParams.get('order') === 'desc' ? found.toReversed() : found;
}

function page(items: readonly ApiItem[], start: number, url: URL): Page {
  const end = start + limitOf(url);
  return { items: items.slice(start, end), next: end < items.length ? end : undefined };
}

function limitOf(url: URL): number {
  return numberIn(url, 'limit', 100);
}

function numberIn(url: URL, name: string, usual: number): number {
  const text = url.searchParams.get(name);
  return text === null || text === '' ? usual : Number(text);
}

function withParameter(url: URL, name: string, value: number): string {
  const other = new URL(url);
  other.searchParams.set(name, String(value));
  return other.href;
}

function arrayOf(items: readonly ApiItem[]): string {
  return `[${items.map(({ json }) => json).join(',')}]`;
}
