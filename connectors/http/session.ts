import { backoffMs } from '../../core/backoff.ts';
import { type Clock, systemClock } from '../../core/clock.ts';
import type { SystemAccess } from '../../core/connector.ts';
import type { ErrorCode } from '../../core/error-codes.ts';
import { IdraError, permanent } from '../../core/errors.ts';
import { type HttpConfig, readConfig } from './config.ts';
import type { Resolve } from './connection/allowed-address.ts';
import { type BodyLimits, usualLimits } from './connection/answer-body.ts';
import { Authentication } from './connection/authentication.ts';
import { type Answer, type Call, type Exchanger, exchange } from './connection/exchange.ts';
import { openConnections } from './connection/open.ts';
import {
  isRateLimited,
  type RateLimits,
  rateLimited,
  rateLimitsOf,
  textOf,
} from './connection/rate-limits.ts';
import { isTransientStatus, statusError } from './errors.ts';

export type { Answer, Call } from './connection/exchange.ts';

const mostAttempts = 4;
const mostRedirects = 5;
const maxSockets = 8;

export interface SessionOptions {
  readonly clock?: Clock;
  /** For tests: how names are resolved. */
  readonly resolve?: Resolve;
  readonly limits?: BodyLimits;
}

export interface SafeCall extends Call {
  /** Whether it may be sent again when it is unknown if it was executed: by its method, or by its idempotency key. */
  readonly isRepeatable: boolean;
}

/** Calls of one API: with its credentials, within its rate limits, retried where that is safe. */
export class Session {
  readonly config: HttpConfig;
  readonly #exchanger: Exchanger;
  readonly #authentication: Authentication;
  readonly #limits: RateLimits;
  readonly #clock: Clock;

  constructor(
    access: SystemAccess,
    { clock = systemClock, resolve, limits = usualLimits }: SessionOptions = {},
  ) {
    this.config = readConfig(access);
    const { rule, tls, responseMs } = this.config;
    const connections = openConnections({ rule, tls, maxSockets, ...(resolve && { resolve }) });
    this.#exchanger = { connections, rule, clock, responseMs, limits };
    this.#authentication = new Authentication(this.config, this.#exchanger);
    this.#limits = rateLimitsOf(`${access.dataSource} ${this.config.base}`, clock);
    this.#clock = clock;
  }

  /** Closes connections; a later call opens new ones. */
  close(): void {
    this.#exchanger.connections.close();
  }

  /** Whether a text contains a credential of this DataSource. */
  isSecret(text: string): boolean {
    return this.#authentication.isSecret(text);
  }

  /** A URL below `url`. Throws NextPageRefused for another origin: only this one gets the credentials. */
  urlOf(text: string, path: string): URL {
    const { origin, where } = this.config;
    const url = URL.parse(text);
    if (url?.origin === origin && url.username === '' && url.password === '') return url;
    const host = url === null ? 'an invalid URL' : url.host;
    throw permanent(
      'NextPageRefused',
      `${where}: the next page is at ${host}, which is not the origin of url`,
      {
        path,
        fix: `only ${origin} is called, because it gets the credentials; use another kind of source.paging`,
      },
    );
  }

  /**
   * Any answer but those that a retry, a new token or a redirect takes care of. Throws what the connection throws, and for answers of
   * failure that did not end: RateLimited, ServerFailed, RedirectRefused.
   */
  async send(call: SafeCall, signal: AbortSignal): Promise<Answer> {
    let isRenewed = false;
    for (let attempt = 1; ; attempt += 1) {
      const isLast = attempt >= mostAttempts;
      try {
        const answer = await this.#redirected(call, signal);
        if (answer.status === 401 && !isRenewed && this.#authentication.renew()) {
          isRenewed = true;
          answer.discard();
          continue;
        }
        const failure = this.#failureOf(call, answer);
        if (!failure) return answer;
        answer.discard();
        if (isLast || !(call.isRepeatable || answer.status === 429)) throw failure;
      } catch (thrown) {
        if (isLast || !call.isRepeatable || !isRetried(thrown)) throw thrown;
      }
      await this.#clock.sleep(backoffMs(attempt, { baseMs: 400, maxMs: 5_000 }), signal);
    }
  }

  /** Like `send`, for calls that succeed or fail as a whole. Throws the error of every other status. `path`: the field at fault. */
  async succeed(call: SafeCall, path: string, signal: AbortSignal): Promise<Answer> {
    const answer = await this.send(call, signal);
    const { status } = answer;
    if ((status >= 200 && status < 300) || status === 304) return answer;
    answer.discard();
    throw statusError(status, { where: this.#where(call), path });
  }

  #where({ name }: Call): string {
    return `${this.config.where}: ${name}`;
  }

  /** The API could not answer now. */
  #failureOf(call: Call, { status, headers }: Answer): IdraError | undefined {
    const pauseMs = this.#limits.note(status, headers);
    if (isRateLimited(status, headers)) return rateLimited(this.#where(call), pauseMs ?? 1_000);
    return isTransientStatus(status)
      ? statusError(status, { where: this.#where(call), path: 'spec.http.url' })
      : undefined;
  }

  /** Follows redirects of reads within the origin. */
  async #redirected(call: Call, signal: AbortSignal): Promise<Answer> {
    let { url } = call;
    for (let redirects = 0; ; redirects += 1) {
      await this.#limits.enter(this.#where(call), signal);
      const answer = await exchange(
        this.#exchanger,
        { ...call, url, headers: await this.#headers(call, signal) },
        signal,
      );
      const location = textOf(answer.headers, 'location');
      if (![301, 302, 303, 307, 308].includes(answer.status) || location === undefined) return answer;
      answer.discard();
      const target = URL.parse(location, url.href);
      if (call.method !== 'GET' || redirects >= mostRedirects || target?.origin !== this.config.origin)
        throw this.#redirectRefused(call, target, redirects);
      url = target;
    }
  }

  async #headers(call: Call, signal: AbortSignal): Promise<Readonly<Record<string, string>>> {
    return {
      accept: 'application/json',
      ...this.config.headers,
      ...call.headers,
      ...(await this.#authentication.headers(signal)),
    };
  }

  #redirectRefused(call: Call, target: URL | null, redirects: number): IdraError {
    const isLoop = redirects >= mostRedirects;
    const to = isLoop ? 'in a circle' : `to ${target === null ? 'an invalid URL' : target.origin}`;
    return permanent('RedirectRefused', `${this.#where(call)}: the API redirects ${to}`, {
      path: 'spec.http.url',
      fix: 'set url to where the API answers; redirects are only followed for GET and within the origin of url, because it gets the credentials',
    });
  }
}

/** Not after a timeout: it took requestTimeout already, which for a person who waits for `check` is long. The next pass tries again. */
const notRetried: readonly ErrorCode[] = ['RateLimited', 'SystemTimeout'];

function isRetried(thrown: unknown): boolean {
  return (
    thrown instanceof IdraError && thrown.disposition === 'transient' && !notRetried.includes(thrown.code)
  );
}
