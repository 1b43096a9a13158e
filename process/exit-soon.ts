const patienceMs = 2_000;

/**
 * Called at the end of a long-lived process, after everything it holds has been released. Work that still hangs (a driver in a batch, a
 * connection to an etcd that does not answer) must not keep the process until it is killed. `process.exitCode` is the exit status.
 */
export function exitSoon(afterMs = patienceMs): void {
  setTimeout(() => process.exit(), afterMs).unref();
}
