import type { ClientRequest, IncomingMessage } from 'node:http';
import got, { type Method } from 'got';
import type { Clock } from '../../../core/clock.ts';
import { permanent } from '../../../core/errors.ts';
import { version } from '../../../core/version.ts';
import { toIdraError } from '../errors.ts';
import { type AddressRule, requireAllowedHost } from './allowed-address.ts';
import {
  acceptedEncodings,
  type BodyLimits,
  type BodyOptions,
  bodyOf,
  type RawBody,
  wholeBody,
} from './answer-body.ts';
import type { Connections } from './open.ts';
import type { HeaderValues } from './rate-limits.ts';

export interface Call {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly url: URL;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Buffer;
  /** For messages, without values of rows or parameters: `GET /v1/orders`. */
  readonly name: string;
}

export interface Answer {
  readonly status: number;
  /** That of the call, or where a redirect led. */
  readonly url: URL;
  /** By lower-case name. */
  readonly headers: HeaderValues;
  /** Decompressed, in chunks. Call one of the three, once: until then the connection is in use. */
  body(): AsyncGenerator<Buffer, void>;
  /** The whole body, which must be small. */
  whole(): Promise<Buffer>;
  discard(): void;
}

export interface Exchanger {
  readonly connections: Connections;
  readonly rule: AddressRule;
  readonly clock: Clock;
  /** From the end of the request to the headers of the answer. */
  readonly responseMs: number;
  readonly limits: BodyLimits;
}

const connectMs = 10_000;
const maxHeaderBytes = 65_536;
/** `100 Continue` and the like, of which a server may send any number before the answer itself. */
const mostInterimAnswers = 16;

/** One request and the headers of its answer: no redirect, retry or authentication. Errors are classified. */
export async function exchange(
  { connections, rule, clock, responseMs, limits }: Exchanger,
  call: Call,
  signal: AbortSignal,
): Promise<Answer> {
  signal.throwIfAborted();
  const where = `${rule.where}: ${call.name}`;
  requireAllowedHost(call.url.hostname, rule);
  const stream = got.stream(call.url, {
    method: call.method as Method,
    headers: { 'user-agent': `idra/${version}`, 'accept-encoding': acceptedEncodings, ...call.headers },
    ...(call.method !== 'GET' && { body: call.body ?? Buffer.alloc(0) }),
    agent: { http: connections.http, https: connections.https },
    decompress: false,
    followRedirect: false,
    throwHttpErrors: false,
    http2: false,
    maxHeaderSize: maxHeaderBytes,
    retry: { limit: 0 },
    timeout: {
      lookup: connectMs,
      connect: connectMs,
      secureConnect: connectMs,
      send: responseMs,
      response: responseMs,
    },
  });
  const stop = () => stream.destroy();
  signal.addEventListener('abort', stop, { once: true });
  let failure: unknown;
  try {
    const { response, receivedBytes } = await new Promise<Headers>((resolve, reject) => {
      stream.on('error', (error) => {
        failure ??= error;
        reject(error);
      });
      stream.on('close', () => reject(new Error('the request was closed')));
      stream.once('request', (request: ClientRequest) => limitInterim(request, where, stop, reject));
      stream.once('response', (response: IncomingMessage) => resolve(headersOf(response)));
    });
    const raw: RawBody = { stream, encoding: response.headers['content-encoding'], receivedBytes };
    return answerOf({ response, url: call.url, raw, options: { where, clock, limits }, stop }, signal);
  } catch (thrown) {
    stream.destroy();
    signal.throwIfAborted();
    throw toIdraError(failure ?? thrown, where);
  } finally {
    signal.removeEventListener('abort', stop);
  }
}

interface Headers {
  readonly response: IncomingMessage;
  readonly receivedBytes: () => number;
}

function headersOf(response: IncomingMessage): Headers {
  const { socket } = response;
  const before = socket.bytesRead;
  return { response, receivedBytes: () => socket.bytesRead - before };
}

function limitInterim(
  request: ClientRequest,
  where: string,
  stop: () => void,
  reject: (error: Error) => void,
): void {
  let interim = 0;
  request.on('information', () => {
    interim += 1;
    if (interim <= mostInterimAnswers) return;
    reject(
      permanent('ProtocolBroken', `${where}: the server sends interim answers without end`, {
        fix: 'check that url is that of the API, and look at what answers there',
      }),
    );
    stop();
  });
}

interface Received {
  readonly response: IncomingMessage;
  readonly url: URL;
  readonly raw: RawBody;
  readonly options: BodyOptions;
  readonly stop: () => void;
}

function answerOf({ response, url, raw, options, stop }: Received, signal: AbortSignal): Answer {
  const { statusCode = 0, headers } = response;
  const classified = (thrown: unknown): unknown => {
    signal.throwIfAborted();
    return toIdraError(thrown, options.where);
  };
  return {
    status: statusCode,
    url,
    headers,
    async *body() {
      try {
        yield* bodyOf(raw, options, signal);
      } catch (thrown) {
        throw classified(thrown);
      }
    },
    async whole() {
      try {
        return await wholeBody(raw, options, signal);
      } catch (thrown) {
        throw classified(thrown);
      }
    },
    discard: stop,
  };
}
