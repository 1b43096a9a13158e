import { timingSafeEqual } from 'node:crypto';
import { permanent } from '../../core/errors.ts';
import type { Caller } from '../access/caller.ts';

export interface SiteFacts {
  readonly method: string;
  readonly host: string | undefined;
  readonly origin: string | undefined;
  readonly fetchSite: string | undefined;
  readonly csrf: string | undefined;
}

export interface SiteRules {
  /** The address that users see, if configured. */
  readonly externalUrl: URL | undefined;
  /** Only this machine reaches the server: other host names in a request come from a page that rebinds its name. */
  readonly isLoopback: boolean;
}

const safeMethods = new Set(['GET', 'HEAD', 'OPTIONS']);
const loopbackNames = new Set(['localhost', '127.0.0.1', '[::1]']);

/** Throws CrossSiteRequest (permanent): the request does not come from a page of this server. Tokens are not sent by browsers. */
export function requireSameSite(facts: SiteFacts, rules: SiteRules, caller: Caller | undefined): void {
  const { externalUrl, isLoopback } = rules;
  const name = hostName(facts.host);
  if (isLoopback && name !== undefined && !loopbackNames.has(name) && name !== externalUrl?.hostname) {
    throw refused(`the host name ${JSON.stringify(name.slice(0, 100))} is not one of this server`);
  }
  if (safeMethods.has(facts.method)) return;
  if (facts.fetchSite !== undefined && facts.fetchSite !== 'same-origin' && facts.fetchSite !== 'none')
    throw refused('the request comes from another site');
  if (facts.origin !== undefined && !isOwnOrigin(facts, externalUrl))
    throw refused('the request comes from another origin');
  if (caller?.by.kind === 'session' && !isEqual(facts.csrf ?? '', caller.by.csrf))
    throw refused('the header x-idra-csrf does not have the token of the session');
}

function isOwnOrigin({ origin, host }: SiteFacts, externalUrl: URL | undefined): boolean {
  if (externalUrl && origin === externalUrl.origin) return true;
  return URL.canParse(origin ?? '') && new URL(origin ?? '').host === host;
}

function hostName(host: string | undefined): string | undefined {
  return host?.replace(/:\d+$/, '').toLowerCase();
}

function isEqual(one: string, other: string): boolean {
  const [a, b] = [Buffer.from(one), Buffer.from(other)];
  return a.length === b.length && timingSafeEqual(a, b);
}

function refused(message: string): Error {
  return permanent('CrossSiteRequest', message, {
    fix: 'call it from a page of this server; scripts use a token',
  });
}
