import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { type KubernetesApi, kubernetesApi } from '../servers.ts';
import { until } from '../wait.ts';

describe('kubernetesApi', () => {
  let api: KubernetesApi;
  before(async () => {
    api = await kubernetesApi();
  });
  after(async () => {
    await api.stop();
    assert.equal(existsSync(api.kubeconfigPath), false);
  });

  test('applies manifests and answers kubectl', async () => {
    await api.apply('apiVersion: v1\nkind: ConfigMap\nmetadata: { name: one }\ndata: { a: b }\n');
    const { code, stdout } = await api.kubectl(['get', 'configmap', 'one', '-o', 'jsonpath={.data.a}']);
    assert.deepEqual([code, stdout], [0, 'b']);
    await assert.rejects(
      api.apply('apiVersion: v1\nkind: ConfigMap\nmetadata: { name: Not Valid }\n'),
      /Invalid value/,
    );
  });

  test('a service account may do what RBAC grants it, and nothing else', async () => {
    const { kubeconfigPath, user } = await api.serviceAccount('team', 'reader');
    const ask = () => api.kubectl(['get', 'configmaps', '-n', 'team'], { kubeconfigPath });
    assert.match((await ask()).stderr, new RegExp(`Forbidden.*${user}`));
    const role = ['create', 'role', 'reader', '-n', 'team', '--verb=list', '--resource=configmaps'];
    const binding = [
      'create',
      'rolebinding',
      'reader',
      '-n',
      'team',
      '--role=reader',
      '--serviceaccount=team:reader',
    ];
    for (const command of [role, binding]) assert.equal((await api.kubectl(command)).code, 0);
    await until(async () => (await ask()).code === 0, { what: 'the grant to be seen' });
  });
});
