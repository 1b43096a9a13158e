import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Asked {
  readonly path: string;
  readonly query: string;
  readonly start: number;
  readonly end: number;
  readonly step: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
}

/** A series by part of its query; the answer is one value for each of the last steps. Several series: the value of each Sync. */
export type Answers = Readonly<Record<string, number | Readonly<Record<string, number>>>>;

/** Answers `query_range` as the HTTP API of Prometheus is documented. */
export class TestPrometheus {
  readonly asked: Asked[] = [];
  answers: Answers = {};
  /** Instead of the documented answer. */
  misbehave: ((response: ServerResponse) => void) | undefined;
  readonly #server: Server;

  private constructor() {
    this.#server = createServer((request, response) => {
      let body = '';
      request.on('data', (chunk) => {
        body += chunk;
      });
      request.on('end', () => {
        const form = new URLSearchParams(body);
        const numberOf = (name: string) => Number(form.get(name));
        const asked = {
          path: `${request.method} ${request.url}`,
          query: form.get('query') ?? '',
          start: numberOf('start'),
          end: numberOf('end'),
          step: numberOf('step'),
          headers: request.headers,
        };
        this.asked.push(asked);
        if (this.misbehave) this.misbehave(response);
        else response.end(JSON.stringify(this.#answer(asked)));
      });
    });
  }

  static async start(port = 0): Promise<TestPrometheus> {
    const made = new TestPrometheus();
    await new Promise<void>((resolve) => made.#server.listen(port, '127.0.0.1', resolve));
    return made;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #answer({ query, start, end, step }: Asked): object {
    const value = Object.entries(this.answers).find(([part]) => query.includes(part))?.[1];
    const times = Array.from({ length: Math.floor((end - start) / step) + 1 }, (_, at) => start + at * step);
    const series = (metric: object, of: number) => ({
      metric,
      values: times.slice(-3).map((time) => [time, String(of)]),
    });
    const result =
      value === undefined
        ? []
        : typeof value === 'number'
          ? [series({}, value)]
          : Object.entries(value).map(([sync, of]) => series({ sync }, of));
    return { status: 'success', data: { resultType: 'matrix', result } };
  }
}
