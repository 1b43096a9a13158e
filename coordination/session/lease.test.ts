import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import type { Clock } from '../../core/clock.ts';
import { Stopped, transient } from '../../core/errors.ts';
import type { EtcdTransport } from '../etcd/transport.ts';
import { Lease } from './lease.ts';

/** A clock that the test advances. */
class ManualClock implements Clock {
  #nowMs = 0;
  #timers: { readonly atMs: number; readonly fire: () => void }[] = [];

  now(): number {
    return this.#nowMs;
  }

  monotonicMs(): number {
    return this.#nowMs;
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#timers.push({ atMs: this.#nowMs + ms, fire: resolve });
      signal?.addEventListener('abort', () => reject(signal.reason), { once: true });
    });
  }

  /** `firesTimers` false: like in a process that was stopped, whose timers are late. */
  async moveTo(ms: number, firesTimers = true): Promise<void> {
    this.#nowMs = ms;
    const isDue = ({ atMs }: { readonly atMs: number }) => firesTimers && atMs <= ms;
    const due = this.#timers.filter(isDue);
    this.#timers = this.#timers.filter((timer) => !isDue(timer));
    for (const { fire } of due) fire();
    await turn();
  }
}

/** A lease of 9 s with a margin of 0.9 s, and its renewals as they are requested. */
async function leaseOf(clock: ManualClock, grantTakesMs = 0) {
  const renewals: { answer: (seconds: number) => Promise<void>; refuse: (error: Error) => Promise<void> }[] =
    [];
  const granted = Promise.withResolvers<string>();
  const transport: Pick<EtcdTransport, 'grant' | 'keepAlive' | 'revoke'> = {
    grant: () => granted.promise,
    keepAlive: () => {
      const renewed = Promise.withResolvers<number>();
      renewals.push({
        answer: async (seconds) => {
          renewed.resolve(seconds);
          await turn();
        },
        refuse: async (error) => {
          renewed.reject(error);
          await turn();
        },
      });
      return renewed.promise;
    },
    revoke: async () => {},
  };
  const granting = Lease.grant(transport as EtcdTransport, clock, 9_000);
  await clock.moveTo(grantTakesMs);
  granted.resolve('1');
  return { lease: await granting, renewals };
}

test('a lease counts from when its grant was sent, not from the answer', async () => {
  const clock = new ManualClock();
  const { lease } = await leaseOf(clock, 2_000);
  assert.equal(lease.leftMs(), 8_100 - 2_000);
});

test('a renewal is sent at a third, and counts from then', async () => {
  const clock = new ManualClock();
  const { lease, renewals } = await leaseOf(clock);
  await clock.moveTo(2_999);
  assert.equal(renewals.length, 0);
  await clock.moveTo(3_000);
  assert.equal(renewals.length, 1);
  await clock.moveTo(5_000);
  assert.equal(lease.leftMs(), 3_100);
  await renewals[0]?.answer(9);
  assert.equal(lease.leftMs(), 3_000 + 8_100 - 5_000);
});

test('a renewal that fails is retried until the deadline fires', async () => {
  const clock = new ManualClock();
  const { lease, renewals } = await leaseOf(clock);
  await clock.moveTo(3_000);
  await renewals[0]?.refuse(transient('EtcdUnavailable', 'no answer'));
  await clock.moveTo(3_300);
  assert.equal(renewals.length, 2);
  await clock.moveTo(8_099);
  assert.equal(lease.signal.aborted, false);
  await clock.moveTo(8_100);
  assert.equal((lease.signal.reason as Stopped).reason, 'lease-lost');
});

test('an answer after the deadline has no effect, even if no timer has fired yet', async () => {
  const clock = new ManualClock();
  const { lease, renewals } = await leaseOf(clock);
  await clock.moveTo(3_000);
  await clock.moveTo(20_000, false);
  assert.equal(lease.signal.aborted, false);
  await renewals[0]?.answer(9);
  assert.equal(lease.signal.aborted, true);
  assert.equal(lease.isAlive(), false);
});

test('a lease that etcd no longer knows is lost immediately, and so is one that was revoked', async () => {
  const clock = new ManualClock();
  const one = await leaseOf(clock);
  await clock.moveTo(3_000);
  await one.renewals[0]?.answer(0);
  assert.ok(one.lease.signal.reason instanceof Stopped);
  const other = await leaseOf(new ManualClock());
  await other.lease.revoke();
  assert.equal(other.lease.leftMs(), 0);
});
