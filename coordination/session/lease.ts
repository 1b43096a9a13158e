import type { Clock } from '../../core/clock.ts';
import { IdraError, Stopped } from '../../core/errors.ts';
import type { EtcdTransport, LeaseId } from '../etcd/transport.ts';

/**
 * A lease that is renewed at a third of its TTL. Its expiry is known here earlier than in etcd: etcd counts from when it handles a
 * renewal; here it counts from when the last confirmed one was sent, on the monotonic clock, minus a margin. So the signal fires first,
 * whatever was slow or paused (Invariant 4). Once lost it stays lost, even if etcd still has it.
 */
export class Lease {
  readonly id: LeaseId;
  readonly ttlMs: number;
  readonly #transport: EtcdTransport;
  readonly #clock: Clock;
  readonly #lost = new AbortController();
  #deadlineMs: number;
  #isKept = true;

  constructor(id: LeaseId, ttlMs: number, sentMs: number, transport: EtcdTransport, clock: Clock) {
    this.id = id;
    this.ttlMs = ttlMs;
    this.#transport = transport;
    this.#clock = clock;
    this.#deadlineMs = deadlineAfter(sentMs, ttlMs);
  }

  static async grant(transport: EtcdTransport, clock: Clock, ttlMs: number): Promise<Lease> {
    const sentMs = clock.monotonicMs();
    const id = await transport.grant(Math.ceil(ttlMs / 1_000), { timeoutMs: ttlMs / 2 });
    const lease = new Lease(id, ttlMs, sentMs, transport, clock);
    void lease.#renew(sentMs);
    void lease.#watchDeadline();
    return lease;
  }

  /** Fires with Stopped('lease-lost'). */
  get signal(): AbortSignal {
    return this.#lost.signal;
  }

  /** Check before each step that requires the lease: timers fire late in a process that was paused. */
  isAlive(): boolean {
    if (this.#lost.signal.aborted) return false;
    if (this.#clock.monotonicMs() < this.#deadlineMs) return true;
    this.lose();
    return false;
  }

  /** Milliseconds until the signal fires, unless a renewal is confirmed before then. */
  leftMs(): number {
    return this.#lost.signal.aborted ? 0 : Math.max(0, this.#deadlineMs - this.#clock.monotonicMs());
  }

  lose(): void {
    this.#isKept = false;
    this.#lost.abort(new Stopped('lease-lost'));
  }

  /** Its keys are deleted at once. The signal fires too. */
  async revoke(): Promise<void> {
    this.lose();
    await this.#transport.revoke(this.id);
  }

  async #renew(grantedMs: number): Promise<void> {
    let lastMs = grantedMs;
    let dueMs = lastMs + this.ttlMs / 3;
    while (await this.#sleepUntil(dueMs)) {
      const sentMs = this.#clock.monotonicMs();
      try {
        const ttlSeconds = await this.#transport.keepAlive(this.id, { timeoutMs: this.ttlMs / 4 });
        // An answer after the deadline is useless: everything has been stopped.
        if (!this.isAlive()) return;
        if (ttlSeconds <= 0) {
          this.lose();
          return;
        }
        lastMs = sentMs;
        this.#deadlineMs = deadlineAfter(sentMs, this.ttlMs);
        dueMs = lastMs + this.ttlMs / 3;
      } catch (error) {
        if (error instanceof IdraError && error.code === 'EtcdLeaseGone') this.lose();
        dueMs = this.#clock.monotonicMs() + this.ttlMs / 40;
      }
    }
  }

  async #watchDeadline(): Promise<void> {
    while (await this.#sleepUntil(this.#deadlineMs)) {
      if (!this.isAlive()) return;
    }
  }

  /** Returns false if the lease is lost meanwhile. */
  async #sleepUntil(atMs: number): Promise<boolean> {
    const { signal } = this.#lost;
    try {
      await this.#clock.sleep(Math.max(0, atMs - this.#clock.monotonicMs()), signal);
    } catch (error) {
      if (!signal.aborted) throw error;
    }
    return this.#isKept;
  }
}

function deadlineAfter(sentMs: number, ttlMs: number): number {
  return sentMs + ttlMs - Math.max(200, ttlMs / 10);
}
