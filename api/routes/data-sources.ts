import type { z } from 'zod';
import { definitions } from '../../connectors/catalog.ts';
import { permanent } from '../../core/errors.ts';
import type { FleetDataSource } from '../../fleet/contract.ts';
import { dataSourcesIn } from '../../fleet/names.ts';
import { dataSourceObject as objectOf, readyOf } from '../../fleet/objects.ts';
import { mayIn } from '../access/caller.ts';
import { type Route, route } from '../http/route.ts';
import { dataSourceDetail, dataSourceList, dataSourceQuery, type dataSourceRow } from '../schemas/cluster.ts';
import { objectParams } from '../schemas/common.ts';
import type { Services } from '../services.ts';
import { lockData, pageOf } from './cluster.ts';

type Row = z.infer<typeof dataSourceRow>;
const tag = 'DataSources';
const mostUsers = 1_000;

export function dataSourceRoutes(services: Services): readonly Route[] {
  const { view } = services;
  return [
    route({
      id: 'listDataSources',
      method: 'GET',
      path: '/datasources',
      tag,
      summary: 'List DataSources: filter, sort and count',
      query: dataSourceQuery,
      answer: dataSourceList,
      async handle({ query, caller }) {
        const slots = slotCounts(services);
        const rows = [...view.dataSources()]
          .filter(mayIn(caller, 'viewer'))
          .map((each) => rowOf(each, slots));
        const filters = filtersOf(query);
        const found = rows.filter((row) => filters.every(({ holds }) => holds(row)));
        const others = (own: string) =>
          rows.filter((row) => filters.every(({ field, holds }) => field === own || holds(row)));
        return {
          ...pageOf(sorted(found, query.sort), query),
          facets: {
            type: counted(others('type'), (row) => row.type),
            ready: counted(others('ready'), (row) => row.ready),
            namespace: counted(others('namespace'), (row) => row.namespace),
          },
        };
      },
    }),
    route({
      id: 'getDataSource',
      method: 'GET',
      path: '/datasources/{namespace}/{name}',
      tag,
      summary: 'A DataSource with the result of its last check, and which Syncs use it',
      params: objectParams,
      answer: dataSourceDetail,
      async handle({ params, reply }) {
        const found = requireDataSource(services, params);
        reply.etag(found.version);
        return dataSourceDetailOf(services, found);
      },
    }),
  ];
}

/** What the page of a DataSource shows. */
export function dataSourceDetailOf(services: Services, found: FleetDataSource) {
  const { view, mode } = services;
  const key = `${found.namespace}/${found.name}`;
  const usedBy = usersOf(services, found);
  return {
    object: objectOf(found) as never,
    row: rowOf(found, slotCounts(services)),
    version: found.version,
    isReadOnly: mode === 'single',
    usedBy: usedBy.slice(0, mostUsers),
    slots: view
      .locks()
      .filter(({ dataSource }) => dataSource === key)
      .map((each) => lockData(view, each)),
  };
}

interface Name {
  readonly namespace: string;
  readonly name: string;
}

/** Names of the Syncs that use it. */
function usersOf({ view }: Pick<Services, 'view'>, { namespace, name }: Name): readonly string[] {
  const users = [...view.syncs()].filter(
    (sync) => sync.namespace === namespace && dataSourcesIn(sync.spec).includes(name),
  );
  return users.map((sync) => sync.name).sort();
}

/** Throws DataSourceInUse (permanent). */
export function requireUnused(services: Services, name: Name): void {
  const users = usersOf(services, name);
  if (users.length === 0) return;
  const more = users.length > 10 ? ` and ${users.length - 10} more` : '';
  const text = `DataSource ${name.namespace}/${name.name} is used by ${users.slice(0, 10).join(', ')}${more}`;
  throw permanent('DataSourceInUse', text, { fix: 'delete these Syncs first' });
}

/** Throws DataSourceNotFound (permanent). */
export function requireDataSource(
  { view }: Pick<Services, 'view'>,
  { namespace, name }: Name,
): FleetDataSource {
  const found = view.findDataSource(namespace, name);
  if (found) return found;
  throw permanent('DataSourceNotFound', `there is no DataSource ${namespace}/${name}`);
}

type SlotCounts = ReadonlyMap<string, { held: number; awaited: number }>;

function slotCounts({ view }: Services): SlotCounts {
  const counts = new Map<string, { held: number; awaited: number }>();
  for (const { dataSource, isWaiting } of view.locks()) {
    if (dataSource === undefined) continue;
    const count = counts.get(dataSource) ?? { held: 0, awaited: 0 };
    count[isWaiting ? 'awaited' : 'held'] += 1;
    counts.set(dataSource, count);
  }
  return counts;
}

function rowOf(dataSource: FleetDataSource, slots: SlotCounts): Row {
  const { uid, namespace, name, type, report, syncs, createdAt, labels } = dataSource;
  const { status, reason, message } = readyOf(dataSource);
  const spec = dataSource.spec as Partial<Pick<Row, 'maxConcurrentSyncs' | 'maxRowsPerSecond'>> | undefined;
  const { held, awaited } = slots.get(`${namespace}/${name}`) ?? { held: 0, awaited: 0 };
  return {
    uid,
    namespace,
    name,
    type,
    ...offered(type),
    ready: status as Row['ready'],
    reason,
    message,
    ...(report?.serverVersion !== undefined && { serverVersion: report.serverVersion }),
    syncs,
    ...(spec?.maxConcurrentSyncs !== undefined && { maxConcurrentSyncs: spec.maxConcurrentSyncs }),
    ...(spec?.maxRowsPerSecond !== undefined && { maxRowsPerSecond: spec.maxRowsPerSecond }),
    slotsHeld: held,
    slotsAwaited: awaited,
    ...(report && { checkedAt: report.checkedAt }),
    createdAt,
    ...(labels && { labels }),
  };
}

/** What an editor can offer for a system; nothing for one that a later version has. */
function offered(type: string) {
  const definition = definitions.find((each) => each.type === type);
  if (!definition) return {};
  const [objectField] = definition.fields.source;
  const { source, destination } = definition.capabilities;
  return {
    ...(objectField !== undefined && { objectField }),
    modes: [...source.modes],
    writeModes: [...destination.writeModes],
  };
}

interface Filter {
  readonly field: string;
  readonly holds: (row: Row) => boolean;
}

function filtersOf({ q, namespace, type, ready }: Readonly<Record<string, unknown>>): readonly Filter[] {
  const filters: Filter[] = [];
  const oneOf = (field: 'namespace' | 'type' | 'ready', wanted: unknown) => {
    if (Array.isArray(wanted)) filters.push({ field, holds: (row) => wanted.includes(row[field]) });
  };
  oneOf('namespace', namespace);
  oneOf('type', type);
  oneOf('ready', ready);
  for (const word of String(q ?? '')
    .toLowerCase()
    .split(/\s+/)
    .filter((each) => each !== ''))
    filters.push({
      field: 'q',
      holds: (row) =>
        [row.name, row.namespace, row.type, row.message].some((each) => each.toLowerCase().includes(word)),
    });
  return filters;
}

function sorted(rows: readonly Row[], sort: string): readonly Row[] {
  const field = sort.replace(/^-/, '') as 'name' | 'type' | 'syncs' | 'ready';
  const sign = sort.startsWith('-') ? -1 : 1;
  const keyOf = (row: Row) => `${row.namespace}/${row.name}`;
  return [...rows].sort((a, b) => {
    const [one, other] = field === 'name' ? [keyOf(a), keyOf(b)] : [a[field], b[field]];
    if (one !== other) return one < other ? -sign : sign;
    return keyOf(a) < keyOf(b) ? -1 : 1;
  });
}

function counted(rows: readonly Row[], of: (row: Row) => string): Record<string, number> {
  const counts = new Map<string, number>();
  for (const row of rows) counts.set(of(row), (counts.get(of(row)) ?? 0) + 1);
  return Object.fromEntries(counts);
}
