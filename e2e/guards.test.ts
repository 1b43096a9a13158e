import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import type { Guard } from './guards/guard.ts';
import { guards } from './guards/guards.ts';
import { projectFolder } from './kit/processes.ts';
import { onlyMissing } from './kit/servers/only-missing.ts';

/** Maximum number of runs of the model: the first violation ends it. */
const traces = 6_000;

describe('the removal of a guard is detected', { concurrency: 2 }, () => {
  for (const guard of guards) {
    test(guard.name, async () => {
      const { status, output } = await runWithout(guard);
      const missing = onlyMissing(output);
      if (missing) throw missing;
      assert.ok(output.includes(`guard removed: ${guard.name}`), output);
      assert.equal(status, 1, `no test has failed:\n${output}`);
      assert.match(output, guard.caughtBy === 'model' ? /^seed \d+: /m : /^ℹ fail [1-9]/m);
    });
  }
});

async function runWithout(guard: Guard): Promise<{ status: number | null; output: string }> {
  const { caughtBy, seed = 1 } = guard;
  const args =
    caughtBy === 'model'
      ? ['e2e/model/run.ts', '--traces', String(traces), '--seed', String(seed), '--threads', '1']
      : [
          '--test',
          '--test-reporter=spec',
          // Without its guard a test may wait forever.
          '--test-timeout=120000',
          // A test that fails halfway leaves connections open, which would keep its process alive.
          '--test-force-exit',
          ...(caughtBy.only ? ['--test-name-pattern', caughtBy.only] : []),
          caughtBy.test,
        ];
  const imports = ['e2e/guards/remove.ts', 'tools/blocking-output.ts']
    .map((file) => `--import=${join(projectFolder, file)}`)
    .join(' ');
  const { NODE_TEST_CONTEXT: _ours, ...env } = process.env;
  const child = spawn(process.execPath, args, {
    cwd: projectFolder,
    env: { ...env, NODE_OPTIONS: imports, IDRA_REMOVED_GUARD: guard.name, IDRA_TEST_PATIENCE_MS: '15000' },
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8');
    stream.on('data', (text: string) => {
      output += text;
    });
  }
  const status = await new Promise<number | null>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', resolve);
  });
  return { status, output };
}
