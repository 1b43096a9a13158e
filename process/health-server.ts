import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Registry } from 'prom-client';
import type { EnvironmentReader } from './environment.ts';

/** True, or a short description of the problem. */
export type Check = () => true | string;

export interface HealthOptions {
  /** 0: any free port. */
  readonly port: number;
  /** Undefined: all addresses. */
  readonly host: string | undefined;
  /** If one of these fails, the process should be restarted. */
  readonly live?: Readonly<Record<string, Check>>;
  /** If one of these fails, the process should receive no work for now. */
  readonly ready?: Readonly<Record<string, Check>>;
  readonly metrics: Pick<Registry, 'contentType' | 'metrics'>;
}

export interface HealthServer {
  readonly port: number;
  close(): Promise<void>;
}

/** A client that opens a connection and sends nothing, or reads slowly, must not hold it. */
const limits = {
  requestTimeout: 5_000,
  headersTimeout: 5_000,
  keepAliveTimeout: 5_000,
  connectionsCheckingInterval: 1_000,
  maxHeaderSize: 8_192,
};
const maxConnections = 256;

/** By default only this machine; `*` where the kubelet and Prometheus connect from outside. */
export function readHealthAddress(reader: EnvironmentReader): string | undefined {
  const address = reader.text('IDRA_HEALTH_ADDRESS') ?? '127.0.0.1';
  return address === '*' ? undefined : address;
}

/** Serves `/healthz`, `/readyz` and `/metrics`, and 404 for all other paths. */
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
