import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { tempFolder } from '../e2e/kit/temp.ts';
import { loadClusterAccess } from './kubernetes-access.ts';

test('the credentials of a kubeconfig are sent by https only', async () => {
  const path = join(await tempFolder('kubernetes-access'), 'config');
  const headers = async (server: string) => {
    const config = {
      'current-context': 'c',
      contexts: [{ name: 'c', context: { cluster: 'k', user: 'u' } }],
      clusters: [{ name: 'k', cluster: { server } }],
      users: [{ name: 'u', user: { token: 'secret-token' } }],
    };
    await writeFile(path, JSON.stringify(config));
    const access = await loadClusterAccess({ env: { KUBECONFIG: path } });
    return (await access.credentials(true)).headers;
  };
  assert.deepEqual(await headers('http://127.0.0.1:8001'), {});
  assert.equal((await headers('https://127.0.0.1:6443')).Authorization, 'Bearer secret-token');
});
