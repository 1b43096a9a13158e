import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A web server with lists of JSON, which a test may change between two requests. */
export class ServedFiles {
  readonly lists: Map<string, readonly string[]> = new Map();
  readonly #server: Server;

  static async start(): Promise<ServedFiles> {
    const served = new ServedFiles();
    served.#server.listen(0, '127.0.0.1');
    await once(served.#server, 'listening');
    return served;
  }

  private constructor() {
    this.#server = createServer((request, response) => {
      const list = this.lists.get(decodeURIComponent(request.url?.slice(1) ?? ''));
      response.writeHead(list ? 200 : 404, { 'content-type': 'application/json' });
      response.end(list && `{"data":[\n${list.join(',\n')}]}`);
    });
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
