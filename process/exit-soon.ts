const patienceMs = 2_000;

/**
 * For the end of a long-lived process, when all that it had to give back is given back: what still hangs (a driver in a batch, a
 * connection to an etcd that gives no answer) must not keep it until it is killed. The exit status is `process.exitCode` by then.
 */
export function exitSoon(afterMs = patienceMs): void {
  setTimeout(() => process.exit(), afterMs).unref();
}
