import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { KubernetesClient } from '../../operator/runtime/client.ts';
import { SecretStore } from './secret-store.ts';

test('a Secret that was not created by Idra is refused; on an API server: e2e/chart-rights.test.ts', async () => {
  const client = { get: async () => ({ type: 'Opaque', data: { password: 'eA==' } }) };
  const store = new SecretStore(client as unknown as KubernetesClient, 'idra', 'idra-etcd');
  await assert.rejects(store.read('api'), { code: 'SecretTaken' });
});
