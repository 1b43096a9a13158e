import { createHash } from 'node:crypto';
import type { SystemAccess } from '../../../core/connector.ts';
import { permanent, transient } from '../../../core/errors.ts';
import type { SaslConfig } from '../config.ts';
import { toIdraError } from '../errors.ts';
import { call } from './http-client.ts';

interface Token {
  readonly value: string;
  readonly untilMs: number;
}

/** A token is used until shortly before its end, by all connections of this process. */
const reserveMs = 30_000;
const maxTokens = 1_000;
const tokens = new Map<string, Token>();

/** A token by the client credentials grant (RFC 6749, section 4.4). */
export async function fetchToken(
  access: SystemAccess,
  { oauth }: SaslConfig,
  signal: AbortSignal,
): Promise<string> {
  if (!oauth)
    throw permanent('ManifestInvalid', 'SASL OAUTHBEARER needs a token endpoint', {
      path: 'spec.kafka.sasl.oauth',
      fix: 'set tokenUrl, clientIdSecretRef and clientSecretSecretRef',
    });
  const id = access.secret('sasl.oauth.clientId')?.reveal() ?? '';
  const secret = access.secret('sasl.oauth.clientSecret')?.reveal() ?? '';
  const scope = oauth.scopes?.join(' ');
  const key = createHash('sha256')
    .update(JSON.stringify([access.dataSource, oauth.tokenUrl, id, secret, scope]))
    .digest('hex');
  const known = tokens.get(key);
  if (known && known.untilMs > Date.now()) return known.value;
  const credentials = Buffer.from(`${encodeURIComponent(id)}:${encodeURIComponent(secret)}`).toString(
    'base64',
  );
  const form = new URLSearchParams({ grant_type: 'client_credentials', ...(scope && { scope }) });
  const ca = access.secret('sasl.oauth.ca')?.reveal();
  const answer = await call(
    {
      method: 'POST',
      url: new URL(oauth.tokenUrl),
      headers: {
        authorization: `Basic ${credentials}`,
        'content-type': 'application/x-www-form-urlencoded',
        accept: 'application/json',
      },
      body: form.toString(),
      ...(ca !== undefined && { tls: { ca } }),
    },
    signal,
  ).catch((thrown: unknown) => {
    signal.throwIfAborted();
    throw toIdraError(thrown, `token endpoint ${oauth.tokenUrl}`);
  });
  const token = readToken(answer.status, answer.text, oauth.tokenUrl);
  if (tokens.size >= maxTokens) tokens.clear();
  tokens.set(key, token);
  return token.value;
}

function readToken(status: number, text: string, url: string): Token {
  if (status >= 500) throw transient('ServerFailed', `token endpoint ${url}: status ${status}`);
  const refused = permanent('AuthenticationFailed', `token endpoint ${url}: no token (status ${status})`, {
    path: 'spec.kafka.sasl.oauth',
    fix: 'check tokenUrl, client id, client secret and scopes',
  });
  if (status !== 200) throw refused;
  try {
    const { access_token: value, expires_in: seconds } = JSON.parse(text) as Record<string, unknown>;
    if (typeof value !== 'string' || value === '') throw refused;
    const lifeMs = typeof seconds === 'number' ? seconds * 1_000 : 0;
    return { value, untilMs: Date.now() + lifeMs - reserveMs };
  } catch {
    throw refused;
  }
}
