import { randomUUID } from 'node:crypto';
import type { AgentSession, Coordination, Watching } from '../coordination/contract.ts';
import { firstAborted } from '../core/aborted.ts';
import type { SecretReader } from '../core/access.ts';
import { backoffMs } from '../core/backoff.ts';
import type { Clock } from '../core/clock.ts';
import { asIdraError, IdraError, Stopped } from '../core/errors.ts';
import type { Log } from '../core/log.ts';
import type { ManifestReader } from '../core/manifest/reader.ts';
import { version } from '../core/version.ts';
import type { AgentConfig } from './config.ts';
import type { RunContext } from './engine/context.ts';
import { withTrials } from './first-contact.ts';
import { keepTrends } from './keep-trends.ts';
import { standForElection } from './lead/lead.ts';
import type { MovePlanner } from './lead/planned-moves.ts';
import type { AgentMetrics } from './metrics.ts';
import { answerProbe } from './probe-answers.ts';
import { AssignmentRunner } from './runner/runner.ts';
import { ThrottledWarnings } from './throttled-warnings.ts';

export interface MembershipDeps {
  readonly config: Pick<AgentConfig, 'name' | 'labels' | 'leaseTtlMs' | 'drainTimeoutMs' | 'bytesInFlight'>;
  readonly coordination: Coordination;
  readonly manifests: Pick<ManifestReader, 'readSync' | 'readDataSource'>;
  readonly definitionOf: RunContext['definitionOf'];
  readonly secrets: SecretReader;
  readonly metrics: AgentMetrics;
  readonly clock: Clock;
  readonly log: Log;
  readonly onLeading: (isLeader: boolean) => void;
}

/** Share of the drain timeout reserved for stopping the syncs that the leader has not moved away. */
const ownStopShare = 0.3;

/**
 * Joins; waits for etcd, or for an agent of the same name to leave, as long as it takes. Throws errors that waiting cannot fix, or the
 * signal's reason.
 */
export async function joinCluster(
  { coordination, config, clock, log }: MembershipDeps,
  signal: AbortSignal,
): Promise<AgentSession> {
  const warnings = new ThrottledWarnings(log, clock);
  for (let failures = 1; ; failures++) {
    signal.throwIfAborted();
    try {
      const agent = { name: config.name, labels: config.labels, version, instance: randomUUID() };
      return await coordination.join(agent, { leaseTtlMs: config.leaseTtlMs });
    } catch (error) {
      if (!(error instanceof IdraError) || error.disposition === 'permanent') throw error;
      warnings.warn(`cannot join the cluster yet (${error.code}); will retry`, error);
      await clock.sleep(backoffMs(failures, { maxMs: 2_000 }), signal);
    }
  }
}

/** Lasts from joining to leaving or the loss of the lease. */
export class Membership {
  readonly #deps: MembershipDeps;
  readonly #session: AgentSession;
  readonly #runner: AssignmentRunner;
  readonly #watches: readonly Watching[];
  readonly #endOfLeading = new AbortController();
  readonly #trends: Promise<void>;
  readonly #leading: Promise<void>;

  constructor(deps: MembershipDeps, session: AgentSession) {
    this.#deps = deps;
    this.#session = session;
    const { coordination, clock, log } = deps;
    const warnings = new ThrottledWarnings(log, clock);
    const onError = (error: Error) => {
      if (!session.signal.aborted) warnings.warn('etcd cannot be watched; will retry', error);
    };
    const { name, instance } = session.agent;
    const definitionOf = withTrials(deps.definitionOf, coordination.trials, { agent: name, instance });
    this.#runner = new AssignmentRunner({
      ...deps,
      definitionOf,
      session,
      bytesInFlight: deps.config.bytesInFlight,
    });
    let planner: MovePlanner | undefined;
    this.#watches = [
      session.watchAssignments((assignments) => this.#runner.follow(assignments), onError),
      coordination.probes.answer(
        session,
        session.agent.labels,
        (probe) => answerProbe({ ...deps, definitionOf, session, planner: () => planner }, probe),
        onError,
      ),
    ];
    let isLeader = false;
    const onLeading = (is: boolean) => {
      isLeader = is;
      deps.onLeading(is);
    };
    this.#leading = standForElection(
      {
        ...deps,
        onLeading,
        onPlanner: (now) => {
          planner = now;
        },
        session,
        onWatchError: onError,
      },
      this.#endOfLeading.signal,
    );
    this.#trends = keepTrends(
      {
        coordination,
        agent: name,
        clock,
        statuses: () => deps.metrics.statuses(),
        isLeader: () => isLeader,
        warnings,
      },
      AbortSignal.any([this.#endOfLeading.signal, session.signal]),
    );
  }

  /**
   * `lost`: all syncs have stopped, before any other agent could acquire their locks. Otherwise the signal has fired, and the agent has
   * left.
   */
  async run(signal: AbortSignal): Promise<'lost' | 'left' | 'leftInHaste'> {
    const { log } = this.#deps;
    const first = await firstAborted(signal, this.#session.signal);
    const isDrained = first === signal && (await this.#drain());
    if (this.#session.signal.aborted) {
      const syncs = this.#runner.names;
      log.warn('the lease is lost; all syncs of this agent are stopped', { syncs: syncs.length });
    }
    this.#endOfLeading.abort(new Stopped('shutdown'));
    await Promise.all([this.#leading, this.#trends]);
    await this.#session.leave().catch((error: unknown) => {
      log.warn('the lease could not be released; it will expire', { error });
    });
    await Promise.all([...this.#watches.map((watch) => watch.close()), this.#untilEnded()]);
    if (first !== signal) return 'lost';
    return isDrained ? 'left' : 'leftInHaste';
  }

  /** True: everything was moved away or had stopped in time. */
  async #drain(): Promise<boolean> {
    const { config, log, clock } = this.#deps;
    const { drainTimeoutMs } = config;
    log.info('draining: the leader moves the syncs of this agent to other agents', {
      syncs: this.#runner.names.length,
    });
    try {
      const given = this.#deadline(drainTimeoutMs * (1 - ownStopShare));
      await this.#session.setDraining().then(() => this.#untilEmptied(given));
      return true;
    } catch (error) {
      if (this.#session.signal.aborted) return false;
      log.warn('not all syncs were moved to other agents in time; they are stopped here', {
        syncs: this.#runner.names,
        ...(error instanceof Stopped ? {} : { error: asIdraError(error) }),
      });
    }
    this.#runner.stopAll('drain');
    const startMs = clock.monotonicMs();
    try {
      await this.#runner.untilEmpty(this.#deadline(drainTimeoutMs * ownStopShare));
      log.info('all syncs have stopped', { afterMs: Math.round(clock.monotonicMs() - startMs) });
      return true;
    } catch {
      if (!this.#session.signal.aborted)
        log.warn('leaving although syncs are still writing a batch', { syncs: this.#runner.names });
      return false;
    }
  }

  async #untilEmptied(signal: AbortSignal): Promise<void> {
    await this.#runner.untilEmpty(signal);
  }

  #deadline(ms: number): AbortSignal {
    const end = new AbortController();
    const { clock } = this.#deps;
    clock.sleep(ms, this.#session.signal).then(
      () => end.abort(new Stopped('deadline')),
      () => {},
    );
    return AbortSignal.any([end.signal, this.#session.signal]);
  }

  /** A hanging driver does not prevent this agent from rejoining: its lock is gone, and the destination refuses its token. */
  async #untilEnded(): Promise<void> {
    const { clock, log, config } = this.#deps;
    const isLate = new AbortController();
    const late = clock.sleep(config.leaseTtlMs, isLate.signal).then(
      () => log.warn('waiting for syncs to stop', { syncs: this.#runner.names }),
      () => {},
    );
    await Promise.race([this.#runner.ended(), late]);
    isLate.abort();
  }
}
