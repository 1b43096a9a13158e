import type { SecretReader } from '../../core/access.ts';
import type { Clock } from '../../core/clock.ts';
import { permanent } from '../../core/errors.ts';
import type { Secret } from '../../core/secret.ts';

/** All keys of a Secret. Throws SecretNotFound, SecretForbidden (permanent) or what reading throws. */
export type ReadSecret = (namespace: string, name: string) => Promise<ReadonlyMap<string, Secret>>;

/** Short, so that a changed password is seen by the attempt after one that was refused; many syncs share one Secret. */
const keptMs = 4_000;
/** Of which the last values are kept for the end of their Syncs. */
const mostRemembered = 2_000;

interface Kept {
  readonly untilMs: number;
  readonly keys: Promise<ReadonlyMap<string, Secret>>;
}

/** Reads each Secret once for all who ask within a few seconds. What failed is not remembered. */
export function rememberingSecrets(read: ReadSecret, clock: Clock): SecretReader {
  const kept = new Map<string, Kept>();
  /** In order of last use. */
  const last = new Map<string, ReadonlyMap<string, Secret>>();
  const remember = (id: string, keys: ReadonlyMap<string, Secret>) => {
    last.delete(id);
    last.set(id, keys);
    const [oldest] = last.keys();
    if (last.size > mostRemembered && oldest !== undefined) last.delete(oldest);
  };
  const keysOf = (namespace: string, name: string): Promise<ReadonlyMap<string, Secret>> => {
    const nowMs = clock.monotonicMs();
    for (const [id, { untilMs }] of kept) if (untilMs <= nowMs) kept.delete(id);
    const id = `${namespace}/${name}`;
    const known = kept.get(id);
    if (known) return known.keys;
    const keys = read(namespace, name);
    kept.set(id, { untilMs: nowMs + keptMs, keys });
    keys.then(
      (found) => remember(id, found),
      () => kept.delete(id),
    );
    return keys;
  };
  return {
    async read(namespace, name, key) {
      const keys = await keysOf(namespace, name);
      const secret = keys.get(key);
      if (secret) return secret;
      throw permanent('SecretKeyNotFound', `the Secret ${namespace}/${name} has no key ${key}`, {
        mend: keys.size === 0 ? 'it is empty' : `it has ${[...keys.keys()].sort().join(', ')}`,
      });
    },
    lastKnown: (namespace, name, key) => last.get(`${namespace}/${name}`)?.get(key),
  };
}
