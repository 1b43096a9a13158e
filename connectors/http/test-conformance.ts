import type { SystemAccess } from '../../core/connector.ts';
import { ApiServer } from '../../e2e/kit/api/api-server.ts';
import type { ApiItem } from '../../e2e/kit/api/items.ts';
import type { Shape, TestEnd, TestRow, TestSpace, TestSystem } from '../../e2e/kit/conformance/harness.ts';
import { definition } from './definition.ts';
import { access } from './test-harness.ts';

const noTransactions = 'an API commits each call by itself';
const noStore = 'an API stores neither offsets nor tokens';
const noCount = 'an API has no number of the items between two offsets but by reading them';

export const systems: readonly TestSystem[] = [
  {
    name: definition.title,
    definition,
    lacks: {
      query: 'an API has paths',
      slowQuery: 'an API has paths; session.test.ts has answers that do not end',
      createView: 'an API has no views',
      transactions: noTransactions,
      caselessKeys: 'keys of items are what the path has',
      change: 'records have no columns of their own: those of the Sync stay as they are',
      changeNothing: 'records have no columns of their own',
      replaceObject: 'a list is its path',
      openLateRow: 'an API does not show what it is writing; source/late-rows.test.ts has late items',
      wrongAccess: 'an API has a URL in place of host and database; session.test.ts has its errors',
      accessWithoutWriting: 'an API is not asked what it permits without a call that writes',
      storeToken: noStore,
      storeOffset: noStore,
      storeNewerLayout: noStore,
      markedRows: 'deletes Soft is refused',
      refuseDeletion: 'an API answers a deletion with a status; destination.test.ts has them',
      loseHistory: 'an API has no history',
      leftovers: 'nothing of Idra is stored at an API',
    },
    waivers: {
      'rows between two offsets are counted, and there are none from the later to the earlier one': noCount,
      'rows between two offsets of time and key, or of a key, are counted': noCount,
      'wrong input: a missing object and an invalid name':
        'what is behind the path of a destination is not known without writing to it',
      'check reports the version; discover lists what a user would sync, and no tables of Idra':
        'an API does not say which lists it has',
    },
    hasRawFormat: false,
    invalidName: '//elsewhere',
    open: openSpace,
  },
];

async function openSpace(): Promise<TestSpace> {
  const api = await ApiServer.start();
  const shapes = new Map<string, Shape>();
  const end = endOf(api, access(api.url), shapes);
  return {
    source: end,
    destination: end,
    objects: {
      source: (name) => sourceOf(name, shapes.get(name) ?? {}),
      destination: (name) => ({ path: `/items/${name}/{{ row.id }}`, method: 'PUT' }),
    },
    abilities: {
      countSessions: async () => api.openSockets,
      cutSessions: async () => api.cutSockets(),
    },
    stop: () => api.stop(),
  };
}

/** Without a key the list has one page: several are no snapshot. */
function sourceOf(name: string, { key = 'id', hasTime, hasNoBody }: Shape) {
  if (name.startsWith('/')) return { path: name };
  const columns = [
    { name: 'id', path: 'id', type: 'int64', nullable: key === 'none' },
    ...(hasNoBody ? [] : [{ name: 'body', path: 'body', type: 'text', nullable: true }]),
    ...(hasTime ? [{ name: 'at', path: 'at', type: 'timestamp(3) with time zone', nullable: true }] : []),
  ];
  if (key === 'none') return { path: `/all/${name}`, columns };
  const paging = { offsetParam: 'offset', limitParam: 'limit', limit: 4 };
  return { path: `/offset/${name}`, itemsPath: 'items', paging, columns, key: [key] };
}

function endOf(api: ApiServer, of: SystemAccess, shapes: Map<string, Shape>): TestEnd {
  const parsed = ({ json }: ApiItem) => JSON.parse(json) as { id?: number; body?: string };
  return {
    access: of,
    async create(object, shape) {
      shapes.set(object, shape);
      api.collection(object);
    },
    async insert(object, rows) {
      api.collection(object).push(...rows.map(itemOf));
    },
    async update(object, id, body) {
      const items = api.collection(object);
      for (const [index, item] of items.entries())
        if (item.id === String(id))
          items[index] = { ...item, json: JSON.stringify({ ...parsed(item), body }) };
    },
    async delete(object, id) {
      const items = api.collection(object);
      items.splice(0, items.length, ...items.filter((item) => item.id !== String(id)));
    },
    async rows(object) {
      const rows = api.collection(object).map((item) => [parsed(item).id, parsed(item).body].join(' '));
      return rows.toSorted(new Intl.Collator('en', { numeric: true }).compare);
    },
  };
}

function itemOf({ id, body, at }: TestRow): ApiItem {
  const time = at?.toISOString();
  const json = JSON.stringify({ id, body, at: time });
  return { id: String(id), json, ...(time !== undefined && { at: time }) };
}
