import { randomBytes } from 'node:crypto';
import { type Clock, systemClock } from '../../core/clock.ts';
import { asIdraError, describeError, Stopped } from '../../core/errors.ts';
import type { Log } from '../../core/log.ts';
import { hasCode } from './api-errors.ts';
import type { KubernetesClient } from './client.ts';
import { type KubernetesObject, microTime, type ObjectRef, type Resource } from './objects.ts';

export const leases: Resource = {
  group: 'coordination.k8s.io',
  version: 'v1',
  plural: 'leases',
  kind: 'Lease',
};

interface Lease extends KubernetesObject {
  readonly spec?: LeaseSpec;
}

interface LeaseSpec {
  readonly holderIdentity?: string;
  readonly leaseDurationSeconds?: number;
  readonly acquireTime?: string;
  readonly renewTime?: string;
  readonly leaseTransitions?: number;
}

export interface LeaderElectionOptions {
  readonly client: Pick<KubernetesClient, 'get' | 'create' | 'patch'>;
  readonly lease: ObjectRef;
  /** Readable name of this process; a random suffix is added. */
  readonly name: string;
  readonly log: Log;
  /** The others wait this long, by their own clocks, after the last renewal that they saw. Default 15 s; whole seconds. */
  readonly leaseDurationMs?: number;
  /** The leader stops this long after it sent the last confirmed renewal. Default 10 s; must be less than the lease. */
  readonly renewDeadlineMs?: number;
  /** Between renewals, and between attempts of the others. Default 2 s. */
  readonly retryMs?: number;
  readonly clock?: Clock;
  readonly random?: () => number;
}

/** One term of leadership. */
export interface Leadership {
  /** Fires with Stopped('lease-lost') before another process can lead, or with Stopped('shutdown'). */
  readonly signal: AbortSignal;
  /** Whether the lease is held by the current clock: timers can be late, so call it right before any action of a leader. */
  isHeld(): boolean;
}

/**
 * Runs `work` whenever this process is the leader, until the signal fires or `work` ends by itself. The lease is released only after
 * `work` has ended. Expiry is determined by the local monotonic clock alone (as client-go does): the times written in the lease are
 * informational.
 */
export async function runAsLeader(
  options: LeaderElectionOptions,
  work: (leadership: Leadership) => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  const { clock = systemClock, random = Math.random, retryMs = 2_000, log } = options;
  const candidate = new Candidate(options, clock);
  let isReported = false;
  while (!signal.aborted) {
    try {
      if (await candidate.tryAcquire(signal)) {
        log.info('leading', { identity: candidate.identity });
        if ((await lead(options, candidate, clock, work, signal)) === 'done') return;
        log.warn('leadership lost', { identity: candidate.identity });
      }
      isReported = false;
    } catch (thrown) {
      if (signal.aborted) return;
      if (thrown instanceof WorkFailed) throw thrown.cause;
      if (!isReported)
        log.warn('cannot take part in the leader election; will retry', {
          error: describeError(asIdraError(thrown)),
        });
      isReported = true;
    }
    await clock.sleep(retryMs * (1 + random() * 0.2), signal).catch(() => {});
  }
}

class WorkFailed extends Error {}

async function lead(
  options: LeaderElectionOptions,
  candidate: Candidate,
  clock: Clock,
  work: (leadership: Leadership) => Promise<void>,
  outer: AbortSignal,
): Promise<'done' | 'lost'> {
  const { renewDeadlineMs = 10_000, retryMs = 2_000 } = options;
  const term = new AbortController();
  const ended = new AbortController();
  const shutDown = () => term.abort(new Stopped('shutdown'));
  const lose = () => {
    term.abort(new Stopped('lease-lost'));
    ended.abort(new Stopped('lease-lost'));
  };
  if (outer.aborted) shutDown();
  outer.addEventListener('abort', shutDown, { once: true });
  const heldUntilMs = () => (candidate.hasLostLease ? 0 : candidate.renewedAtMs + renewDeadlineMs);
  const isHeld = () => !term.signal.aborted && clock.monotonicMs() < heldUntilMs();

  const watchClock = async () => {
    const leftMs = () => heldUntilMs() - clock.monotonicMs();
    for (let waitMs = leftMs(); waitMs > 0; waitMs = leftMs()) await clock.sleep(waitMs, ended.signal);
  };
  const renew = async () => {
    while (!candidate.hasLostLease) {
      await clock.sleep(retryMs, ended.signal);
      await candidate.renew(Math.min(renewDeadlineMs / 2, 5_000), ended.signal);
    }
  };
  // The first of the two to end means that leadership is lost; they reject only when `ended` fires.
  const kept = Promise.race([watchClock(), renew()]).then(lose, () => {});
  try {
    await work({ signal: term.signal, isHeld });
  } catch (cause) {
    if (!term.signal.aborted || cause !== term.signal.reason)
      throw new WorkFailed('a task of the leader failed', { cause });
  } finally {
    ended.abort(new Stopped('shutdown'));
    outer.removeEventListener('abort', shutDown);
    await kept;
    await candidate.release();
  }
  return outer.aborted || !term.signal.aborted ? 'done' : 'lost';
}

/** What this process knows of the lease, and its compare-and-set on it (optimistic concurrency by resourceVersion). */
class Candidate {
  readonly identity: string;
  /** Monotonic time at which the last confirmed acquisition or renewal was sent. */
  renewedAtMs = 0;
  /** Another name was seen in the lease. */
  hasLostLease = false;
  readonly #options: LeaderElectionOptions;
  readonly #clock: Clock;
  readonly #durationSeconds: number;
  #lease: Lease | undefined;
  /** Monotonic time at which this version of the lease was first seen. */
  #seenAtMs = 0;

  constructor(options: LeaderElectionOptions, clock: Clock) {
    this.#options = options;
    this.#clock = clock;
    this.#durationSeconds = Math.ceil((options.leaseDurationMs ?? 15_000) / 1_000);
    // A restarted process of the same name is a different candidate: it must not consider the lease its own.
    this.identity = `${options.name}_${randomBytes(6).toString('hex')}`;
  }

  async tryAcquire(signal: AbortSignal): Promise<boolean> {
    try {
      const current = await this.#read(signal);
      if (current && !this.#isFree(current)) return false;
      const sentAtMs = this.#clock.monotonicMs();
      const wanted = this.#claim(current);
      this.#see(current ? await this.#write(wanted, current, signal) : await this.#create(wanted, signal));
      this.renewedAtMs = sentAtMs;
      this.hasLostLease = false;
      return true;
    } catch (thrown) {
      if (hasCode(thrown, 'KubernetesConflict', 'KubernetesAlreadyExists')) return false;
      throw thrown;
    }
  }

  /** Failures other than a loss are ignored: the leader's clock decides. */
  async renew(timeoutMs: number, signal: AbortSignal): Promise<void> {
    const known = this.#lease;
    if (!known) return;
    try {
      const sentAtMs = this.#clock.monotonicMs();
      this.#see(await this.#write({ renewTime: this.#timestamp() }, known, signal, timeoutMs));
      this.renewedAtMs = sentAtMs;
    } catch (thrown) {
      if (signal.aborted) throw signal.reason;
      if (hasCode(thrown, 'KubernetesNotFound')) this.hasLostLease = true;
      if (hasCode(thrown, 'KubernetesConflict')) await this.#rereadLease(timeoutMs, signal);
    }
  }

  /** Lets the next candidate lead without waiting. */
  async release(): Promise<void> {
    if (!this.#lease || this.hasLostLease) return;
    try {
      const spec = { holderIdentity: '', leaseDurationSeconds: 1, renewTime: this.#timestamp() };
      await this.#write(spec, this.#lease, undefined, 2_000);
    } catch (thrown) {
      this.#options.log.info('the lease could not be released; it will expire', {
        error: describeError(asIdraError(thrown)),
      });
    }
  }

  /** After a conflict: an earlier renewal of ours whose answer was lost, an annotation, or another leader. */
  async #rereadLease(timeoutMs: number, signal: AbortSignal): Promise<void> {
    try {
      const current = await this.#read(signal, timeoutMs);
      this.hasLostLease = current?.spec?.holderIdentity !== this.identity;
    } catch {
      if (signal.aborted) throw signal.reason;
    }
  }

  #isFree({ spec }: Lease): boolean {
    const holder = spec?.holderIdentity ?? '';
    if (holder === '' || holder === this.identity) return true;
    const durationMs = (spec?.leaseDurationSeconds ?? this.#durationSeconds) * 1_000;
    return this.#clock.monotonicMs() >= this.#seenAtMs + durationMs;
  }

  #claim(current: Lease | undefined): LeaseSpec {
    const now = this.#timestamp();
    const transitions = current?.spec?.leaseTransitions ?? -1;
    return {
      holderIdentity: this.identity,
      leaseDurationSeconds: this.#durationSeconds,
      acquireTime: now,
      renewTime: now,
      leaseTransitions: transitions + 1,
    };
  }

  async #read(signal: AbortSignal, timeoutMs = 5_000): Promise<Lease | undefined> {
    try {
      const options = { signal, timeoutMs, isUrgent: true };
      return this.#see(await this.#options.client.get<Lease>(leases, this.#options.lease, options));
    } catch (thrown) {
      if (hasCode(thrown, 'KubernetesNotFound')) return undefined;
      throw thrown;
    }
  }

  async #create(spec: LeaseSpec, signal: AbortSignal): Promise<Lease> {
    const object = { metadata: this.#options.lease, spec };
    return await this.#options.client.create<Lease>(leases, object, {
      signal,
      timeoutMs: 5_000,
      isUrgent: true,
    });
  }

  async #write(
    spec: LeaseSpec,
    known: Lease,
    signal: AbortSignal | undefined,
    timeoutMs = 5_000,
  ): Promise<Lease> {
    const { resourceVersion } = known.metadata;
    const patch = { metadata: { resourceVersion }, spec };
    return await this.#options.client.patch<Lease>(leases, this.#options.lease, patch, {
      signal,
      timeoutMs,
      isUrgent: true,
    });
  }

  /** Any new version counts as a renewal by its holder. */
  #see(lease: Lease): Lease {
    const isNew = lease.metadata.resourceVersion !== this.#lease?.metadata.resourceVersion;
    if (isNew) this.#seenAtMs = this.#clock.monotonicMs();
    this.#lease = lease;
    return lease;
  }

  #timestamp(): string {
    return microTime(this.#clock.now());
  }
}
