import { randomUUID } from 'node:crypto';
import type { z } from 'zod';
import { manifests } from '../../connectors/catalog.ts';
import type { SystemReport } from '../../core/connector.ts';
import type { Finding } from '../../core/errors.ts';
import type { DataSource } from '../../core/sync-spec.ts';
import type { Relation } from '../../core/values.ts';
import { type Route, route } from '../http/route.ts';
import { readManifest } from '../manifests.ts';
import { objectParams } from '../schemas/common.ts';
import {
  checkResult,
  discovered,
  discoverQuery,
  offsetEffect,
  planBody,
  planParams,
  planResult,
  previewBody,
  previewResult,
  tryOffsetBody,
} from '../schemas/examine.ts';
import type { Services } from '../services.ts';
import { pageOf } from './cluster.ts';
import { requireDataSource } from './data-sources.ts';
import { requireSync } from './syncs.ts';

const path = '/datasources/{namespace}/{name}';

/** Questions about systems, which an agent answers: only agents have drivers, credentials and network access. */
export function examineRoutes(services: Services): readonly Route[] {
  return [
    checkRoute(services),
    discoverRoute(services),
    previewRoute(services),
    planRoute(services),
    tryOffsetRoute(services),
  ];
}

function checkRoute(services: Services): Route {
  return route({
    id: 'checkDataSource',
    method: 'POST',
    path: `${path}/check`,
    tag: 'DataSources',
    summary: 'Connect now, and report what is missing with the statement that grants it',
    params: objectParams,
    answer: checkResult,
    isReadOnly: true,
    async handle({ params, signal }) {
      const dataSource = readStored(services, params);
      const ask = await services.openAsker(signal);
      const { version, findings } = (await ask('check', nameOf(params), [dataSource])) as SystemReport;
      return { version, findings: [...findings] };
    },
  });
}

function discoverRoute(services: Services): Route {
  return route({
    id: 'discoverDataSource',
    method: 'POST',
    path: `${path}/discover`,
    tag: 'DataSources',
    summary: 'Tables and views with their columns, keys and sizes',
    params: objectParams,
    query: discoverQuery,
    answer: discovered,
    isReadOnly: true,
    async handle({ params, query, signal }) {
      const dataSource = readStored(services, params);
      const ask = await services.openAsker(signal);
      const found = (await ask('discover', nameOf(params), [dataSource])) as readonly Relation[];
      const word = query.q?.toLowerCase() ?? '';
      return pageOf(found.filter(({ name }) => name.toLowerCase().includes(word)).map(relationData), query);
    },
  });
}

function relationData({ name, columns, keys, estimatedRows, estimatedBytes, findings = [] }: Relation) {
  return {
    name,
    columns: columns.map(({ name: column, nativeType, isNullable }) => ({
      name: column,
      type: nativeType,
      isNullable,
    })),
    keys: keys.map((key) => [...key.columns]),
    ...(estimatedRows !== undefined && { estimatedRows }),
    ...(estimatedBytes !== undefined && { estimatedBytes }),
    findings: [...findings],
  };
}

function previewRoute(services: Services): Route {
  return route({
    id: 'previewRows',
    method: 'POST',
    path: `${path}/preview`,
    tag: 'DataSources',
    summary: 'The first rows of a table, masked',
    params: objectParams,
    body: previewBody,
    answer: previewResult,
    isReadOnly: true,
    async handle({ params, body, signal }) {
      const dataSource = readStored(services, params);
      const ask = await services.openAsker(signal);
      const subject = { dataSource: nameOf(params), object: body.object, maxRows: body.rows };
      return (await ask('preview', subject, [dataSource])) as z.input<typeof previewResult>;
    },
  });
}

function planRoute(services: Services): Route {
  return route({
    id: 'planSync',
    method: 'POST',
    path: '/plans/{namespace}',
    tag: 'Syncs',
    summary: 'What a Sync would do, stored or not: types, statements, rows waiting; changes nothing',
    params: planParams,
    body: planBody,
    answer: planResult,
    isReadOnly: true,
    async handle({ params: { namespace }, body: { name, spec: written }, signal }) {
      const { spec } = readManifest(services.view, { kind: 'Sync', namespace, name, spec: written });
      const known = services.view.findSync(namespace, name);
      const { uid, generation } = known ?? { uid: randomUUID(), generation: 1 };
      const object = { uid, namespace, name, generation, spec };
      const sync = manifests.readSync(object);
      const ends = [sync.spec.source, sync.spec.destination].map((end) =>
        readStored(services, { namespace, name: end.dataSource }),
      );
      const ask = await services.openAsker(signal);
      const plan = (await ask('plan', object, [sync, ...ends])) as PlanAnswer;
      return { ...plan, basedOn: known?.version ?? '' };
    },
  });
}

function tryOffsetRoute(services: Services): Route {
  return route({
    id: 'tryOffset',
    method: 'POST',
    path: '/syncs/{namespace}/{name}/offset/dry-run',
    tag: 'Syncs',
    summary: 'How many rows another offset would read again or skip, counted in the source; changes nothing',
    params: objectParams,
    body: tryOffsetBody,
    answer: offsetEffect,
    isReadOnly: true,
    async handle({ params, body: { value }, signal }) {
      const { uid, namespace, name, generation, spec } = requireSync(services, params);
      const object = { uid, namespace, name, generation, spec };
      const sync = manifests.readSync(object);
      const ends = [sync.spec.source, sync.spec.destination].map((end) =>
        readStored(services, { namespace, name: end.dataSource }),
      );
      const ask = await services.openAsker(signal);
      return (await ask('offset', { sync: object, value }, [sync, ...ends])) as z.input<typeof offsetEffect>;
    },
  });
}

type PlanAnswer = Omit<z.input<typeof planResult>, 'basedOn' | 'findings'> & { readonly findings: Finding[] };

interface Name {
  readonly namespace: string;
  readonly name: string;
}

/** Only what is stored: a draft could send one of the namespace's Secrets to a server of the sender's own (Invariant 14). */
function readStored(services: Services, name: Name): DataSource {
  return manifests.readDataSource(requireDataSource(services, name));
}

function nameOf({ namespace, name }: Name): string {
  return `${namespace}/${name}`;
}
