import { randomUUID } from 'node:crypto';
import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import { z } from 'zod';
import { asIdraError, bug, describeError, type IdraError, permanent, transient } from '../core/errors.ts';
import type { Log } from '../core/log.ts';
import { type Caller, requireAccess } from './access/caller.ts';
import { accessTo } from './access/table.ts';
import { answerBrokenRequest } from './http/broken-requests.ts';
import { readCookie } from './http/cookies.ts';
import { requireSameSite, type SiteRules } from './http/cross-site.ts';
import { asRequestError, parsePart, problemOf, statusOf } from './http/problem.ts';
import { RetryLater } from './http/retry-later.ts';
import { type Call, type ReplyHead, type RequestFacts, type Route, StreamedAnswer } from './http/route.ts';
import { securityHeaders } from './http/security-headers.ts';
import { LiveStream } from './live/stream.ts';
import { allRoutes } from './routes.ts';
import type { Services } from './services.ts';
import { addUi } from './ui/serve.ts';
import { authenticate } from './users/authentication.ts';
import { sessionCookie } from './users/sessions.ts';

export interface ServerOptions {
  /** Answers are checked by their schemas: for tests. */
  readonly checksAnswers?: boolean;
  /** With the built web UI; by default that of this installation. */
  readonly uiFolder?: string;
}

const maxBodyBytes = 1 << 20;
/** A client has this long to send a request, so that slow ones do not hold connections. */
const requestMs = 15_000;
const maxConnections = 2_000;

/** The HTTP server over all routes. Not listening yet. */
export function makeServer(services: Services, options: ServerOptions = {}): FastifyInstance {
  const { config, log } = services;
  const isSecure = config.externalUrl?.protocol === 'https:';
  const fail = failure(log);
  const app = Fastify({
    bodyLimit: maxBodyBytes,
    requestTimeout: requestMs,
    keepAliveTimeout: 30_000,
    connectionTimeout: 0,
    http: { headersTimeout: 10_000, maxHeaderSize: 16_384, connectionsCheckingInterval: 2_000 },
    trustProxy: config.trustedProxies.length > 0 ? [...config.trustedProxies] : false,
    genReqId: () => randomUUID(),
    exposeHeadRoutes: false,
    return503OnClosing: true,
    routerOptions: { maxParamLength: 600, caseSensitive: true },
    logger: false,
    forceCloseConnections: true,
    clientErrorHandler: (error, socket) => answerBrokenRequest(error, socket, isSecure),
    frameworkErrors: (error, request, reply) => {
      reply.headers(securityHeaders(undefined, isSecure));
      fail(error, request, reply);
    },
  });
  app.server.maxConnections = maxConnections;
  app.removeContentTypeParser('text/plain');
  app.setErrorHandler(fail);
  app.setNotFoundHandler((request, reply) =>
    sendProblem(permanent('RouteNotFound', 'there is no such path'), request, reply),
  );
  app.addHook('onRequest', async (_request, reply) => {
    reply.headers(securityHeaders(undefined, isSecure));
  });
  const site: SiteRules = { externalUrl: config.externalUrl, isLoopback: isLoopback(config.host) };
  for (const each of allRoutes(services)) {
    app.route({
      method: each.method,
      url: `${config.basePath}/api/v1${each.path.replaceAll(/\{(\w+)\}/g, ':$1')}`,
      handler: (request, reply) => serve({ services, site, options, route: each }, request, reply),
    });
  }
  addUi(app, { basePath: config.basePath, isSecure, folder: options.uiFolder });
  return app;
}

function failure(log: Log) {
  return (thrown: unknown, request: FastifyRequest, reply: FastifyReply): void => {
    const error = asRequestError(thrown) ?? asIdraError(thrown);
    if (error.disposition === 'bug')
      log.error('a request failed unexpectedly', {
        id: request.id,
        url: request.url,
        error: describeError(error),
        stack: stackOf(error),
      });
    sendProblem(error, request, reply);
  };
}

interface Serving {
  readonly services: Services;
  readonly site: SiteRules;
  readonly options: ServerOptions;
  readonly route: Route;
}

async function serve(serving: Serving, request: FastifyRequest, reply: FastifyReply): Promise<unknown> {
  const { services, site, route, options } = serving;
  const { headers } = request;
  const cookie = readCookie(headers.cookie, sessionCookie);
  const credentials = { authorization: headers.authorization, cookie };
  const caller = await authenticate(services, credentials);
  const facts = {
    method: request.method,
    host: headers.host,
    origin: headers.origin,
    fetchSite: textOf(headers['sec-fetch-site']),
    csrf: textOf(headers['x-idra-csrf']),
  };
  requireSameSite(facts, site, caller);
  const { namespace } = (request.params ?? {}) as { readonly namespace?: string };
  requireAccess(accessTo(route.id), caller, namespace);
  if ('in' in accessTo(route.id)) await requireSynced(services);
  let isAudited = false;
  const facade = factsOf(request, cookie);
  const call: Call = {
    params: route.params && parsePart(route.params, request.params, 'path'),
    query: parsePart(route.query ?? noQuery, request.query, 'query'),
    body: route.body && parsePart(route.body, request.body ?? {}, 'body'),
    get caller(): Caller {
      if (caller) return caller;
      throw permanent('NotSignedIn', 'no valid session or token was sent');
    },
    maybeCaller: caller,
    request: facade,
    reply: headOf(reply),
    signal: signalOf(reply),
    async change(change, work) {
      isAudited = true;
      return await services.audit.record(actorOf(call), change, work);
    },
    isUnchanged() {
      isAudited = true;
    },
    authenticateAgain: () => authenticate(services, { ...credentials, isUse: false }),
  };
  reply.status(route.status ?? 200);
  const answer = await route.handle(call);
  if (options.checksAnswers) requireRecorded(route, isAudited);
  return send(serving, reply, answer);
}

function send({ route, options }: Serving, reply: FastifyReply, answer: unknown): unknown {
  if (answer instanceof LiveStream) {
    answer.join();
    const headers = reply.getHeaders() as Record<string, string>;
    reply.hijack();
    answer.start(reply.raw, headers);
    return reply;
  }
  if (answer instanceof StreamedAnswer) return reply.type(answer.contentType).send(answer.stream);
  if (route.status === 204 || route.status === 302) return reply.send();
  if (route.contentType !== undefined) return reply.type(`${route.contentType}; charset=utf-8`).send(answer);
  if (options.checksAnswers) requireSchema(route, answer);
  // Written here: Fastify's own serializer is for its own schemas.
  return reply.type('application/json; charset=utf-8').send(JSON.stringify(answer));
}

function requireSchema({ id, answer: schema }: Route, answer: unknown): void {
  const parsed = schema?.safeParse(JSON.parse(JSON.stringify(answer)));
  if (!parsed || parsed.success) return;
  throw bug(`the answer of ${id} is not as described: ${parsed.error.message}`);
}

/** Every change must be in the audit log. */
function requireRecorded({ id, method, isReadOnly }: Route, isAudited: boolean): void {
  if (method === 'GET' || isReadOnly || isAudited || id === 'login') return;
  throw bug(`${id} has changed something without an entry in the audit log`);
}

/** Right after the start, requests wait for the first list. */
const syncMs = 5_000;

async function requireSynced({ isSynced, view, clock }: Services): Promise<void> {
  if (isSynced()) return;
  await Promise.race([view.isSynced.catch(() => {}), clock.sleep(syncMs)]);
  if (isSynced()) return;
  throw transient('NotReady', 'the API server has just started and has not read everything yet', {
    fix: 'retry in a moment',
  });
}

function sendProblem(error: IdraError, request: FastifyRequest, reply: FastifyReply): void {
  const status = statusOf(error);
  const seconds = error instanceof RetryLater ? String(error.seconds) : '2';
  if (status === 429 || status === 503) reply.header('retry-after', seconds);
  if (status === 401 && error.code === 'NotSignedIn') reply.header('www-authenticate', 'Bearer');
  void reply
    .status(status)
    .type('application/problem+json')
    .send(JSON.stringify(problemOf(error, request.id)));
}

function factsOf(request: FastifyRequest, cookie: string | undefined): RequestFacts {
  const { headers } = request;
  return {
    id: request.id,
    ip: request.ip,
    userAgent: headers['user-agent'] ?? '',
    ifMatch: headers['if-match']?.replace(/^(?:W\/)?"(.*)"$/, '$1'),
    wantsPage: headers.accept?.includes('text/html') ?? false,
    lastEventId: textOf(headers['last-event-id']),
    sessionCookie: cookie,
    cookies: headers.cookie,
    query: request.url.includes('?') ? request.url.slice(request.url.indexOf('?') + 1) : '',
    origin: `${request.protocol}://${request.host}`,
  };
}

function actorOf({ maybeCaller, request }: Call) {
  const { ip, userAgent } = request;
  const by = maybeCaller?.by;
  return {
    user: maybeCaller?.user ?? '',
    ...(by?.kind === 'token' && { token: by.id }),
    ip,
    userAgent,
  };
}

function headOf(reply: FastifyReply): ReplyHead {
  return {
    status: (code) => void reply.status(code),
    header: (name, value) => void reply.header(name, value),
    // Several calls set several cookies.
    cookie: (text) => void reply.header('set-cookie', text),
    etag: (version) => void reply.header('etag', `"${version}"`),
  };
}

function signalOf(reply: FastifyReply): AbortSignal {
  const gone = new AbortController();
  reply.raw.once('close', () => gone.abort());
  return gone.signal;
}

const noQuery = z.strictObject({});

function textOf(header: string | string[] | undefined): string | undefined {
  return typeof header === 'string' ? header : undefined;
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || host.startsWith('127.');
}

function stackOf(error: IdraError): string {
  return (error.cause instanceof Error ? error.cause.stack : error.stack) ?? '';
}
