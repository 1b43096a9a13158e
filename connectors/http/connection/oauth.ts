import { createHash } from 'node:crypto';
import { z } from 'zod';
import { orAborted } from '../../../core/aborted.ts';
import type { Clock } from '../../../core/clock.ts';
import { IdraError, permanent } from '../../../core/errors.ts';
import { Secret } from '../../../core/secret.ts';
import type { OAuthClient } from '../config.ts';
import { isTransientStatus, statusError } from '../errors.ts';
import { type Exchanger, exchange } from './exchange.ts';

/** RFC 6749, 5.1 */
const tokenAnswer = z.object({
  access_token: z
    .string()
    .min(1)
    .max(16_384)
    .regex(/^[\x21-\x7e]+$/),
  token_type: z.string().max(64).optional(),
  expires_in: z.coerce.number().min(0).max(1e9).optional(),
});
/** RFC 6749, 5.2: the only part of a refusal that cannot contain anything else. */
const refusals = [
  'invalid_client',
  'invalid_grant',
  'invalid_request',
  'invalid_scope',
  'unauthorized_client',
  'unsupported_grant_type',
];

/** Assumed if the answer has no lifetime. */
const usualLifetimeMs = 300_000;

interface Token {
  readonly value: Secret;
  readonly renewsAtMs: number;
}

/** Tokens of the process: all Syncs of a DataSource use one. */
const tokens = new Map<string, Token | Promise<Token>>();
const mostTokens = 2_000;

/** Tokens by the client credentials grant. One request at a time; a token is renewed when a tenth of its lifetime is left. */
export class OAuthTokens {
  readonly #client: OAuthClient;
  readonly #exchanger: Exchanger;
  readonly #clock: Clock;
  readonly #key: string;

  constructor(client: OAuthClient, exchanger: Exchanger) {
    this.#client = client;
    this.#exchanger = exchanger;
    this.#clock = exchanger.clock;
    const { tokenUrl, id, secret, parameters } = client;
    const parts = [exchanger.rule.where, tokenUrl.href, id?.reveal(), secret?.reveal(), parameters];
    this.#key = createHash('sha256').update(JSON.stringify(parts)).digest('hex');
  }

  async token(signal: AbortSignal): Promise<Secret> {
    for (;;) {
      const known = tokens.get(this.#key);
      if (known !== undefined && !(known instanceof Promise)) {
        if (known.renewsAtMs > this.#clock.monotonicMs()) return known.value;
        tokens.delete(this.#key);
        continue;
      }
      if (known === undefined) return (await this.#requested(signal)).value;
      // Another Sync requests it. If that one is stopped, this one requests it itself.
      const token = await orAborted(
        known.catch((thrown: unknown) => (thrown instanceof IdraError ? Promise.reject(thrown) : undefined)),
        signal,
      );
      if (token) return token.value;
    }
  }

  /** The API has refused this token: the next call gets another. */
  forget(token: Secret): void {
    const known = tokens.get(this.#key);
    if (known !== undefined && !(known instanceof Promise) && known.value === token) tokens.delete(this.#key);
  }

  async #requested(signal: AbortSignal): Promise<Token> {
    const requesting = this.#request(signal);
    const [oldest] = tokens.keys();
    if (tokens.size >= mostTokens && oldest !== undefined) tokens.delete(oldest);
    tokens.set(this.#key, requesting);
    try {
      const token = await requesting;
      tokens.set(this.#key, token);
      return token;
    } catch (thrown) {
      tokens.delete(this.#key);
      throw thrown;
    }
  }

  async #request(signal: AbortSignal): Promise<Token> {
    const { tokenUrl, id, secret, isInBody, parameters } = this.#client;
    const [user, password] = [id?.reveal() ?? '', secret?.reveal() ?? ''];
    const form = new URLSearchParams({
      grant_type: 'client_credentials',
      ...parameters,
      ...(isInBody && { client_id: user, client_secret: password }),
    });
    const basic = Buffer.from(`${encodeURIComponent(user)}:${encodeURIComponent(password)}`).toString(
      'base64',
    );
    const answer = await exchange(
      this.#exchanger,
      {
        method: 'POST',
        url: tokenUrl,
        name: 'the token endpoint',
        headers: {
          accept: 'application/json',
          'content-type': 'application/x-www-form-urlencoded',
          ...(!isInBody && { authorization: `Basic ${basic}` }),
        },
        body: Buffer.from(form.toString()),
      },
      signal,
    );
    const body = await answer.whole();
    if (answer.status < 200 || answer.status > 299) throw this.#refused(answer.status, body);
    return this.#tokenOf(body);
  }

  #tokenOf(body: Buffer): Token {
    const parsed = tokenAnswer.safeParse(jsonOf(body));
    const { token_type: type = 'bearer' } = parsed.data ?? {};
    if (!parsed.success || type.toLowerCase() !== 'bearer') {
      throw permanent(
        'AnswerInvalid',
        `${this.#exchanger.rule.where}: the answer of the token endpoint has no bearer token`,
        {
          path: 'spec.http.oauth.tokenUrl',
          fix: 'set tokenUrl to the endpoint that issues tokens by the client credentials grant',
        },
      );
    }
    const lifetimeMs = (parsed.data.expires_in ?? usualLifetimeMs / 1_000) * 1_000;
    return {
      value: new Secret(parsed.data.access_token),
      renewsAtMs: this.#clock.monotonicMs() + lifetimeMs * 0.9,
    };
  }

  #refused(status: number, body: Buffer): IdraError {
    const where = `${this.#exchanger.rule.where}: the token endpoint`;
    if (isTransientStatus(status)) return statusError(status, { where, path: 'spec.http.oauth.tokenUrl' });
    const said = z.object({ error: z.string() }).safeParse(jsonOf(body)).data?.error ?? '';
    const why = refusals.includes(said) ? said : `status ${status}`;
    return permanent('AuthenticationFailed', `${where} refuses the client (${why})`, {
      path: 'spec.http.oauth',
      fix: 'correct client id, client secret and scopes; a changed Secret is noticed within a minute',
    });
  }
}

function jsonOf(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8'));
  } catch {
    return undefined;
  }
}
