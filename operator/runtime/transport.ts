import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { type Clock, systemClock } from '../../core/clock.ts';
import { Semaphore } from '../../core/semaphore.ts';
import type { ClusterAccess, Credentials } from '../../process/kubernetes-access.ts';
import { withDeadline } from '../../process/signals.ts';
import { type ApiStatus, errorOfConnection, errorOfStatus, parseAnswer } from './api-errors.ts';

export interface ApiRequest {
  readonly method: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  readonly path: string;
  readonly query?: Readonly<Record<string, string | number | boolean | undefined>>;
  readonly body?: unknown;
  readonly contentType?: string;
  readonly signal?: AbortSignal | undefined;
  /** For messages: `patch syncs team-a/orders`. */
  readonly what: string;
  /** From sending to the last byte of the response; for a stream, to its first. Default 30 s. */
  readonly timeoutMs?: number | undefined;
  /** Does not queue behind other requests: for the leader's Lease. */
  readonly isUrgent?: boolean | undefined;
}

export interface TransportOptions {
  /** Default 10. Watches do not count, because they are long-lived. */
  readonly maxConcurrentRequests?: number;
  readonly userAgent?: string;
  readonly clock?: Clock;
  /** HTTP status of each response, or 0 if there was none. */
  readonly onAnswer?: (method: string, status: number) => void;
}

const defaultTimeoutMs = 30_000;
/** Below the API server's own limit of 90 s, so that the server never closes a connection while it is being used. */
const idleConnectionMs = 60_000;
const credentialsMs = 60_000;
const maxRetryAfterMs = 30_000;
const maxAttempts = 4;
/** A page of 500 objects of half a megabyte each. */
const maxAnswerBytes = 256 << 20;

/** JSON over a few connections that are kept open. */
export class ApiTransport {
  readonly #access: ClusterAccess;
  readonly #clock: Clock;
  readonly #userAgent: string;
  readonly #onAnswer: (method: string, status: number) => void;
  readonly #slots: Semaphore;
  readonly #agent: HttpAgent;
  readonly #request: typeof httpRequest;
  #credentials: { readonly atMs: number; readonly promise: Promise<Credentials> } | undefined;

  constructor(access: ClusterAccess, options: TransportOptions = {}) {
    const {
      maxConcurrentRequests = 10,
      userAgent = 'idra',
      clock = systemClock,
      onAnswer = () => {},
    } = options;
    this.#access = access;
    this.#clock = clock;
    this.#userAgent = userAgent;
    this.#onAnswer = onAnswer;
    this.#slots = new Semaphore(maxConcurrentRequests);
    const isTls = access.server.protocol === 'https:';
    const agentOptions = {
      keepAlive: true,
      maxFreeSockets: maxConcurrentRequests,
      timeout: idleConnectionMs,
    };
    this.#agent = isTls ? new HttpsAgent(agentOptions) : new HttpAgent(agentOptions);
    this.#request = isTls ? httpsRequest : httpRequest;
  }

  /** Returns the JSON of the response. Throws an IdraError with an ApiErrorCode, or the signal's reason. */
  async call(request: ApiRequest): Promise<unknown> {
    for (let attempt = 1; ; attempt++) {
      const attemptOnce = () => this.#exchange(request);
      const answer = request.isUrgent
        ? await attemptOnce()
        : await this.#slots.use(request.signal, attemptOnce);
      if (answer.status < 400) return parseAnswer(answer.text, request.what);
      if (answer.retryAfterMs === undefined || attempt === maxAttempts) throw refusal(answer, request.what);
      // The server sends Retry-After only if it has not executed the request.
      await this.#clock.sleep(Math.min(answer.retryAfterMs, maxRetryAfterMs), request.signal);
    }
  }

  /** A response that continues until the signal fires or the caller destroys it. */
  async open(request: ApiRequest): Promise<IncomingMessage> {
    const lifetime = new AbortController();
    const stop = () => lifetime.abort(request.signal?.reason);
    request.signal?.throwIfAborted();
    request.signal?.addEventListener('abort', stop, { once: true });
    try {
      const response = await withDeadline(
        request.timeoutMs ?? defaultTimeoutMs,
        request.signal,
        async (signal) => {
          const giveUp = () => lifetime.abort(signal.reason);
          signal.addEventListener('abort', giveUp, { once: true });
          try {
            const head = await this.#sendAuthorized(request, lifetime.signal);
            if (head.statusCode !== 200) throw refusal(await readAnswer(head), request.what);
            return head;
          } catch (thrown) {
            throw errorOfConnection(thrown, request.what, lifetime.signal);
          }
        },
      );
      response.once('close', () => request.signal?.removeEventListener('abort', stop));
      if (response.closed) request.signal?.removeEventListener('abort', stop);
      return response;
    } catch (thrown) {
      request.signal?.removeEventListener('abort', stop);
      throw thrown;
    }
  }

  close(): void {
    this.#agent.destroy();
  }

  async #exchange(request: ApiRequest): Promise<Answer> {
    return await withDeadline(request.timeoutMs ?? defaultTimeoutMs, request.signal, async (signal) => {
      try {
        return await readAnswer(await this.#sendAuthorized(request, signal));
      } catch (thrown) {
        throw errorOfConnection(thrown, request.what, signal);
      }
    });
  }

  /** Retries once with credentials read again if the server rejects them: tokens rotate. */
  async #sendAuthorized(request: ApiRequest, signal: AbortSignal): Promise<IncomingMessage> {
    const response = await this.#send(request, await this.#readCredentials(false), signal);
    if (response.statusCode !== 401) return response;
    response.resume();
    return await this.#send(request, await this.#readCredentials(true), signal);
  }

  #readCredentials(isRefused: boolean): Promise<Credentials> {
    const now = this.#clock.monotonicMs();
    if (isRefused || this.#credentials === undefined || now - this.#credentials.atMs > credentialsMs) {
      const promise = this.#access.credentials(isRefused);
      this.#credentials = { atMs: now, promise };
      promise.catch(() => {
        this.#credentials = undefined;
      });
    }
    return this.#credentials.promise;
  }

  async #send(request: ApiRequest, credentials: Credentials, signal: AbortSignal): Promise<IncomingMessage> {
    const url = new URL(this.#access.server);
    url.pathname = url.pathname.replace(/\/$/, '') + request.path;
    for (const [name, value] of Object.entries(request.query ?? {})) {
      if (value !== undefined) url.searchParams.set(name, String(value));
    }
    const body = request.body === undefined ? undefined : JSON.stringify(request.body);
    const headers: Record<string, string | number> = {
      accept: 'application/json',
      'user-agent': this.#userAgent,
      ...credentials.headers,
    };
    if (body !== undefined) {
      headers['content-type'] = request.contentType ?? 'application/json';
      headers['content-length'] = Buffer.byteLength(body);
    }
    const agent = credentials.agent ?? this.#agent;
    const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
    const sent = this.#request(url, { method: request.method, headers, agent, signal, ...credentials.tls });
    sent.once('response', resolve);
    sent.on('error', reject);
    sent.end(body);
    try {
      const response = await promise;
      this.#onAnswer(request.method, response.statusCode ?? 0);
      return response;
    } catch (thrown) {
      this.#onAnswer(request.method, 0);
      throw thrown;
    }
  }
}

interface Answer {
  readonly status: number;
  readonly text: string;
  readonly retryAfterMs: number | undefined;
}

async function readAnswer(response: IncomingMessage): Promise<Answer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    bytes += chunk.length;
    if (bytes > maxAnswerBytes)
      throw new Error(`the API server's response has more than ${maxAnswerBytes} bytes`);
  }
  const seconds = Number(response.headers['retry-after']);
  return {
    status: response.statusCode ?? 0,
    text: Buffer.concat(chunks).toString('utf8'),
    retryAfterMs:
      response.headers['retry-after'] === undefined || Number.isNaN(seconds) ? undefined : seconds * 1_000,
  };
}

function refusal({ status, text }: Answer, what: string): Error {
  return errorOfStatus(status, readStatus(text), what);
}

/** An intermediary may answer in HTML. */
function readStatus(text: string): ApiStatus {
  try {
    const parsed: unknown = JSON.parse(text);
    return typeof parsed === 'object' && parsed !== null ? parsed : {};
  } catch {
    return {};
  }
}
