import { definitionOf, manifests } from '../connectors/catalog.ts';
import { connectCoordination } from '../coordination/connect.ts';
import type { AgentSession } from '../coordination/contract.ts';
import { systemClock } from '../core/clock.ts';
import { describeError, IdraError } from '../core/errors.ts';
import type { Log } from '../core/log.ts';
import { version } from '../core/version.ts';
import { forbidCoreDumps } from '../process/core-dumps.ts';
import type { Environment } from '../process/environment.ts';
import { exitSoon } from '../process/exit-soon.ts';
import { type HealthServer, startHealthServer } from '../process/health-server.ts';
import { limitDrain } from '../process/limit-drain.ts';
import { makeProcessLog } from '../process/process-log.ts';
import { stopOnSignals } from '../process/stop-signals.ts';
import { type AgentConfig, readAgentConfig } from './config.ts';
import { withFileFolder } from './file-folder.ts';
import { joinCluster, Membership, type MembershipDeps } from './membership.ts';
import { AgentMetrics } from './metrics.ts';
import { openSecrets } from './secrets/open-secrets.ts';
import { withinNamespaces } from './watched-namespaces.ts';

/** 0: regular exit; 1: exit while a sync was still working; 2: invalid environment; 3: etcd permanently refuses this agent. */
type AgentStatus = 0 | 1 | 2 | 3;

/** The agent process: a member of the cluster until SIGTERM or SIGINT, even across losses of etcd. */
export async function runAgent(env: Environment): Promise<AgentStatus> {
  forbidCoreDumps();
  const config = readConfig(env);
  if (config instanceof IdraError) {
    process.stderr.write(`idra agent: ${describeError(config)}\n`);
    return statusOf(config);
  }
  const log = makeProcessLog(config.log, { agent: config.name });
  const signals = stopOnSignals((name) =>
    log.info('stopping; send the signal again to exit immediately', { signal: name }),
  );
  // The drain has its own limits; this one applies to anything that hangs.
  const drain = limitDrain(signals.signal, config.drainTimeoutMs + leaveMs, () =>
    log.warn('exiting although a task does not end'),
  );
  const life = new AgentLife(config, log);
  try {
    return await life.run(env, signals.signal);
  } catch (error) {
    log.error('agent stopped', { error });
    return statusOf(error);
  } finally {
    await life.close();
    drain.dispose();
    signals.dispose();
    exitSoon();
  }
}

/** Time to release lock and lease after the drain. */
const leaveMs = 6_000;

/** Errors that waiting cannot fix: etcd refuses this agent, or the environment is wrong beyond its variables. */
function statusOf(error: unknown): AgentStatus {
  if (!(error instanceof IdraError) || error.disposition !== 'permanent') return 1;
  return error.code.startsWith('Etcd') ? 3 : 2;
}

function readConfig(env: Environment): AgentConfig | IdraError {
  try {
    return readAgentConfig(env);
  } catch (error) {
    if (error instanceof IdraError && error.disposition === 'permanent') return error;
    throw error;
  }
}

class AgentLife {
  readonly #config: AgentConfig;
  readonly #log: Log;
  readonly #coordination;
  readonly #metrics: AgentMetrics;
  #session: AgentSession | undefined;
  #isLeader = false;
  #health: HealthServer | undefined;

  constructor(config: AgentConfig, log: Log) {
    this.#config = config;
    this.#log = log;
    this.#coordination = connectCoordination(config.etcd);
    this.#metrics = new AgentMetrics({
      leaseLeftMs: () => (this.#isMember() ? this.#session?.leaseLeftMs() : undefined),
      isLeader: () => this.#isLeader,
    });
  }

  async run(env: Environment, signal: AbortSignal): Promise<AgentStatus> {
    const { name, labels, healthPort, etcd } = this.#config;
    this.#log.info('agent started', { version, labels, etcd: etcd.endpoints.join(',') });
    if (healthPort !== undefined) await this.#serveHealth(healthPort);
    const deps: MembershipDeps = {
      config: this.#config,
      coordination: this.#coordination,
      manifests: withinNamespaces(manifests, this.#config.watchNamespaces),
      definitionOf: withFileFolder(definitionOf, this.#config.sqliteRoot),
      secrets: await openSecrets(this.#config, env, systemClock, manifests),
      metrics: this.#metrics,
      clock: systemClock,
      log: this.#log,
      onLeading: (isLeader) => {
        this.#isLeader = isLeader;
      },
    };
    while (!signal.aborted) {
      const session = await joinCluster(deps, signal).catch((error: unknown) => {
        if (!signal.aborted) throw error;
      });
      if (!session) break;
      this.#session = session;
      this.#log.info('joined the cluster', { name, instance: session.agent.instance });
      const end = await new Membership(deps, session).run(signal);
      this.#session = undefined;
      if (end === 'left') this.#log.info('left the cluster');
      if (end === 'leftInHaste') return 1;
    }
    return 0;
  }

  async close(): Promise<void> {
    await this.#health?.close();
    await this.#coordination.close();
  }

  #isMember(): boolean {
    return this.#session !== undefined && !this.#session.signal.aborted;
  }

  async #serveHealth(port: number): Promise<void> {
    this.#health = await startHealthServer({
      port,
      host: this.#config.healthAddress,
      ready: {
        member: () =>
          this.#isMember() || 'not a member of the cluster: etcd does not answer, or the agent name is taken',
      },
      metrics: this.#metrics.registry,
    });
    this.#log.info('serving health and metrics', { port: this.#health.port });
  }
}
