import { isMainThread } from 'node:worker_threads';
import { type CrashPoint, installCrashHook } from '../../core/crash-points.ts';
import { projectFolder } from './processes.ts';

/** Kills its own process with SIGKILL when a crash point is reached for the nth time, over all syncs; or hangs there forever. */
export interface KillOrder {
  readonly at: CrashPoint;
  readonly count: number;
  readonly how?: 'kill' | 'hang';
}

const variable = 'IDRA_TEST_KILL';

/** Environment of a process that is to be killed; this file is loaded into it by `node --import`. */
export function killedAt(order: KillOrder): Record<string, string> {
  return {
    NODE_OPTIONS: `--import=${projectFolder}/e2e/kit/kill-hook.ts`,
    [variable]: JSON.stringify(order),
  };
}

const given = process.env[variable];
if (given && isMainThread) {
  const { at, count, how = 'kill' } = JSON.parse(given) as KillOrder;
  let left = count;
  installCrashHook(async (point) => {
    if (point !== at || --left !== 0) return;
    if (how === 'kill') process.kill(process.pid, 'SIGKILL');
    console.error(`hangs at ${at}`);
    await new Promise(() => {});
  });
  // A caller that waits for an answer keeps the process alive.
  if (how === 'hang') setInterval(() => {}, 1_000);
}
