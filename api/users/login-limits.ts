import { createHash } from 'node:crypto';
import type { Clock } from '../../core/clock.ts';
import { RetryLater } from '../http/retry-later.ts';

/** After so many failures within the window, further attempts are refused for `lockMs`, doubled each time up to `maxLockMs`. */
interface Limit {
  readonly failures: number;
  readonly windowMs: number;
  readonly lockMs: number;
  readonly maxLockMs: number;
}

const minute = 60_000;
const limits = {
  /** One user from one address: somebody who guesses. */
  pair: { failures: 5, windowMs: 15 * minute, lockMs: minute, maxLockMs: 60 * minute },
  /** One user from everywhere: guesses from many addresses. Higher, because it also locks out the user. */
  user: { failures: 50, windowMs: 60 * minute, lockMs: 5 * minute, maxLockMs: 15 * minute },
  /** One address for all users: somebody who tries one password with many names. */
  address: { failures: 30, windowMs: 15 * minute, lockMs: minute, maxLockMs: 60 * minute },
} as const satisfies Record<string, Limit>;

interface Count {
  failures: number;
  sinceMs: number;
  lockedUntilMs: number;
  locks: number;
}

const mostCounted = 20_000;

/**
 * Refuses logins after failures, the same whether or not the user exists. Counted in memory, so each replica of the API server has its
 * own counts; names are not stored, only their hashes.
 */
export class LoginLimits {
  readonly #clock: Clock;
  readonly #counts = new Map<string, Count>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Throws LoginThrottled (transient). */
  require(user: string, ip: string): void {
    const now = this.#clock.monotonicMs();
    const until = Math.max(...this.#keys(user, ip).map(([key]) => this.#counts.get(key)?.lockedUntilMs ?? 0));
    if (until <= now) return;
    const seconds = Math.ceil((until - now) / 1_000);
    throw new RetryLater('LoginThrottled', 'too many failed logins', seconds);
  }

  failed(user: string, ip: string): void {
    for (const [key, limit] of this.#keys(user, ip)) this.#fail(key, limit);
  }

  succeeded(user: string, ip: string): void {
    const [[pair]] = this.#keys(user, ip);
    this.#counts.delete(pair);
  }

  #keys(user: string, ip: string) {
    const name = createHash('sha256').update(user.normalize('NFKC').toLowerCase()).digest('base64url');
    const from = networkOf(ip);
    return [
      [`pair ${name} ${from}`, limits.pair],
      [`user ${name}`, limits.user],
      [`address ${from}`, limits.address],
    ] as const;
  }

  #fail(key: string, limit: Limit): void {
    const now = this.#clock.monotonicMs();
    const known = this.#counts.get(key);
    const isOver = !known || now - known.sinceMs > limit.windowMs;
    const count: Count = isOver
      ? { failures: 0, sinceMs: now, lockedUntilMs: 0, locks: known?.locks ?? 0 }
      : known;
    count.failures += 1;
    if (count.failures >= limit.failures) {
      count.lockedUntilMs = now + Math.min(limit.lockMs * 2 ** count.locks, limit.maxLockMs);
      count.locks += 1;
      count.failures = 0;
    }
    // The oldest is forgotten first: a Map keeps the order of insertion.
    this.#counts.delete(key);
    this.#counts.set(key, count);
    if (this.#counts.size > mostCounted) this.#counts.delete(this.#counts.keys().next().value ?? '');
  }
}

/** A household has a whole /64 of IPv6. */
function networkOf(ip: string): string {
  return ip.includes(':') && !ip.startsWith('::ffff:') ? ip.split(':').slice(0, 4).join(':') : ip;
}
