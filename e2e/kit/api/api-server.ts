import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { type ApiItem, type ApiRequest, ApiStore, send } from './items.ts';
import { answerList } from './lists.ts';
import { answerWrite } from './writes.ts';

/** Decides about a request before the API does. True: it has answered, or will. */
export type Intercept = (request: ApiRequest, response: ServerResponse) => boolean | Promise<boolean>;

/**
 * A small HTTP API for tests, in this process: collections of JSON items that are listed with every kind of paging (lists.ts) and written
 * item by item or in bulk (writes.ts). Tests look at its requests, and may answer in its place.
 */
export class ApiServer {
  readonly store: ApiStore = new ApiStore();
  readonly requests: ApiRequest[] = [];
  intercept: Intercept | undefined;
  /** Requests need this Authorization header. */
  authorization: string | undefined;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  private constructor(server: Server) {
    this.#server = server;
    server.on('connection', (socket) => {
      this.#sockets.add(socket);
      socket.on('close', () => this.#sockets.delete(socket));
      socket.on('error', () => {});
    });
    server.on('request', (request, response) => void this.#answer(request, response));
  }

  static async start(port = 0): Promise<ApiServer> {
    const server = createServer({ keepAliveTimeout: 60_000 });
    const api = new ApiServer(server);
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
    return api;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  get openSockets(): number {
    return this.#sockets.size;
  }

  collection(name: string): ApiItem[] {
    return this.store.collection(name);
  }

  cutSockets(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  async stop(): Promise<void> {
    this.#server.close();
    this.cutSockets();
    if (this.#server.listening) await once(this.#server, 'close');
  }

  async #answer(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    response.on('error', () => {});
    const chunks: Buffer[] = [];
    try {
      for await (const chunk of incoming) chunks.push(chunk as Buffer);
    } catch {
      return;
    }
    const { method = 'GET', url: path = '/', headers } = incoming;
    const request: ApiRequest = { method, path, headers, body: Buffer.concat(chunks).toString('utf8') };
    this.requests.push(request);
    if (await this.intercept?.(request, response)) return;
    if (this.authorization !== undefined && headers.authorization !== this.authorization) {
      send(response, 401, '{"error":"unauthorized"}');
      return;
    }
    const url = new URL(path, this.url);
    if (answerList(this.store, url, request, response) || answerWrite(this.store, url, request, response))
      return;
    send(response, 404, '{"error":"not_found"}');
  }
}
