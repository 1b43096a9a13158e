import { permanent } from '../../../core/errors.ts';
import type { Secret } from '../../../core/secret.ts';
import { type HttpConfig, isHeaderValue } from '../config.ts';
import type { Exchanger } from './exchange.ts';
import { OAuthTokens } from './oauth.ts';

/** Headers with credentials. They are made only for calls to the origin of `url`, which is the only one that is called. */
export class Authentication {
  readonly #config: HttpConfig;
  readonly #tokens: OAuthTokens | undefined;
  #sent: Secret | undefined;

  constructor(config: HttpConfig, exchanger: Exchanger) {
    this.#config = config;
    const { credentials } = config;
    this.#tokens = credentials.kind === 'oauth' ? new OAuthTokens(credentials, exchanger) : undefined;
  }

  async headers(signal: AbortSignal): Promise<Readonly<Record<string, string>>> {
    const { secretHeaders } = this.#config;
    const authorization = await this.#authorization(signal);
    return {
      ...Object.fromEntries(Object.entries(secretHeaders).map(([name, secret]) => [name, secret.reveal()])),
      ...(authorization !== undefined && { authorization }),
    };
  }

  /** After a 401: whether another attempt may succeed, with a new token. */
  renew(): boolean {
    if (!this.#tokens || !this.#sent) return false;
    this.#tokens.forget(this.#sent);
    this.#sent = undefined;
    return true;
  }

  /** Whether a text contains a credential, so that it must not be stored or shown. */
  isSecret(text: string): boolean {
    const { credentials, secretHeaders } = this.#config;
    const own = Object.values(secretHeaders).map((secret) => secret.reveal());
    const known = [...own, ...secretsOf(credentials), this.#sent?.reveal()];
    return known.some((secret) => secret !== undefined && secret.length >= 6 && text.includes(secret));
  }

  async #authorization(signal: AbortSignal): Promise<string | undefined> {
    const { credentials } = this.#config;
    switch (credentials.kind) {
      case 'none':
        return undefined;
      case 'bearer':
        return `Bearer ${this.#headerText(credentials.token, 'bearerTokenSecretRef')}`;
      case 'basic': {
        const text = `${credentials.user}:${credentials.password?.reveal() ?? ''}`;
        return `Basic ${Buffer.from(text, 'utf8').toString('base64')}`;
      }
      case 'oauth':
        this.#sent = await this.#tokens?.token(signal);
        return `Bearer ${this.#sent?.reveal() ?? ''}`;
    }
  }

  #headerText(secret: Secret | undefined, field: string): string {
    const text = secret?.reveal() ?? '';
    if (isHeaderValue(text)) return text;
    throw permanent(
      'AuthenticationFailed',
      `${this.#config.where}: the token has characters that no header can have`,
      {
        path: `spec.http.${field}`,
        fix: 'correct the Secret: a line break at its end does not belong to the token',
      },
    );
  }
}

function secretsOf(credentials: HttpConfig['credentials']): readonly (string | undefined)[] {
  switch (credentials.kind) {
    case 'none':
      return [];
    case 'bearer':
      return [credentials.token?.reveal()];
    case 'basic':
      return [credentials.password?.reveal()];
    case 'oauth':
      return [credentials.secret?.reveal()];
  }
}
