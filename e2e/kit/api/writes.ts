import type { ServerResponse } from 'node:http';
import { type ApiItem, type ApiOutcome, type ApiRequest, type ApiStore, send } from './items.ts';

/**
 * Writes to a collection. `POST /items/NAME` appends, `PUT /items/NAME/ID` replaces or adds, `DELETE /items/NAME/ID` deletes,
 * `POST /bulk/NAME` upserts an array and answers with a result for each item. Items whose body is `refused` are refused (422).
 */
export function answerWrite(api: ApiStore, url: URL, request: ApiRequest, response: ServerResponse): boolean {
  const [, kind, name = '', id] = url.pathname.split('/').map(decodeURIComponent);
  if (kind !== 'items' && kind !== 'bulk') return false;
  const key = request.headers['idempotency-key'];
  const repeated = typeof key === 'string' ? api.idempotencyKeys.get(key) : undefined;
  if (repeated !== undefined) {
    send(response, repeated.status, repeated.body, { 'idempotent-replayed': 'true' });
    return true;
  }
  const { status, body } = kind === 'bulk' ? bulk(api, name, request) : one(api, name, id, request);
  if (typeof key === 'string' && status < 500) api.idempotencyKeys.set(key, { status, body });
  send(response, status, body);
  return true;
}

function one(api: ApiStore, name: string, id: string | undefined, { method, body }: ApiRequest): ApiOutcome {
  const items = api.collection(name);
  switch (method) {
    case 'POST':
      if (id !== undefined) break;
      return stored(items, body, (item) => items.push(item));
    case 'PUT':
      if (id === undefined) break;
      return stored(items, body, (item) => put(items, { ...item, id }));
    case 'DELETE': {
      const at = items.findIndex((item) => item.id === id);
      if (at >= 0) items.splice(at, 1);
      return { status: at < 0 ? 404 : 204, body: '' };
    }
    default:
  }
  return { status: 405, body: '{"error":"method_not_allowed"}' };
}

function bulk(api: ApiStore, name: string, { body }: ApiRequest): ApiOutcome {
  const items = api.collection(name);
  const rows = JSON.parse(body) as readonly unknown[];
  const results = rows.map((row) => stored(items, JSON.stringify(row), (item) => put(items, item)));
  const texts = results.map(
    ({ status }) => `{"status":${status},"error":${status < 300 ? 'null' : '{"code":"refused"}'}}`,
  );
  return { status: 207, body: `{"results":[${texts.join(',')}]}` };
}

function stored(_items: readonly ApiItem[], json: string, store: (item: ApiItem) => void): ApiOutcome {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch {
    return { status: 400, body: '{"error":"invalid_json"}' };
  }
  if (typeof value !== 'object' || value === null) return { status: 422, body: '{"error":"not_an_object"}' };
  const { id, body } = value as Readonly<Record<string, unknown>>;
  if (body === 'refused') return { status: 422, body: '{"error":"refused"}' };
  store({ id: String(id), json });
  return { status: 201, body: '{}' };
}

function put(items: ApiItem[], item: ApiItem): void {
  const at = items.findIndex(({ id }) => id === item.id);
  if (at < 0) items.push(item);
  else items[at] = item;
}
