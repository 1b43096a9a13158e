import { collectDefaultMetrics, Registry } from 'prom-client';
import { readApiConfig } from '../../api/config.ts';
import { startApi } from '../../api/run.ts';
import { systemClock } from '../../core/clock.ts';
import { permanent } from '../../core/errors.ts';
import type { Log } from '../../core/log.ts';
import { forbidCoreDumps } from '../../process/core-dumps.ts';
import { EnvironmentReader } from '../../process/environment.ts';
import { exitSoon } from '../../process/exit-soon.ts';
import { type HealthServer, readHealthAddress, startHealthServer } from '../../process/health-server.ts';
import { makeProcessLog, readLogConfig } from '../../process/process-log.ts';
import type { Cli } from '../cli.ts';
import { type ExitStatus, exitStatus } from '../exit-status.ts';
import { stopOnSignals } from '../single/stop-signals.ts';
import { openEtcdInstallation, openKubernetesInstallation } from './cluster-installation.ts';
import type { ApiCommandOptions, OpenInstallation } from './contract.ts';
import { openSingleInstallation } from './single-installation.ts';

/** Serves until SIGTERM or SIGINT. */
export async function serveApi(cli: Cli, options: ApiCommandOptions): Promise<ExitStatus> {
  forbidCoreDumps();
  const reader = new EnvironmentReader(cli.env);
  const config = readApiConfig(reader, options);
  const log = makeProcessLog(readLogConfig(reader));
  const signals = stopOnSignals((text) => cli.err.write(text));
  const installation = await open(cli, options, log, signals.signal);
  try {
    const api = await startApi({ ...installation, config, log, clock: systemClock });
    const health = await startHealth(reader, installation);
    // The address is the answer of the command: a script reads it from standard output.
    cli.out.write(`${api.url}\n`);
    if (api.awaitsFirstLogin)
      cli.err.write('log in as admin with the password admin to set a password; it works only until then\n');
    await Promise.race([aborted(signals.signal), installation.running ?? never]);
    await Promise.all([api.close(), health?.close()]);
    return exitStatus.ok;
  } finally {
    await installation.close();
    signals.dispose();
    exitSoon();
  }
}

/** For the kubelet and Prometheus, on a port of its own. */
async function startHealth(
  reader: EnvironmentReader,
  { view }: OpenInstallation,
): Promise<HealthServer | undefined> {
  const port = reader.port('IDRA_HEALTH_PORT');
  if (port === undefined) return undefined;
  const metrics = new Registry();
  collectDefaultMetrics({ register: metrics });
  let isSynced = false;
  view.isSynced.then(
    () => {
      isSynced = true;
    },
    () => {},
  );
  // An outage of etcd is shown to users with its time; another replica would have the same.
  const ready = { lists: () => isSynced || 'the initial list is not complete' };
  return await startHealthServer({ port, host: readHealthAddress(reader), ready, metrics });
}

const never = new Promise<void>(() => {});

async function open(
  cli: Cli,
  options: ApiCommandOptions,
  log: Log,
  stop: AbortSignal,
): Promise<OpenInstallation> {
  if (options.filename !== undefined)
    return await openSingleInstallation(cli, { ...options, filename: options.filename }, stop);
  const isKubernetes =
    options.kubernetes || options.context !== undefined || options.kubeconfig !== undefined;
  if (!cli.env.IDRA_ETCD_ENDPOINTS) {
    throw permanent('NoTarget', 'there is nothing to serve', {
      fix: 'give -f PATH for single mode, or set IDRA_ETCD_ENDPOINTS (users, agents and locks are there, with Kubernetes too)',
    });
  }
  if (isKubernetes || cli.env.IDRA_API_KUBERNETES === 'true')
    return await openKubernetesInstallation(cli, options, log);
  return await openEtcdInstallation(cli);
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
