import type { Clock } from '../../../core/clock.ts';
import { type IdraError, transient } from '../../../core/errors.ts';

/** Values of headers, by lower-case name. */
export type HeaderValues = Readonly<Record<string, string | readonly string[] | undefined>>;

/** A pause that an API asks for is kept up to this time; then it is asked again. */
const longestPauseMs = 3_600_000;
/** A longer pause is not awaited within a pass: the Sync releases its slots and connections meanwhile. */
const awaitedPauseMs = 60_000;

/**
 * When an API may be called again, by what it has said. Shared by all Syncs of this process that use the DataSource: one that is told to
 * wait must not be followed by another that is told the same.
 */
export class RateLimits {
  readonly #clock: Clock;
  #pausedUntilMs = Number.NEGATIVE_INFINITY;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Waits until the API may be called. Throws RateLimited if that takes long. */
  async enter(where: string, signal: AbortSignal): Promise<void> {
    for (;;) {
      signal.throwIfAborted();
      const waitMs = this.#pausedUntilMs - this.#clock.monotonicMs();
      if (waitMs <= 0) return;
      if (waitMs > awaitedPauseMs) throw rateLimited(where, waitMs);
      await this.#clock.sleep(Math.ceil(waitMs), signal);
    }
  }

  /** Heeds what an answer says about later calls. Returns the pause that it asks for, in ms. */
  note(status: number, headers: HeaderValues): number | undefined {
    const pauseMs = pauseOf(status, headers, this.#clock.now());
    if (pauseMs === undefined || pauseMs <= 0) return pauseMs;
    const untilMs = this.#clock.monotonicMs() + Math.min(pauseMs, longestPauseMs);
    this.#pausedUntilMs = Math.max(this.#pausedUntilMs, untilMs);
    return pauseMs;
  }
}

export function rateLimited(where: string, waitMs: number): IdraError {
  return transient(
    'RateLimited',
    `${where}: the API limits the rate of calls and asks to wait ${Math.ceil(waitMs / 1_000)} s`,
    { fix: 'nothing: it is retried; a longer schedule or fewer Syncs of this DataSource make fewer calls' },
  );
}

/** Whether an answer refuses a call because of a rate limit: some APIs use 403 with no calls remaining. */
export function isRateLimited(status: number, headers: HeaderValues): boolean {
  return status === 429 || (status === 403 && remainingOf(headers) === 0);
}

/** How long to wait before the next call; undefined: the answer says nothing about it. */
export function pauseOf(status: number, headers: HeaderValues, nowMs: number): number | undefined {
  const isRefused = status === 429 || status === 503 || isRateLimited(status, headers);
  const after = isRefused ? retryAfterMs(textOf(headers, 'retry-after'), nowMs) : undefined;
  if (after !== undefined) return after;
  if (remainingOf(headers) !== 0) return undefined;
  const reset = resetMs(headers, nowMs);
  // Without a time, a limit that was only reached is left to the next answer.
  return reset === undefined ? undefined : Math.max(0, reset);
}

/** RFC 9110: seconds, or an HTTP date. */
export function retryAfterMs(text: string | undefined, nowMs: number): number | undefined {
  if (text === undefined) return undefined;
  if (/^\d{1,12}$/.test(text)) return Number(text) * 1_000;
  const atMs = httpDateMs(text);
  return atMs === undefined ? undefined : Math.max(0, atMs - nowMs);
}

/** Milliseconds since 1970. */
export function httpDateMs(text: string | undefined): number | undefined {
  if (text === undefined || !/^[A-Z][a-z]{2,8},? .*\d{2}:\d{2}:\d{2}/.test(text)) return undefined;
  const ms = Date.parse(/GMT$/.test(text) ? text : `${text} GMT`);
  return Number.isNaN(ms) ? undefined : ms;
}

function remainingOf(headers: HeaderValues): number | undefined {
  const own = textOf(headers, 'x-ratelimit-remaining') ?? textOf(headers, 'ratelimit-remaining');
  const text = own ?? /(?:^|;)\s*r=(\d+)/.exec(textOf(headers, 'ratelimit') ?? '')?.[1];
  return text !== undefined && /^\d{1,12}(\.\d+)?$/.test(text) ? Math.floor(Number(text)) : undefined;
}

/** APIs write the end of a period as seconds from now, as a time in seconds or milliseconds since 1970, or as a date. */
function resetMs(headers: HeaderValues, nowMs: number): number | undefined {
  const own = textOf(headers, 'x-ratelimit-reset') ?? textOf(headers, 'ratelimit-reset');
  const text = own ?? /(?:^|;)\s*t=(\d+)/.exec(textOf(headers, 'ratelimit') ?? '')?.[1];
  if (text === undefined) return undefined;
  if (!/^\d{1,15}(\.\d+)?$/.test(text)) {
    const atMs = httpDateMs(text) ?? Date.parse(text);
    return Number.isNaN(atMs) ? undefined : atMs - nowMs;
  }
  const value = Number(text);
  if (value >= 1e11) return value - nowMs;
  return value >= 1e8 ? value * 1_000 - nowMs : value * 1_000;
}

export function textOf(headers: HeaderValues, name: string): string | undefined {
  const value = headers[name];
  const text = typeof value === 'string' ? value : value?.[0];
  return text?.trim();
}

/** More DataSources than a process has. */
const mostKept = 2_000;
const kept = new Map<string, RateLimits>();

/** The limits of one DataSource in this process. */
export function rateLimitsOf(dataSource: string, clock: Clock): RateLimits {
  const known = kept.get(dataSource);
  if (known) return known;
  const [oldest] = kept.keys();
  if (kept.size >= mostKept && oldest !== undefined) kept.delete(oldest);
  const made = new RateLimits(clock);
  kept.set(dataSource, made);
  return made;
}
