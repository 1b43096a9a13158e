import type { SystemAccess } from '../../core/connector.ts';
import { Secret } from '../../core/secret.ts';

/** For tests of this folder. */
export const signal: AbortSignal = new AbortController().signal;

export interface AccessOptions {
  /** In addition to the url; private addresses are allowed, because test servers are on 127.0.0.1. */
  readonly config?: Readonly<Record<string, unknown>>;
  readonly secrets?: Readonly<Record<string, string>>;
}

export function access(url: string, { config = {}, secrets = {} }: AccessOptions = {}): SystemAccess {
  return {
    dataSource: 'team-a/api',
    config: { url, allowPrivateAddresses: true, allowCleartextPassword: true, ...config },
    secret: (path) => (secrets[path] === undefined ? undefined : new Secret(secrets[path])),
  };
}

/** A reference, whose value `access` gives. */
export const reference = { name: 'api', key: 'k' } as const;
