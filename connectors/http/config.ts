import { z } from 'zod';
import type { SystemAccess } from '../../core/connector.ts';
import { type IdraError, permanent } from '../../core/errors.ts';
import { durationText, secretReference, text } from '../../core/manifest/fields.ts';
import { parseDuration } from '../../core/manifest/units.ts';
import type { Secret } from '../../core/secret.ts';
import type { AddressRule } from './connection/allowed-address.ts';
import type { TlsOptions } from './connection/open.ts';

const urlText = () =>
  text({
    max: 2_048,
    pattern: /^https?:\/\/[^\s/?#@\\]+(\/[^\s?#\\]*)?$/,
    says: 'write a URL without user, query and fragment: https://api.example.com/v2',
  });

const tls = z
  .strictObject({
    mode: z
      .enum(['Require', 'VerifyCA', 'VerifyFull'])
      .default('VerifyFull')
      .describe(
        'How the server of an https URL is verified. VerifyFull: with a certificate of the authority for this host; VerifyCA: with a certificate of the authority; Require: with any certificate, which does not protect against impersonation of the server.',
      ),
    caSecretRef: secretReference()
      .optional()
      .describe('Certificates of the trusted authorities, in PEM; by default those of the machine.'),
    certSecretRef: secretReference().optional().describe('Client certificate in PEM; needs keySecretRef.'),
    keySecretRef: secretReference().optional().describe('Key of the client certificate in PEM.'),
  })
  .prefault({});

const headerName = () =>
  text({ max: 128, pattern: /^[A-Za-z0-9!#$%&'*+.^_`|~-]+$/, says: 'write the name of a header: X-Api-Key' });

/** The fields of a DataSource's `http` object. */
export const schema = z.strictObject({
  url: urlText().describe('URL of the API; the paths of Syncs are relative to it.'),
  headers: z
    .record(headerName(), z.string().max(4_096))
    .meta({ maxProperties: 32 })
    .optional()
    .describe('Headers of each request, by name; for secret values there is headerSecretRefs.'),
  headerSecretRefs: z
    .record(headerName(), secretReference())
    .meta({ maxProperties: 32 })
    .optional()
    .describe('Headers whose values are secret, by name.'),
  bearerTokenSecretRef: secretReference().optional().describe('Token that is sent as Authorization: Bearer.'),
  basic: z
    .strictObject({
      user: text({ max: 128 }).describe('User.'),
      passwordSecretRef: secretReference().optional().describe("The user's password."),
    })
    .optional()
    .describe('User and password that are sent as Authorization: Basic.'),
  oauth: z
    .strictObject({
      tokenUrl: urlText().describe('URL of the token endpoint.'),
      clientIdSecretRef: secretReference().describe('Client id.'),
      clientSecretSecretRef: secretReference().describe('Client secret.'),
      clientAuthentication: z
        .enum(['Header', 'Body'])
        .default('Header')
        .describe(
          'How the client authenticates: Header: Authorization: Basic; Body: as parameters of the request.',
        ),
      scopes: z
        .array(
          text({
            max: 256,
            pattern: /^[\x21\x23-\x5b\x5d-\x7e]+$/,
            says: 'write a scope without spaces and quotes',
          }),
        )
        .max(32)
        .optional()
        .describe('Scopes to request.'),
      audience: text({ max: 512 })
        .optional()
        .describe('Audience to request, where the token endpoint needs one.'),
    })
    .optional()
    .describe('Tokens by the OAuth 2 client credentials grant; renewed before they expire.'),
  tls: tls.describe('Verification of an https URL.'),
  allowPrivateAddresses: z
    .boolean()
    .default(false)
    .describe(
      'true: requests to private, loopback and link-local addresses are allowed. Those of cloud metadata services are always refused.',
    ),
  allowCleartextPassword: z
    .boolean()
    .default(false)
    .describe('true: credentials are also sent to an http URL, where others on the network can read them.'),
  requestTimeout: durationText().default('60s').describe('How long the API may take to begin an answer.'),
});
type HttpFields = z.infer<typeof schema>;

export type Credentials =
  | { readonly kind: 'none' }
  | { readonly kind: 'bearer'; readonly token: Secret | undefined }
  | { readonly kind: 'basic'; readonly user: string; readonly password: Secret | undefined }
  | (OAuthClient & { readonly kind: 'oauth' });

export interface OAuthClient {
  readonly tokenUrl: URL;
  readonly id: Secret | undefined;
  readonly secret: Secret | undefined;
  readonly isInBody: boolean;
  readonly parameters: Readonly<Record<string, string>>;
}

export interface HttpConfig {
  /** `team-a/api (https://api.example.com/v2)`, for messages. */
  readonly where: string;
  readonly dataSource: string;
  /** Without a slash at its end. */
  readonly base: string;
  readonly origin: string;
  readonly rule: AddressRule;
  readonly tls: TlsOptions;
  readonly headers: Readonly<Record<string, string>>;
  readonly secretHeaders: Readonly<Record<string, Secret>>;
  readonly credentials: Credentials;
  readonly responseMs: number;
  readonly isClearTextAllowed: boolean;
}

export function readConfig(access: SystemAccess): HttpConfig {
  const fields = schema.parse(access.config);
  // As the parser of URLs writes it, without a default port, so that it begins with its origin.
  const url = urlOf(fields.url, 'spec.http.url');
  const base = url.href.replace(/\/+$/, '');
  const where = `${access.dataSource} (${base})`;
  const config: HttpConfig = {
    where,
    dataSource: access.dataSource,
    base,
    origin: url.origin,
    rule: { allowsPrivate: fields.allowPrivateAddresses, where },
    tls: tlsOf(fields, access),
    headers: lowerCase(headersOf(fields)),
    secretHeaders: secretHeadersOf(fields, access),
    credentials: credentialsOf(fields, access),
    responseMs: parseDuration(fields.requestTimeout) ?? 60_000,
    isClearTextAllowed: fields.allowCleartextPassword,
  };
  requireConfidential(config);
  return config;
}

function tlsOf({ tls: { mode } }: HttpFields, access: SystemAccess): TlsOptions {
  const text = (path: string) => access.secret(path)?.reveal();
  const [ca, cert, key] = [text('tls.ca'), text('tls.cert'), text('tls.key')];
  return {
    verifies: mode,
    ...(ca !== undefined && { ca }),
    ...(cert !== undefined && { cert }),
    ...(key !== undefined && { key }),
  };
}

function urlOf(text: string, path: string): URL {
  const url = URL.parse(text);
  if (url) return url;
  throw permanent('ManifestInvalid', `${text} is not a valid URL`, { path, fix: 'write https://HOST/PATH' });
}

/** Headers that the connection sets itself. */
const ownHeaders = [
  'accept-encoding',
  'connection',
  'content-length',
  'expect',
  'host',
  'keep-alive',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
];
const secretHeaderNames = ['authorization', 'cookie', 'proxy-authorization'];

function headersOf({ headers = {}, headerSecretRefs = {} }: HttpFields): Readonly<Record<string, string>> {
  for (const name of [...Object.keys(headers), ...Object.keys(headerSecretRefs)]) {
    if (!ownHeaders.includes(name.toLowerCase())) continue;
    throw wrongHeader(name, 'headers', 'is set by the connection itself', 'remove it');
  }
  for (const [name, value] of Object.entries(headers)) {
    if (secretHeaderNames.includes(name.toLowerCase())) {
      throw wrongHeader(
        name,
        'headers',
        'holds a credential, and a manifest is no place for one',
        'use headerSecretRefs, or one of bearerTokenSecretRef, basic and oauth',
      );
    }
    if (!isHeaderValue(value))
      throw wrongHeader(
        name,
        'headers',
        'has a value that no header can have',
        'write visible ASCII characters',
      );
  }
  return headers;
}

function secretHeadersOf(
  { headerSecretRefs = {} }: HttpFields,
  access: SystemAccess,
): Record<string, Secret> {
  const found: Record<string, Secret> = {};
  for (const name of Object.keys(headerSecretRefs)) {
    const secret = access.secret(`header.${name}`);
    if (secret === undefined) continue;
    if (!isHeaderValue(secret.reveal()))
      throw wrongHeader(
        name,
        'headerSecretRefs',
        'has a value that no header can have',
        'correct the Secret: a line break at its end does not belong to it',
      );
    found[name.toLowerCase()] = secret;
  }
  return found;
}

function lowerCase(headers: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
}

export function isHeaderValue(text: string): boolean {
  return /^[\t\x20-\x7e\x80-\xff]*$/.test(text);
}

function wrongHeader(name: string, field: string, why: string, fix: string): IdraError {
  return permanent('ManifestInvalid', `the header ${name} ${why}`, {
    path: `spec.http.${field}.${name}`,
    fix,
  });
}

function credentialsOf(fields: HttpFields, access: SystemAccess): Credentials {
  const { bearerTokenSecretRef, basic, oauth } = fields;
  if ([bearerTokenSecretRef, basic, oauth].filter((each) => each !== undefined).length > 1) {
    throw permanent('ManifestInvalid', 'an API has one kind of credentials', {
      path: 'spec.http',
      fix: 'keep one of bearerTokenSecretRef, basic and oauth',
    });
  }
  if (bearerTokenSecretRef) return { kind: 'bearer', token: access.secret('bearerToken') };
  if (basic) return { kind: 'basic', user: basic.user, password: access.secret('basic.password') };
  if (!oauth) return { kind: 'none' };
  return {
    kind: 'oauth',
    tokenUrl: urlOf(oauth.tokenUrl, 'spec.http.oauth.tokenUrl'),
    id: access.secret('oauth.clientId'),
    secret: access.secret('oauth.clientSecret'),
    isInBody: oauth.clientAuthentication === 'Body',
    parameters: {
      ...(oauth.scopes?.length && { scope: oauth.scopes.join(' ') }),
      ...(oauth.audience !== undefined && { audience: oauth.audience }),
    },
  };
}

/** Throws if credentials would be sent where others can read them. */
function requireConfidential({
  base,
  credentials,
  secretHeaders,
  isClearTextAllowed,
  where,
}: HttpConfig): void {
  if (isClearTextAllowed) return;
  const isSecret = credentials.kind !== 'none' || Object.keys(secretHeaders).length > 0;
  const isPlain = (url: string) => !url.startsWith('https:');
  const isTokenPlain = credentials.kind === 'oauth' && isPlain(credentials.tokenUrl.href);
  if (!isTokenPlain && !(isSecret && isPlain(base))) return;
  throw permanent(
    'CleartextPasswordRefused',
    `${where}: the URL has no TLS, and credentials would be sent to it; nothing was sent`,
    {
      path: isTokenPlain ? 'spec.http.oauth.tokenUrl' : 'spec.http.url',
      fix: 'use an https URL; or, if nobody else can listen or answer, set spec.http.allowCleartextPassword to true',
    },
  );
}
