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
