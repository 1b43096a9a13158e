import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { runCommand, runOrFail, startIdra, startProcess } from './processes.ts';
import { tempFolder } from './temp.ts';
import { until } from './wait.ts';

const here = import.meta.dirname;

test('keeps lines of both streams and returns the exit status', async () => {
  const running = await startProcess('sh', ['-c', 'echo out; echo err >&2; exit 3']);
  assert.deepEqual(await running.waitForExit(), { code: 3, signal: null });
  assert.deepEqual([running.stdout, running.stderr], [['out'], ['err']]);
});

test('waits for a line, and reports what was printed when the process ends without it', async () => {
  const running = await startProcess('sh', ['-c', 'echo starting; exec sleep 1000'], { name: 'talker' });
  assert.equal(await running.waitForLine(/^start/), 'starting');
  running.kill('SIGKILL');
  await assert.rejects(
    running.waitForLine('never'),
    /talker ended with signal SIGKILL before it printed never\n {2}\| starting/,
  );
});

test('stop sends SIGTERM, and SIGKILL if it is ignored', async () => {
  const polite = await startProcess('sh', [
    '-c',
    'trap "exit 0" TERM; echo ready; while :; do sleep 0.05; done',
  ]);
  await polite.waitForLine('ready');
  assert.deepEqual(await polite.stop(), { code: 0, signal: null });

  const deaf = await startProcess('sh', ['-c', 'trap "" TERM; echo ready; while :; do sleep 0.05; done']);
  await deaf.waitForLine('ready');
  assert.deepEqual(await deaf.stop(100), { code: null, signal: 'SIGKILL' });
});

test('an error names a command that cannot be started', async () => {
  await assert.rejects(startProcess('/nowhere/at-all', []), /at-all could not be started/);
});

test('environment variables can be added and removed', async () => {
  const env = { IDRA_KIT_GIVEN: 'yes', HOME: undefined };
  const running = await startProcess('sh', ['-c', 'test -n "$PATH"; echo "$IDRA_KIT_GIVEN-$?-$HOME-"'], {
    env,
  });
  assert.equal(await running.waitForLine(/-/), 'yes-0--');
});

test('runCommand passes input and returns status and streams; runOrFail throws with them', async () => {
  const result = await runCommand('sh', ['-c', 'cat; echo oh >&2; exit 4'], { input: 'in' });
  assert.deepEqual(result, { code: 4, stdout: 'in', stderr: 'oh\n' });
  await assert.rejects(runOrFail('sh', ['-c', 'echo oh >&2; exit 4']), /status 4\noh/);
});

test('startIdra runs the command of this checkout', async () => {
  const idra = await startIdra(['--version']);
  await idra.waitForExit();
  assert.equal(idra.name, 'idra --version');
});

for (const signal of ['SIGKILL', 'SIGINT', 'SIGTERM'] as const) {
  test(`processes and folders are removed when their starter ends by ${signal}`, async () => {
    const folder = await tempFolder('starter');
    const script = join(folder, 'starter.ts');
    await writeFile(
      script,
      `import { startProcess } from '${here}/processes.ts';
       import { tempFolder } from '${here}/temp.ts';
       const one = await startProcess('sleep', ['1000']);
       const two = await startProcess('sh', ['-c', 'sleep 1000 & echo $!; wait']);
       console.log('started', one.pid, two.pid, await two.waitForLine(/./), await tempFolder('with space in it'));
       setInterval(() => {}, 1000);`,
    );
    const starter = await startProcess(process.execPath, [script]);
    const [, one, two, child, ...rest] = (await starter.waitForLine('started')).split(' ');
    const made = rest.join(' ');
    assert.ok([one, two, child].every((pid) => isAlive(Number(pid))) && existsSync(made));

    starter.kill(signal);

    await starter.waitForExit();
    const gone = () => ![one, two, child].some((pid) => isAlive(Number(pid))) && !existsSync(made);
    await until(gone, { what: 'everything to be gone' });
  });
}

/** A process that has ended but has not been waited for is not alive. */
function isAlive(pid: number): boolean {
  return existsSync(`/proc/${pid}/exe`) && existsSync(`/proc/${pid}/cwd/.`);
}

test('a command that is ended by its time limit is an error, also if it ends with status 0', async () => {
  const args = ['-c', 'trap "exit 0" TERM; while :; do sleep 0.05; done'];
  await assert.rejects(runCommand('sh', args, { timeoutMs: 1_000 }), /sh .* did not end within 1000 ms/);
});
