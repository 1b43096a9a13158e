import { isMainThread } from 'node:worker_threads';
import { type CrashPoint, installCrashHook } from '../../core/crash-points.ts';
import { projectFolder } from './processes.ts';

/** Kills its own process by SIGKILL when a crash point is reached for the nth time, over all syncs. */
export interface KillOrder {
  readonly at: CrashPoint;
  readonly count: number;
}

const variable = 'IDRA_TEST_KILL';

/** Environment of a process that shall die so; this file is loaded into it by `node --import`. */
export function killedAt(order: KillOrder): Record<string, string> {
  return {
    NODE_OPTIONS: `--import=${projectFolder}/e2e/kit/kill-hook.ts`,
    [variable]: JSON.stringify(order),
  };
}

const given = process.env[variable];
if (given && isMainThread) {
  const { at, count } = JSON.parse(given) as KillOrder;
  let left = count;
  installCrashHook((point) => {
    if (point === at && --left === 0) process.kill(process.pid, 'SIGKILL');
  });
}
