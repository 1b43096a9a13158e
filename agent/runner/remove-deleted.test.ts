import assert from 'node:assert/strict';
import { test } from 'node:test';
import { manifests } from '../../connectors/catalog.ts';
import { syncOf } from '../../coordination/test-objects.ts';
import type { SecretReader } from '../../core/access.ts';
import { systemClock } from '../../core/clock.ts';
import type { SystemAccess } from '../../core/connector.ts';
import { permanent } from '../../core/errors.ts';
import { silentLog } from '../../core/log.ts';
import { Secret } from '../../core/secret.ts';
import { noProgress, type SyncProgress } from '../../core/sync-store.ts';
import { makeToken } from '../../core/token.ts';
import type { RunContext } from '../engine/context.ts';
import { removeDeleted } from './remove-deleted.ts';

/** What happens to a deleted Sync whose Secret is gone. */
async function removed(progress: SyncProgress, lastKnown: SecretReader['lastKnown']) {
  const done: string[] = [];
  const stop = new AbortController();
  const openDestination = async (access: SystemAccess) => {
    done.push(`opened with ${access.secret('password')?.reveal()}`);
    return {
      commitRows: async () => [],
      closeRows: async () => void done.push('rows closed'),
      close: async () => {},
    };
  };
  const secrets: SecretReader = {
    read: async () => {
      throw permanent('SecretNotFound', 'there is no Secret');
    },
    ...(lastKnown && { lastKnown }),
  };
  const passwordSecretRef = { name: 'shop-db', key: 'password' };
  const context = {
    sync: syncOf('u'),
    destination: manifests.readDataSource({
      uid: 'd',
      namespace: 'default',
      name: 'shop',
      generation: 1,
      spec: { postgres: { host: 'db', database: 'd', user: 'u', passwordSecretRef } },
    }),
    secrets,
    definitionOf: () => ({ load: async () => ({ openDestination }) }),
    lock: {
      token: makeToken(0, 7n),
      signal: new AbortController().signal,
      readProgress: async () => progress,
      report: ({ reason }: { readonly reason: string }) => {
        done.push(`reported ${reason}`);
        stop.abort();
      },
    },
    clock: systemClock,
    log: silentLog,
    agentName: 'a',
  } as unknown as RunContext;
  const coordination = {
    desired: { purgeSync: async () => void done.push('purged'), getSync: async () => ({ uid: 'u' }) },
    reports: { readStatus: async () => undefined },
  };
  await removeDeleted(context, coordination as never, stop.signal);
  return done;
}

const claimed: SyncProgress = { ...noProgress, mayHaveRow: true };

test('a Sync that was never claimed is purged without connecting to its destination', async () => {
  assert.deepEqual(await removed(noProgress, undefined), ['purged']);
});

test('a Secret that was deleted first is still known, and is used to close the rows', async () => {
  const known = () => new Secret('hunter2');
  assert.deepEqual(await removed(claimed, known), ['opened with hunter2', 'rows closed', 'purged']);
  assert.deepEqual(await removed(claimed, undefined), ['reported SecretNotFound']);
});
