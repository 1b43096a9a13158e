import assert from 'node:assert/strict';
import { chmod, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import { tempFolder } from '../../e2e/kit/temp.ts';
import { idra } from '../test-cli.ts';

/** Simulates what kubectl would do with the cluster. */
const kubectl = (pods: string, exec: string) => `#!/bin/sh
if [ "$1" = get ]; then printf '${pods}'; exit 0; fi
echo "$@" >"$FAKE/call"; cat >"$FAKE/stdin"
${exec}
`;

describe('kubectl idra check, plan and discover', () => {
  let folder: string;
  before(async () => {
    folder = await tempFolder('in-agent-pod');
  });

  async function run(script: string, ...args: readonly string[]) {
    await writeFile(join(folder, 'kubectl'), script);
    await chmod(join(folder, 'kubectl'), 0o755);
    const PATH = `${folder}:${process.env.PATH}`;
    return await idra(args, { IDRA_KUBECTL_PLUGIN: '1', PATH, FAKE: folder });
  }
  const recorded = async (file: string) => (await readFile(join(folder, file), 'utf8')).trim();

  test('run in the pod of an agent, with its exit status', async () => {
    const found = await run(
      kubectl(
        'idra idra-agent-0\\nidra idra-agent-1\\n',
        'echo DataSource; echo "command terminated with exit code 1" >&2; exit 1',
      ),
      'check',
      '-n',
      'team-a',
      '-o',
      'json',
    );
    assert.deepEqual([found.status, found.out, found.err], [1, 'DataSource\n', '']);
    assert.equal(
      await recorded('call'),
      'exec -n idra idra-agent-0 -c agent -- /app/bin/idra check -o json -n team-a',
    );
    await run(kubectl('idra idra-agent-0\\n', 'echo NAME'), 'discover', 'shop');
    assert.match(await recorded('call'), /idra discover shop$/);
  });

  test('send the manifests of a file to the pod, without their Secrets', async () => {
    const file = join(folder, 'shop.yaml');
    await writeFile(
      file,
      `apiVersion: v1
kind: Secret
metadata: { name: shop-db }
stringData: { password: hunter2 }
---
apiVersion: idra.dev/v1alpha1
kind: DataSource
metadata: { name: shop }
spec: { postgres: { host: db, database: shop, user: idra } }
`,
    );
    const done = await run(kubectl('idra idra-agent-0\\n', 'echo planned'), 'plan', '-f', file, '--agents');
    assert.deepEqual([done.status, done.out], [0, 'planned\n']);
    assert.match(await recorded('call'), /^exec -i -n idra .* plan -f - --agents$/);
    assert.match(await recorded('stdin'), /"name":"shop"/);
    assert.doesNotMatch(await recorded('stdin'), /hunter2/);
  });

  test('without an agent or the right to use it they end with status 3 and name alternatives', async () => {
    const none = await run(kubectl('', ''), 'check');
    assert.deepEqual([none.status, none.out], [3, '']);
    assert.match(none.err, /no agent runs in this cluster; check from this machine with -f PATH/);
    const refused = await run(
      kubectl('idra idra-agent-0\\n', 'echo "Error from server (Forbidden): pods is forbidden" >&2; exit 1'),
      'check',
    );
    assert.equal(refused.status, 3);
    assert.match(refused.err, /Forbidden.*IDRA_ETCD_ENDPOINTS/);
  });
});
