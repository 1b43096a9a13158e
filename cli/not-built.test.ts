import assert from 'node:assert/strict';
import { chmod, copyFile, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { projectFolder, runCommand } from '../e2e/kit/processes.ts';
import { tempFolder } from '../e2e/kit/temp.ts';

test('a clone in which make build has not run reports this, whatever Node the machine has', async () => {
  const folder = await tempFolder('not-built');
  await mkdir(join(folder, 'bin'));
  await copyFile(`${projectFolder}/bin/idra`, join(folder, 'bin/idra'));
  await mkdir(join(folder, 'tools'));
  for (const version of ['v20.20.2', 'v24.21.0', undefined]) {
    const node = version === undefined ? '#!/bin/sh\nexit 127\n' : `#!/bin/sh\necho ${version}\n`;
    await writeFile(join(folder, 'tools/node'), node);
    await chmod(join(folder, 'tools/node'), 0o755);
    const { code, stdout, stderr } = await runCommand(join(folder, 'bin/idra'), ['run', '-f', 'shop.yaml'], {
      env: { PATH: `${folder}/tools:/usr/bin:/bin` },
    });
    assert.deepEqual([code, stdout], [3, ''], version);
    assert.match(stderr, /this clone is not built yet; run: make -C .* build/);
  }
});
