import { readFileSync } from 'node:fs';
import { Secret } from '../../core/secret.ts';
import { type EnvironmentReader, invalid } from '../../process/environment.ts';
import { everywhere, type Grant, roles } from '../access/roles.ts';

/** A provider of OpenID Connect, and which of its groups have which role. */
export interface OidcConfig {
  readonly issuer: URL;
  readonly clientId: string;
  /** Omitted: a public client; PKCE protects the code in both cases. */
  readonly clientSecret: Secret | undefined;
  readonly scopes: string;
  readonly userClaim: string;
  readonly groupsClaim: string;
  readonly grantsOf: ReadonlyMap<string, Grant>;
}

/** Undefined without IDRA_API_OIDC_ISSUER. Throws EnvironmentInvalid (permanent). */
export function readOidcConfig(reader: EnvironmentReader): OidcConfig | undefined {
  const issuer = reader.text('IDRA_API_OIDC_ISSUER');
  if (issuer === undefined) return undefined;
  const clientId = reader.text('IDRA_API_OIDC_CLIENT_ID');
  if (clientId === undefined)
    throw invalid('IDRA_API_OIDC_CLIENT_ID', '', 'set the id that the provider gave to Idra');
  return {
    issuer: issuerUrl(issuer),
    clientId,
    clientSecret: readSecret(reader),
    scopes: reader.text('IDRA_API_OIDC_SCOPES') ?? 'openid profile groups',
    userClaim: reader.text('IDRA_API_OIDC_USER_CLAIM') ?? 'preferred_username',
    groupsClaim: reader.text('IDRA_API_OIDC_GROUPS_CLAIM') ?? 'groups',
    grantsOf: new Map(reader.list('IDRA_API_OIDC_ROLES').map(grantOf)),
  };
}

function issuerUrl(text: string): URL {
  const fix = 'write the address of the provider: https://login.example.org/realm';
  if (!URL.canParse(text)) throw invalid('IDRA_API_OIDC_ISSUER', text, fix);
  const url = new URL(text);
  const isHere = ['localhost', '127.0.0.1', '[::1]'].includes(url.hostname);
  if (url.protocol === 'https:' || (url.protocol === 'http:' && isHere)) return url;
  throw invalid('IDRA_API_OIDC_ISSUER', text, fix);
}

function readSecret(reader: EnvironmentReader): Secret | undefined {
  const file = reader.text('IDRA_API_OIDC_CLIENT_SECRET_FILE');
  if (file === undefined) return undefined;
  try {
    return new Secret(readFileSync(file, 'utf8').trim());
  } catch {
    throw invalid('IDRA_API_OIDC_CLIENT_SECRET_FILE', file, 'name a file that can be read');
  }
}

/** `platform=admin`, `shop-devs=editor:team-a+team-b`. */
function grantOf(text: string): [string, Grant] {
  const [, group = '', name = '', namespaces] = /^(.+)=(\w+)(?::([\w.+-]+))?$/.exec(text) ?? [];
  const role = roles.find((each) => each === name);
  if (group === '' || role === undefined) {
    throw invalid(
      'IDRA_API_OIDC_ROLES',
      text,
      'write GROUP=admin, GROUP=editor:NAMESPACE+NAMESPACE, GROUP=viewer',
    );
  }
  return [group, { role, namespaces: namespaces?.split('+') ?? [everywhere] }];
}
