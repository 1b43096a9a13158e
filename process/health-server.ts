import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Registry } from 'prom-client';
import type { EnvironmentReader } from './environment.ts';

/** True, or what is wrong in a few words. */
export type Check = () => true | string;

export interface HealthOptions {
  /** 0: any free one. */
  readonly port: number;
  /** Undefined: all addresses. */
  readonly host: string | undefined;
  /** Wrong here: the process should be started anew. */
  readonly live?: Readonly<Record<string, Check>>;
  /** Wrong here: it should not be counted on for now. */
  readonly ready?: Readonly<Record<string, Check>>;
  readonly metrics: Pick<Registry, 'contentType' | 'metrics'>;
}

export interface HealthServer {
  readonly port: number;
  close(): Promise<void>;
}

/** Whoever opens a connection and says nothing, or reads slowly, does not keep it. */
const limits = {
  requestTimeout: 5_000,
  headersTimeout: 5_000,
  keepAliveTimeout: 5_000,
  connectionsCheckingInterval: 1_000,
  maxHeaderSize: 8_192,
};
const maxConnections = 256;

/** By default this machine alone; `*` where the kubelet and Prometheus ask from outside. */
export function readHealthAddress(reader: EnvironmentReader): string | undefined {
  const address = reader.text('IDRA_HEALTH_ADDRESS') ?? '127.0.0.1';
  return address === '*' ? undefined : address;
}

/** `/healthz`, `/readyz` and `/metrics`, and 404 for all else. */
export async function startHealthServer(options: HealthOptions): Promise<HealthServer> {
  const server = createServer(limits, (request, response) => {
    answer(options, request, response).catch((error: unknown) => response.destroy(error as Error));
  });
  server.maxConnections = maxConnections;
  server.listen(options.port, options.host);
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    close: async () => {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

async function answer(
  options: HealthOptions,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { pathname } = new URL(request.url ?? '/', 'http://localhost');
  switch (pathname) {
    case '/healthz':
      return sendChecks(response, options.live ?? {});
    case '/readyz':
      return sendChecks(response, options.ready ?? {});
    case '/metrics':
      response.setHeader('content-type', options.metrics.contentType);
      response.end(await options.metrics.metrics());
      return;
    default:
      response.writeHead(404).end();
  }
}

function sendChecks(response: ServerResponse, checks: Readonly<Record<string, Check>>): void {
  const results = Object.entries(checks).map(([name, check]) => ({ name, result: check() }));
  const lines = results.map(({ name, result }) => `${name}: ${result === true ? 'ok' : result}\n`);
  const isWell = results.every(({ result }) => result === true);
  response.writeHead(isWell ? 200 : 503, { 'content-type': 'text/plain; charset=utf-8' });
  response.end(isWell ? `ok\n${lines.join('')}` : lines.join(''));
}
