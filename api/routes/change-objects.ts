import type { z } from 'zod';
import type { ManifestKind } from '../../core/manifest/names.ts';
import type { FleetDataSource, FleetSync } from '../../fleet/contract.ts';
import { notOffered } from '../../fleet/not-offered.ts';
import type { OperationId } from '../access/table.ts';
import { type Call, type Route, route } from '../http/route.ts';
import { readManifest } from '../manifests.ts';
import {
  applied,
  createDataSourceBody,
  createSyncBody,
  namespaceParams,
  putQuery,
  updateDataSourceBody,
  updateSyncBody,
} from '../schemas/changes.ts';
import { objectParams } from '../schemas/common.ts';
import type { Services } from '../services.ts';
import { requireDataSource, requireUnused } from './data-sources.ts';
import { requireSync } from './syncs.ts';
import { requireVersion } from './users.ts';

/** What differs between the two kinds of objects. */
interface Kind {
  readonly kind: ManifestKind;
  readonly path: string;
  readonly ids: { readonly create: OperationId; readonly update: OperationId; readonly delete: OperationId };
  readonly createBody: typeof createSyncBody | typeof createDataSourceBody;
  readonly updateBody: typeof updateSyncBody | typeof updateDataSourceBody;
  readonly require: (
    services: Services,
    name: { readonly namespace: string; readonly name: string },
  ) => FleetSync | FleetDataSource;
  readonly delete: (services: Services, found: FleetSync | FleetDataSource) => Promise<unknown>;
}

const kinds: readonly Kind[] = [
  {
    kind: 'Sync',
    path: '/syncs',
    ids: { create: 'createSync', update: 'updateSync', delete: 'deleteSync' },
    createBody: createSyncBody,
    updateBody: updateSyncBody,
    require: requireSync,
    delete: ({ fleet }, found) => fleet.deleteSync(found),
  },
  {
    kind: 'DataSource',
    path: '/datasources',
    ids: { create: 'createDataSource', update: 'updateDataSource', delete: 'deleteDataSource' },
    createBody: createDataSourceBody,
    updateBody: updateDataSourceBody,
    require: requireDataSource,
    delete: async (services, { namespace, name }) => {
      // Kubernetes would delete it later, when nobody expects it.
      requireUnused(services, { namespace, name });
      await services.fleet.deleteDataSource(namespace, name);
    },
  },
];

/** Creating, changing and deleting Syncs and DataSources. */
export function objectRoutes(services: Services): readonly Route[] {
  return kinds.flatMap((kind) => [
    createRoute(services, kind),
    updateRoute(services, kind),
    deleteRoute(services, kind),
  ]);
}

function createRoute(services: Services, { kind, path, ids, createBody }: Kind): Route {
  return route({
    id: ids.create,
    method: 'POST',
    path: `${path}/{namespace}`,
    tag: `${kind}s`,
    summary: `Create a ${kind}`,
    params: namespaceParams,
    query: putQuery,
    body: createBody,
    answer: applied,
    status: 201,
    async handle(call) {
      const { namespace } = call.params;
      const what = { ...call.body, kind, namespace, action: ids.create, ifVersion: '' };
      return await putOne(services, call, what, call.query);
    },
  });
}

function updateRoute(services: Services, { kind, path, ids, updateBody, require }: Kind): Route {
  return route({
    id: ids.update,
    method: 'PUT',
    path: `${path}/{namespace}/{name}`,
    tag: `${kind}s`,
    summary: `Change a ${kind}; needs If-Match with the version that was read`,
    params: objectParams,
    query: putQuery,
    body: updateBody,
    answer: applied,
    async handle(call) {
      requireChangeable(services);
      const before = require(services, call.params);
      const ifVersion = call.request.ifMatch;
      // Whether it is still the stored version is decided where it is written.
      if (ifVersion === undefined) requireVersion(ifVersion, before.version);
      const what = {
        ...call.body,
        ...call.params,
        kind,
        action: ids.update,
        before: { spec: before.spec, labels: before.labels },
        ...(ifVersion !== undefined && ifVersion !== '*' && { ifVersion }),
      };
      return await putOne(services, call, what, call.query);
    },
  });
}

function deleteRoute(services: Services, { kind, path, ids, require, delete: remove }: Kind): Route {
  return route({
    id: ids.delete,
    method: 'DELETE',
    path: `${path}/{namespace}/{name}`,
    tag: `${kind}s`,
    summary: kind === 'Sync' ? 'Delete a Sync; its rows stay' : 'Delete a DataSource that no Sync uses',
    params: objectParams,
    status: 204,
    async handle(call) {
      requireChangeable(services);
      const found = require(services, call.params);
      requireVersion(call.request.ifMatch ?? '*', found.version);
      const { namespace, name } = found;
      const change = {
        action: ids.delete,
        object: `${kind} ${namespace}/${name}`,
        namespace,
        before: { spec: found.spec },
      };
      await call.change(change, () => remove(services, found));
    },
  });
}

type PutQuery = z.output<typeof putQuery>;

interface Put {
  readonly kind: ManifestKind;
  readonly namespace: string;
  readonly name: string;
  readonly action: OperationId;
  readonly spec?: unknown;
  readonly labels?: Readonly<Record<string, string>> | undefined;
  readonly before?: unknown;
  readonly ifVersion?: string;
}

/** The answer has the version of what is stored now. */
async function putOne(services: Services, call: Call, what: Put, query: PutQuery) {
  const { version, ...rest } = await put(services, call, what, query);
  if (version === undefined) return rest;
  call.reply.etag(version);
  return { ...rest, version };
}

/** Writes an object with its entry in the audit log, or checks only. */
export async function put(services: Services, call: Call, what: Put, query: PutQuery) {
  requireChangeable(services);
  const { fleet, view } = services;
  const { kind, namespace, name, ifVersion } = what;
  const manifest = readManifest(view, { kind, namespace, name, spec: what.spec, labels: what.labels });
  const isDryRun = query.dryRun === 'true';
  const options = {
    isDryRun,
    takesOwnership: query.takeOwnership === 'true',
    ...(ifVersion !== undefined && { ifVersion }),
  };
  const change = {
    action: what.action,
    object: `${kind} ${namespace}/${name}`,
    namespace,
    before: what.before,
    after: { spec: manifest.spec, labels: manifest.labels },
  };
  if (isDryRun) {
    const { action } = await fleet.put(manifest, options);
    call.isUnchanged();
    return { action, spec: manifest.spec };
  }
  const { action } = await call.change(change, () => fleet.put(manifest, options));
  const stored = await (kind === 'Sync'
    ? fleet.findSync(namespace, name)
    : fleet.findDataSource(namespace, name));
  return { action, spec: stored?.spec ?? manifest.spec, ...(stored && { version: stored.version }) };
}

/** Throws NotOfferedHere (permanent) in single mode, before anything is looked at. */
export function requireChangeable({ mode }: Services): void {
  if (mode !== 'single') return;
  throw notOffered(
    'in single mode the manifests are in files, which cannot be changed here',
    'change the files and start idra again',
  );
}
