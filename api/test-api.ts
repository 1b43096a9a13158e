import assert from 'node:assert/strict';
import { join } from 'node:path';
import { openStateFile } from '../coordination/single/state-file.ts';
import type { Clock } from '../core/clock.ts';
import { systemClock } from '../core/clock.ts';
import { transient } from '../core/errors.ts';
import { type Log, silentLog } from '../core/log.ts';
import { tempFolder } from '../e2e/kit/temp.ts';
import { type SingleObject, singleFleet } from '../fleet/single.ts';
import type { Grant } from './access/roles.ts';
import type { ApiConfig } from './config.ts';
import type { Problem } from './http/problem.ts';
import { type RunningApi, startApi } from './run.ts';
import type { Installation } from './services.ts';
import { sessionCookie } from './users/sessions.ts';

export const testConfig: ApiConfig = {
  host: '127.0.0.1',
  port: 0,
  basePath: '',
  externalUrl: undefined,
  trustedProxies: [],
  sessions: { idleMs: 3_600_000, absoluteMs: 12 * 3_600_000 },
  auditEntries: 10_000,
  namespaces: [],
  firstPasswordFile: undefined,
  oidc: undefined,
  prometheus: undefined,
};

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  /** Parsed, where it is JSON. */
  readonly body: unknown;
}

export interface CallOptions {
  readonly method?: string;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

/** An unexpected error is part of the output of a failed test. */
const testLog: Log = { ...silentLog, error: (message, fields) => console.error(message, fields) };

/** A browser: keeps the cookie, sends the CSRF token. */
export class TestClient {
  readonly url: string;
  cookie: string | undefined;
  csrf = '';
  token: string | undefined;

  constructor(url: string) {
    this.url = url;
  }

  async call(path: string, { method = 'GET', body, headers = {} }: CallOptions = {}): Promise<Answer> {
    const response = await fetch(`${this.url}/api/v1${path}`, {
      method,
      redirect: 'manual',
      headers: {
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...(this.cookie !== undefined && { cookie: `${sessionCookie}=${this.cookie}` }),
        ...(method !== 'GET' && { 'x-idra-csrf': this.csrf }),
        ...(this.token !== undefined && { authorization: `Bearer ${this.token}` }),
        ...headers,
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    this.#keepCookie(response.headers.getSetCookie());
    const text = await response.text();
    const isJson = /json;|json$/.test(response.headers.get('content-type') ?? '');
    return { status: response.status, headers: response.headers, body: isJson ? JSON.parse(text) : text };
  }

  /** Must succeed. */
  async get<T>(path: string): Promise<T> {
    const { status, body } = await this.call(path);
    assert.equal(status, 200, JSON.stringify(body));
    return body as T;
  }

  /** Must succeed. */
  async send<T>(
    method: string,
    path: string,
    body?: unknown,
    headers: CallOptions['headers'] = {},
  ): Promise<T> {
    const answer = await this.call(path, { method, body, headers });
    assert.ok(answer.status < 300, JSON.stringify(answer.body));
    return answer.body as T;
  }

  /** Must be refused with this status and code; returns the problem. */
  async refused(status: number, code: string, path: string, options: CallOptions = {}): Promise<Problem> {
    const answer = await this.call(path, options);
    const problem = answer.body as Problem;
    assert.deepEqual([answer.status, problem.code], [status, code], JSON.stringify(problem));
    return problem;
  }

  async login(user: string, password: string): Promise<void> {
    const { csrf } = await this.send<{ csrf: string }>('POST', '/session', { user, password });
    this.csrf = csrf;
  }

  #keepCookie(cookies: readonly string[]): void {
    for (const text of cookies) {
      const [, value = ''] = new RegExp(`^${sessionCookie}=([^;]*)`).exec(text) ?? [];
      this.cookie = value === '' ? undefined : value;
    }
  }
}

/** An API server over an installation, with an administrator. */
export class TestApi {
  readonly api: RunningApi;
  readonly #close: () => Promise<void>;

  constructor(api: RunningApi, close: () => Promise<void>) {
    this.api = api;
    this.#close = close;
  }

  static async start(
    installation: Installation,
    { clock = systemClock, close = async () => {}, uiFolder, ...config }: TestApiOptions = {},
  ): Promise<TestApi> {
    const deps = { ...installation, config: { ...testConfig, ...config }, clock, log: testLog };
    const api = await startApi(deps, {
      checksAnswers: true,
      ...(uiFolder !== undefined && { uiFolder }),
    });
    return new TestApi(api, close);
  }

  client(): TestClient {
    return new TestClient(this.api.url);
  }

  /** Through the first login, as a user would. */
  async admin(): Promise<TestClient> {
    const client = this.client();
    if (this.api.services === undefined) throw new Error('not started');
    if (await this.api.services.users.isSetUp()) {
      await client.login('admin', adminPassword);
      return client;
    }
    await client.login('admin', 'admin');
    const { csrf } = await client.send<{ csrf: string }>('PUT', '/session/password', {
      current: 'admin',
      password: adminPassword,
    });
    client.csrf = csrf;
    return client;
  }

  /** A user with these rights, logged in. */
  async user(name: string, grants: readonly Grant[]): Promise<TestClient> {
    const admin = await this.admin();
    await admin.send('POST', '/users', { name, password: firstPassword, grants });
    const client = this.client();
    await client.login(name, firstPassword);
    const { csrf } = await client.send<{ csrf: string }>('PUT', '/session/password', {
      current: firstPassword,
      password: userPassword,
    });
    client.csrf = csrf;
    return client;
  }

  async stop(): Promise<void> {
    await this.api.close();
    await this.#close();
  }
}

export interface TestApiOptions extends Partial<ApiConfig> {
  readonly clock?: Clock;
  readonly close?: () => Promise<void>;
  readonly uiFolder?: string;
}

export const adminPassword = 'correct horse battery staple';
export const firstPassword = 'seven blue lamps at noon';
export const userPassword = 'a quiet river under stone';

/** Single mode without running Syncs: no server is needed. */
export async function singleInstallation(
  syncs: readonly Omit<SingleObject, 'uid'>[] = [],
  dataSources: readonly Omit<SingleObject, 'uid'>[] = [],
) {
  const state = openStateFile(join(await tempFolder('api'), 'state.db'));
  const { fleet, view } = singleFleet({
    state,
    syncs: syncs.map((each) => ({ ...each, uid: state.identify(each.namespace, each.name).uid })),
    dataSources: dataSources.map((each) => ({ ...each, uid: each.name })),
  });
  const installation: Installation = {
    mode: 'single',
    fleet,
    view,
    documents: state.documents,
    watchTrends: () => async () => {},
    agents: undefined,
    openAsker: async () => async () => {
      throw transient('NoAgentAnswered', 'no agent is running');
    },
    offsetHistory: async ({ uid }) => state.history(uid),
  };
  return { installation, state, close: async () => state.close() };
}
