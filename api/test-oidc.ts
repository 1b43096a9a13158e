import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Secret } from '../core/secret.ts';
import { freePort } from '../e2e/kit/free-port.ts';
import { singleInstallation, TestApi } from './test-api.ts';

/** The parts of node-oidc-provider that are used here; the package has no types. */
interface ProviderModule {
  readonly Provider: new (
    issuer: string,
    options: object,
  ) => { callback(): Parameters<typeof createServer>[1] };
}

const groups: Readonly<Record<string, readonly string[]>> = {
  ana: ['platform'],
  ben: ['shop-devs', 'unknown'],
  eve: ['strangers'],
  kim: ['platform'],
  'kim-of-sales': ['shop-devs'],
  odd: ['platform'],
};
/** Users of the provider may choose their names. */
const chosenNames: Readonly<Record<string, string>> = {
  'kim-of-sales': 'kim',
  odd: 'admin <b> of users',
};

async function startProvider(
  redirectUri: string,
): Promise<{ readonly server: Server; readonly issuer: string }> {
  const name = 'oidc-provider';
  const { Provider } = (await import(name)) as ProviderModule;
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  // Another site than 127.0.0.1, as a provider is in reality.
  const issuer = `http://localhost:${(server.address() as AddressInfo).port}`;
  const provider = new Provider(issuer, {
    clients: [{ client_id: 'idra', client_secret: 'shared', redirect_uris: [redirectUri] }],
    claims: { openid: ['sub'], profile: ['preferred_username'], groups: ['groups'] },
    scopes: ['openid', 'profile', 'groups'],
    conformIdTokenClaims: false,
    pkce: { required: () => true },
    cookies: { keys: ['test'] },
    findAccount: (_context: unknown, id: string) => ({
      accountId: id,
      claims: () => ({ sub: id, preferred_username: chosenNames[id] ?? id, groups: groups[id] ?? [] }),
    }),
  });
  server.on('request', provider.callback() as never);
  return { server, issuer };
}

/** An API server in single mode whose users log in at a real provider, which is another site than the server. */
export interface OidcApi {
  readonly api: TestApi;
  readonly base: string;
  stop(): Promise<void>;
}

export async function startOidcApi(): Promise<OidcApi> {
  const port = await freePort();
  const base = `http://127.0.0.1:${port}`;
  const { server, issuer } = await startProvider(`${base}/api/v1/session/oidc/callback`);
  const { installation, close } = await singleInstallation();
  const api = await TestApi.start(installation, {
    close,
    port,
    externalUrl: new URL(base),
    oidc: {
      issuer: new URL(issuer),
      clientId: 'idra',
      clientSecret: new Secret('shared'),
      scopes: 'openid profile groups',
      userClaim: 'preferred_username',
      groupsClaim: 'groups',
      grantsOf: new Map([
        ['platform', { role: 'admin', namespaces: ['*'] }],
        ['shop-devs', { role: 'editor', namespaces: ['team-a'] }],
      ]),
    },
  });
  return {
    api,
    base,
    async stop() {
      await api.stop();
      server.closeAllConnections();
      server.close();
    },
  };
}
