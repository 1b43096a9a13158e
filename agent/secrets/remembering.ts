import type { SecretReader } from '../../core/access.ts';
import type { Clock } from '../../core/clock.ts';
import { permanent } from '../../core/errors.ts';
import type { Secret } from '../../core/secret.ts';
import { LastUsed, ShortCache } from './caches.ts';

/** All keys of a Secret. Throws SecretNotFound, SecretForbidden (permanent) or what reading throws. */
export type ReadSecret = (namespace: string, name: string) => Promise<ReadonlyMap<string, Secret>>;

/** Reads each Secret once for all callers within a few seconds; the last values are kept for the deletion of their Syncs. */
export function rememberingSecrets(read: ReadSecret, clock: Clock): SecretReader {
  const kept = new ShortCache<ReadonlyMap<string, Secret>>(clock);
  const last = new LastUsed<ReadonlyMap<string, Secret>>();
  const keysOf = (namespace: string, name: string): Promise<ReadonlyMap<string, Secret>> => {
    const id = `${namespace}/${name}`;
    return kept.get(id, async () => {
      const keys = await read(namespace, name);
      last.set(id, keys);
      return keys;
    });
  };
  return {
    async read(namespace, name, key) {
      const keys = await keysOf(namespace, name);
      const secret = keys.get(key);
      if (secret) return secret;
      throw permanent('SecretKeyNotFound', `the Secret ${namespace}/${name} has no key ${key}`, {
        fix: keys.size === 0 ? 'it is empty' : `it has ${[...keys.keys()].sort().join(', ')}`,
      });
    },
    lastKnown: (namespace, name, key) => last.get(`${namespace}/${name}`)?.get(key),
  };
}
