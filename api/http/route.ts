import type { z } from 'zod';
import type { Caller } from '../access/caller.ts';
import type { OperationId } from '../access/table.ts';
import type { Change } from '../audit/contract.ts';

export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

/** The parts of a request besides its parameters and body. */
export interface RequestFacts {
  readonly id: string;
  /** Address of the client, behind trusted proxies. */
  readonly ip: string;
  readonly userAgent: string;
  readonly ifMatch: string | undefined;
  /** It is a browser that goes to an address, not a script. */
  readonly wantsPage: boolean;
  readonly lastEventId: string | undefined;
  readonly sessionCookie: string | undefined;
  /** The header with all cookies. */
  readonly cookies: string | undefined;
  readonly query: string;
  /** `https` where a trusted proxy says so. */
  readonly origin: string;
}

/** Headers of the answer. */
export interface ReplyHead {
  status(code: number): void;
  header(name: string, value: string): void;
  cookie(text: string): void;
  /** The version of the object in the answer. */
  etag(version: string): void;
}

/** The answer is written by the handler as it goes. */
export class StreamedAnswer {
  readonly contentType: string;
  readonly stream: NodeJS.ReadableStream;
  constructor(contentType: string, stream: NodeJS.ReadableStream) {
    this.contentType = contentType;
    this.stream = stream;
  }
}

export interface Call<P = unknown, Q = unknown, B = unknown> {
  readonly params: P;
  readonly query: Q;
  readonly body: B;
  /** Throws NotSignedIn if the operation is public and nobody is signed in. */
  readonly caller: Caller;
  readonly maybeCaller: Caller | undefined;
  readonly request: RequestFacts;
  readonly reply: ReplyHead;
  /** Fires when the client is gone. */
  readonly signal: AbortSignal;
  /** Makes a change, with its entry in the audit log: no entry, no change. */
  change<T>(change: Change, work: () => Promise<T>): Promise<T>;
  /** Nothing was changed, such as in a dry run: no entry is needed. */
  isUnchanged(): void;
  /** Who the sender is now, for answers that last; does not count as a use of the session. */
  authenticateAgain(): Promise<Caller | undefined>;
}

export interface RouteParts {
  readonly id: OperationId;
  readonly method: Method;
  /** Below /api/v1, with `{name}` as in OpenAPI. */
  readonly path: string;
  readonly tag: string;
  readonly summary: string;
  readonly status?: 200 | 201 | 202 | 204 | 302;
  /** Of an answer that is not JSON. */
  readonly contentType?: string;
  /** Does not change anything, although it is a POST: no entry in the audit log. */
  readonly isReadOnly?: true;
}

export interface Route extends RouteParts {
  readonly params: z.ZodType | undefined;
  readonly query: z.ZodType | undefined;
  readonly body: z.ZodType | undefined;
  readonly answer: z.ZodType | undefined;
  readonly handle: (call: Call) => Promise<unknown>;
}

/** A route whose handler has the types of its schemas. */
export function route<
  P extends z.ZodType = z.ZodUndefined,
  Q extends z.ZodType = z.ZodUndefined,
  B extends z.ZodType = z.ZodUndefined,
  A extends z.ZodType = z.ZodUndefined,
>(
  parts: RouteParts & {
    readonly params?: P;
    readonly query?: Q;
    readonly body?: B;
    readonly answer?: A;
    readonly handle: (
      call: Call<z.output<P>, z.output<Q>, z.output<B>>,
    ) => Promise<A extends z.ZodUndefined ? unknown : z.input<A>>;
  },
): Route {
  const { params, query, body, answer, handle, ...rest } = parts;
  return { ...rest, params, query, body, answer, handle: handle as Route['handle'] };
}
