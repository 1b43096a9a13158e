import { basePath } from '../base-path.ts';
import { strings } from '../strings.ts';
import type { Finding, Problem } from './types.ts';

export const apiRoot: string = `${basePath}/api/v1`;

/** An answer that is not a success. */
export class ApiError extends Error {
  readonly status: number;
  readonly code: string;
  readonly path: string | undefined;
  readonly fix: string | undefined;
  readonly findings: readonly Finding[];

  constructor(status: number, problem: Pick<Problem, 'code' | 'detail'> & Partial<Problem>) {
    super(problem.detail);
    this.name = 'ApiError';
    this.status = status;
    this.code = problem.code;
    this.path = problem.path;
    this.fix = problem.fix;
    this.findings = problem.findings ?? [];
  }
}

export interface CallOptions {
  readonly method?: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly query?: Query;
  readonly body?: unknown;
  /** Version of the object that was read. */
  readonly ifMatch?: string;
  readonly signal?: AbortSignal;
}

export type Query = Readonly<Record<string, string | number | boolean | readonly string[] | undefined>>;

/** Sent with each change; set at login. */
let csrf = '';
let onSignedOut: () => void = () => {};

export function setCsrf(token: string): void {
  csrf = token;
}

/** Called when an answer says that the session is over. */
export function whenSignedOut(listener: () => void): void {
  onSignedOut = listener;
}

/** Call it before a request: the function that it returns says that the answer was "not signed in". */
export function startRequest(): () => void {
  const session = csrf;
  return () => {
    // A late answer to a request of an earlier session says nothing about this one.
    if (session === csrf) onSignedOut();
  };
}

/** Calls the API. Throws ApiError; its code is Unreachable if there was no answer. */
export async function call<T>(path: string, options: CallOptions = {}): Promise<T> {
  const { method = 'GET', query = {}, body, ifMatch, signal } = options;
  const headers: Record<string, string> = { accept: 'application/json' };
  if (body !== undefined) headers['content-type'] = 'application/json';
  if (method !== 'GET') headers['x-idra-csrf'] = csrf;
  if (ifMatch !== undefined) headers['if-match'] = `"${ifMatch}"`;
  const signedOut = startRequest();
  const response = await send(`${apiRoot}${path}${queryText(query)}`, {
    method,
    headers,
    ...(body !== undefined && { body: JSON.stringify(body) }),
    ...(signal && { signal }),
  });
  if (response.status === 204) return undefined as T;
  const answer = await parsed(response);
  if (response.ok) return answer as T;
  const problem = answer as Problem | undefined;
  if (problem?.code === 'NotSignedIn') signedOut();
  throw new ApiError(
    response.status,
    problem?.code === undefined
      ? { code: 'Unreachable', detail: strings.errors.noAnswer(response.status) }
      : problem,
  );
}

async function send(url: string, init: RequestInit): Promise<Response> {
  try {
    return await fetch(url, { ...init, credentials: 'same-origin', redirect: 'error' });
  } catch (error) {
    if (init.signal?.aborted) throw error;
    throw new ApiError(0, { code: 'Unreachable', detail: strings.errors.unreachable });
  }
}

async function parsed(response: Response): Promise<unknown> {
  try {
    return await response.json();
  } catch {
    return undefined;
  }
}

export function queryText(query: Query): string {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value === undefined || value === '') continue;
    for (const each of Array.isArray(value) ? value : [value]) parameters.append(name, String(each));
  }
  const text = parameters.toString();
  return text === '' ? '' : `?${text}`;
}

export function asApiError(error: unknown): ApiError {
  if (error instanceof ApiError) return error;
  return new ApiError(0, { code: 'Bug', detail: error instanceof Error ? error.message : String(error) });
}

export function objectPath(kind: 'syncs' | 'datasources', namespace: string, name: string): string {
  return `/${kind}/${encodeURIComponent(namespace)}/${encodeURIComponent(name)}`;
}
