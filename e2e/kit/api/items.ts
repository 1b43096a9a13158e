import type { IncomingMessage, ServerResponse } from 'node:http';

/** One item of a collection, as the JSON text that clients wrote or tests inserted. */
export interface ApiItem {
  readonly id: string;
  readonly json: string;
  /** ISO 8601, for lists that are filtered by time. */
  readonly at?: string;
}

export interface ApiRequest {
  readonly method: string;
  /** With its query. */
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

export interface ApiOutcome {
  readonly status: number;
  readonly body: string;
}

/** What an API stores. */
export class ApiStore {
  readonly collections: Map<string, ApiItem[]> = new Map<string, ApiItem[]>();
  /** What the first write with an idempotency key was answered. */
  readonly idempotencyKeys: Map<string, ApiOutcome> = new Map<string, ApiOutcome>();

  collection(name: string): ApiItem[] {
    const known = this.collections.get(name) ?? [];
    this.collections.set(name, known);
    return known;
  }
}

export function send(
  response: ServerResponse,
  status: number,
  body: string | Buffer,
  headers: Readonly<Record<string, string>> = {},
): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers });
  response.end(body);
}

/** Items `{"id":1,"body":"row 1"}` and so on. */
export function numberedItems(from: number, to: number): ApiItem[] {
  return Array.from({ length: Math.max(0, to - from + 1) }, (_, index) => {
    const id = String(from + index);
    return { id, json: `{"id":${id},"body":"row ${id}"}` };
  });
}
