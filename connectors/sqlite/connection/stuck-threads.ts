import { transient } from '../../../core/errors.ts';

/** How long a thread may take to end before its owner continues without it. */
const patienceMs = 2_000;

/** Files with threads that have not ended, and how many. */
const stuck = new Map<string, number>();

/**
 * Waits for a thread to end, but not forever: SQLite cannot be interrupted, and a view in a crafted file may never end. The thread keeps
 * running, and until it ends no other thread is started for its file, since each would use a whole processor.
 */
export async function ended(file: string, ending: Promise<unknown>, waitMs = patienceMs): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const isLate = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(true), waitMs);
  });
  if (!(await Promise.race([ending.then(() => false), isLate]))) {
    clearTimeout(timer);
    return;
  }
  if (stuck.size === 0) process.on('exit', killThisProcess);
  stuck.set(file, (stuck.get(file) ?? 0) + 1);
  void ending.finally(() => {
    const left = (stuck.get(file) ?? 1) - 1;
    if (left > 0) stuck.set(file, left);
    else stuck.delete(file);
    if (stuck.size === 0) process.off('exit', killThisProcess);
  });
}

/** A process that exits waits for its threads, and these do not end. */
function killThisProcess(): void {
  process.kill(process.pid, 'SIGKILL');
}

/** Throws StatementStuck. */
export function requireNoneStuck(file: string): void {
  if (!stuck.has(file)) return;
  throw transient('StatementStuck', `${file}: an earlier statement is still running after it was abandoned`, {
    path: 'spec.sqlite.path',
    fix: 'find the view or query that does not end; restart the agent if the statement never ends',
  });
}
