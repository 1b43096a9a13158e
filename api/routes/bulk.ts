import type { z } from 'zod';
import { asIdraError, describeError, permanent } from '../../core/errors.ts';
import { labelFindings } from '../../core/manifest/metadata-rules.ts';
import { Semaphore } from '../../core/semaphore.ts';
import { newRequestId } from '../../fleet/ask.ts';
import type { FleetSync } from '../../fleet/contract.ts';
import { requireRole, scopeOf } from '../access/caller.ts';
import { FindingsError } from '../http/problem.ts';
import { type Call, type Route, route } from '../http/route.ts';
import { bulkBody, bulkResult } from '../schemas/changes.ts';
import { syncQuery } from '../schemas/syncs.ts';
import type { Services } from '../services.ts';
import { requireChangeable } from './change-objects.ts';
import { requireSync } from './syncs.ts';

type Body = z.output<typeof bulkBody>;
interface Target {
  readonly namespace: string;
  readonly name: string;
}

const concurrent = 16;
const mostTargets = 10_000;
const fileActions = new Set(['run-now', 'restart']);

/** One action on many Syncs; each has an outcome of its own. */
export function bulkRoutes(services: Services): readonly Route[] {
  return [
    route({
      id: 'actOnSyncs',
      method: 'POST',
      path: '/sync-actions',
      tag: 'Syncs',
      summary: 'Suspend, resume, run, restart, label or delete many Syncs',
      body: bulkBody,
      answer: bulkResult,
      async handle(call) {
        const { body, caller } = call;
        if (!fileActions.has(body.action)) requireChangeable(services);
        if (body.action === 'label' && !body.labels)
          throw permanent('RequestMalformed', 'label needs labels', { path: 'labels' });
        const findings = labelFindings(body.labels ?? {});
        if (findings.length > 0) throw new FindingsError('ManifestInvalid', findings);
        const targets = targetsOf(services, call);
        const change = {
          action: `actOnSyncs ${body.action}`,
          object: `${targets.length} Syncs`,
          after: {
            targets: targets.map(({ namespace, name }) => `${namespace}/${name}`),
            labels: body.labels,
          },
        };
        return await call.change(change, async () => {
          return await outcomesOf(targets, async (target) => {
            requireRole(caller, 'editor', target.namespace);
            await act(services, requireSync(services, target), body, caller.user);
          });
        });
      },
    }),
  ];
}

function targetsOf(
  { syncList }: Services,
  { body, caller }: Call<unknown, unknown, Body>,
): readonly Target[] {
  const { targets, query, expected } = body;
  if (targets && !query) return targets;
  if (!query || targets) {
    throw permanent('RequestMalformed', 'give either targets or query', {
      path: 'targets',
      fix: 'name the Syncs, or give the search that finds them',
    });
  }
  const found = [...syncList.matching(syncQuery.parse(query), scopeOf(caller, 'editor'))];
  if (found.length > Math.min(expected ?? mostTargets, mostTargets)) {
    throw permanent('VersionChanged', `${found.length} Syncs match now`, {
      path: 'expected',
      fix: 'look at the list again',
    });
  }
  return found;
}

async function act(
  { fleet }: Services,
  sync: FleetSync,
  { action, labels }: Body,
  user: string,
): Promise<void> {
  switch (action) {
    case 'suspend':
      return await fleet.suspend(sync, true);
    case 'resume':
      return await fleet.suspend(sync, false);
    case 'run-now':
    case 'restart':
      return await fleet.post(sync, { type: action, id: newRequestId(), by: user });
    case 'delete':
      return await fleet.deleteSync(sync);
    case 'label':
      return await fleet.label(sync, labels ?? {});
  }
}

/** Does something for each, some at a time. What is wrong with one does not stop the others. */
export async function outcomesOf<T extends Target>(
  targets: readonly T[],
  work: (target: T) => Promise<unknown>,
): Promise<z.input<typeof bulkResult>> {
  const turns = new Semaphore(concurrent);
  const items = await Promise.all(
    targets.map((target) => turns.use(undefined, () => outcomeOf(target, () => work(target)))),
  );
  const done = items.filter(({ outcome }) => outcome === 'done').length;
  return { items, done, refused: items.length - done };
}

async function outcomeOf({ namespace, name }: Target, work: () => Promise<unknown>) {
  try {
    await work();
    return { namespace, name, outcome: 'done' as const };
  } catch (thrown) {
    const error = asIdraError(thrown);
    if (error.disposition === 'bug') throw thrown;
    return { namespace, name, outcome: 'refused' as const, code: error.code, message: describeError(error) };
  }
}
