import * as oauth from 'oauth4webapi';
import { permanent, transient } from '../../core/errors.ts';
import type { Grant } from '../access/roles.ts';
import type { OidcConfig } from './oidc-config.ts';

const timeoutMs = 10_000;
const metadataMs = 3_600_000;

/** What is kept in a cookie of the browser while it is at the provider. */
export interface OidcAttempt {
  readonly state: string;
  readonly nonce: string;
  readonly verifier: string;
  readonly returnTo: string;
}

export interface OidcUser {
  readonly name: string;
  /** The one claim that the provider never gives to somebody else. */
  readonly subject: string;
  readonly groups: readonly string[];
  readonly grants: readonly Grant[];
}

/** Logins at a provider of OpenID Connect: authorization code with PKCE, state and nonce; signature and claims are verified. */
export class Oidc {
  readonly #config: OidcConfig;
  readonly #redirectUri: string;
  #metadata: { readonly atMs: number; readonly server: oauth.AuthorizationServer } | undefined;

  constructor(config: OidcConfig, redirectUri: string) {
    this.#config = config;
    this.#redirectUri = redirectUri;
  }

  /** Where to send the browser, and what it must bring back. */
  async begin(returnTo: string): Promise<{ readonly url: string; readonly attempt: OidcAttempt }> {
    const server = await this.#server();
    const attempt: OidcAttempt = {
      state: oauth.generateRandomState(),
      nonce: oauth.generateRandomNonce(),
      verifier: oauth.generateRandomCodeVerifier(),
      returnTo,
    };
    const url = new URL(server.authorization_endpoint ?? '');
    const parameters = {
      client_id: this.#config.clientId,
      redirect_uri: this.#redirectUri,
      response_type: 'code',
      scope: this.#config.scopes,
      state: attempt.state,
      nonce: attempt.nonce,
      code_challenge: await oauth.calculatePKCECodeChallenge(attempt.verifier),
      code_challenge_method: 'S256',
    };
    for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value);
    return { url: url.href, attempt };
  }

  /** Throws LoginFailed (permanent) for an answer that is not to this attempt, or not of this provider. */
  async finish(answer: URLSearchParams, attempt: OidcAttempt): Promise<OidcUser> {
    const server = await this.#server();
    const client: oauth.Client = { client_id: this.#config.clientId };
    try {
      const parameters = oauth.validateAuthResponse(server, client, answer, attempt.state);
      const response = await oauth.authorizationCodeGrantRequest(
        server,
        client,
        this.#clientAuth(),
        parameters,
        this.#redirectUri,
        attempt.verifier,
        this.#options(),
      );
      const tokens = await oauth.processAuthorizationCodeResponse(server, client, response, {
        expectedNonce: attempt.nonce,
        requireIdToken: true,
      });
      await oauth.validateApplicationLevelSignature(server, response, this.#options());
      return this.#userOf(oauth.getValidatedIdTokenClaims(tokens) ?? {});
    } catch (cause) {
      throw permanent('LoginFailed', 'the provider did not confirm the login', {
        fix: 'log in again; if it repeats, compare the settings at the provider with IDRA_API_OIDC_*',
        cause,
      });
    }
  }

  #userOf(claims: Readonly<Record<string, unknown>>): OidcUser {
    const { userClaim, groupsClaim, grantsOf } = this.#config;
    const name = claims[userClaim] ?? claims.sub;
    const groups = [claims[groupsClaim] ?? []].flat().filter((each) => typeof each === 'string');
    if (typeof name !== 'string' || !/^[\w.@+-]{1,200}$/.test(name))
      throw new Error(`no usable claim ${userClaim}`);
    return {
      name: `oidc:${name}`,
      subject: String(claims.sub),
      groups,
      grants: groups.flatMap((group) => grantsOf.get(group) ?? []),
    };
  }

  #clientAuth(): oauth.ClientAuth {
    const { clientSecret } = this.#config;
    return clientSecret ? oauth.ClientSecretBasic(clientSecret.reveal()) : oauth.None();
  }

  #options() {
    return {
      signal: AbortSignal.timeout(timeoutMs),
      // The configuration permits http only for a provider on this machine.
      [oauth.allowInsecureRequests]: this.#config.issuer.protocol === 'http:',
    };
  }

  async #server(): Promise<oauth.AuthorizationServer> {
    const known = this.#metadata;
    if (known && performance.now() - known.atMs < metadataMs) return known.server;
    const { issuer } = this.#config;
    try {
      const response = await oauth.discoveryRequest(issuer, { ...this.#options(), algorithm: 'oidc' });
      const server = await oauth.processDiscoveryResponse(issuer, response);
      this.#metadata = { atMs: performance.now(), server };
      return server;
    } catch (cause) {
      throw transient('ProviderUnavailable', `the login provider ${issuer.origin} does not answer`, {
        fix: 'check IDRA_API_OIDC_ISSUER and the network; log in with a password meanwhile',
        cause,
      });
    }
  }
}
