import { permanent } from '../../core/errors.ts';
import { type Route, route } from '../http/route.ts';
import { batchBody, batchQuery, bulkResult, namespaceParams } from '../schemas/changes.ts';
import type { Services } from '../services.ts';
import { outcomesOf } from './bulk.ts';
import { put, requireChangeable } from './change-objects.ts';

/** Many new Syncs at once, such as one for each table of a database. */
export function syncBatchRoutes(services: Services): readonly Route[] {
  return [
    route({
      id: 'createSyncs',
      method: 'POST',
      path: '/sync-batches/{namespace}',
      tag: 'Syncs',
      summary: 'Create many Syncs; each is created or refused by itself',
      params: namespaceParams,
      query: batchQuery,
      body: batchBody,
      answer: bulkResult,
      async handle(call) {
        requireChangeable(services);
        const { namespace } = call.params;
        const seen = new Set<string>();
        const items = call.body.items.map((item) => {
          const isRepeated = seen.has(item.name);
          seen.add(item.name);
          return { ...item, namespace, isRepeated };
        });
        const query = { ...call.query, takeOwnership: 'false' } as const;
        const result = await outcomesOf(items, async ({ isRepeated, ...item }) => {
          if (isRepeated) throw repeated(item.name);
          const what = { ...item, kind: 'Sync', action: 'createSyncs', ifVersion: '' } as const;
          await put(services, call, what, query);
        });
        if (result.done === 0) call.isUnchanged();
        return result;
      },
    }),
  ];
}

function repeated(name: string): Error {
  return permanent('ManifestInvalid', `another Sync of this request has the name ${name} as well`, {
    path: 'metadata.name',
    fix: 'give each its own name',
  });
}
