import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { openStateFile } from '../coordination/single/state-file.ts';
import { projectFolder, runCommand } from '../e2e/kit/processes.ts';
import { tempFolder } from '../e2e/kit/temp.ts';

test('the state file of this folder is preferred to a KUBECONFIG set in the environment', async () => {
  const folder = await tempFolder('open-fleet');
  const call = (env: NodeJS.ProcessEnv = {}) =>
    runCommand(`${projectFolder}/bin/idra`, ['offset', 'get', 'orders'], {
      cwd: folder,
      env: { ...process.env, KUBECONFIG: '/no/such/file', IDRA_ETCD_ENDPOINTS: '', ...env },
    });
  assert.match((await call()).stderr, /\/no\/such\/file/);
  await mkdir(join(folder, '.idra'));
  const state = openStateFile(join(folder, '.idra/state.db'));
  state.identify('default', 'orders');
  state.close();
  const own = await call();
  assert.equal(own.stdout, 'none\n', own.stderr);
  assert.match(own.stderr, /state file .*; for the cluster of KUBECONFIG use kubectl idra/);
  assert.match((await call({ IDRA_KUBECTL_PLUGIN: '1' })).stderr, /\/no\/such\/file/);
});

test('a command of clusters says what to use instead: in single mode, on Kubernetes, and where there is nothing', async () => {
  const folder = await tempFolder('no-etcd');
  const call = async (args: readonly string[], env: NodeJS.ProcessEnv = {}) => {
    const all = { ...process.env, KUBECONFIG: '', IDRA_ETCD_ENDPOINTS: '', ...env };
    const { code, stderr } = await runCommand(`${projectFolder}/bin/idra`, args, { cwd: folder, env: all });
    assert.equal(code, 3, stderr);
    return stderr.replaceAll('\n', ' ');
  };
  const get = ['get', 'syncs'];
  assert.match(
    await call(get),
    /no cluster is configured.*IDRA_ETCD_ENDPOINTS.*kubectl get syncs.*idra run -f/,
  );
  assert.match(await call(get, { KUBECONFIG: '/no/such/file' }), /not for Kubernetes.*kubectl get syncs/);
  assert.match(await call(['offset', 'get', 'orders']), /in the folder of idra run.*--state FILE/);
  await mkdir(join(folder, '.idra'));
  openStateFile(join(folder, '.idra/state.db')).close();
  for (const args of [get, ['describe', 'sync', 'orders'], ['delete', 'sync', 'orders']])
    assert.match(await call(args), /state file of single mode.*idra run -f FILE --once.*idra offset get/);
  assert.match(await call(get, { IDRA_KUBECTL_PLUGIN: '1' }), /not for Kubernetes.*kubectl get syncs/);
});
