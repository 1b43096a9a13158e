import { createHash } from 'node:crypto';
import type { SystemAccess } from './connector.ts';
import { IdraError } from './errors.ts';
import type { Secret } from './secret.ts';
import { type DataSource, qualifiedName } from './sync-spec.ts';

/** Reads Secrets: from Kubernetes, a folder, or manifests and the environment. Throws SecretNotFound, SecretKeyNotFound (permanent). */
export interface SecretReader {
  read(namespace: string, name: string, key: string): Promise<Secret>;
  /** As it was when it was read last, by this process. */
  lastKnown?(namespace: string, name: string, key: string): Secret | undefined;
  /** Throws where this is not what the custom resource of the DataSource says now. Left out: there are no custom resources. */
  confirm?(dataSource: DataSource): Promise<void>;
  /** By this process, as it is here, whatever has become of it since. */
  wasConfirmed?(dataSource: DataSource): boolean;
}

const goneCodes = ['SecretNotFound', 'SecretKeyNotFound', 'SecretForbidden'];
const unconfirmedCodes = ['DataSourceNotConfirmed', 'SecretForbidden'];

/**
 * For closing the rows of a deleted Sync alone: a namespace that is deleted loses its Secrets, and the right to read them, before its
 * Syncs. Nothing else goes on with a Secret that somebody has taken away.
 */
export function withLastKnownSecrets(secrets: SecretReader): SecretReader {
  return {
    async read(namespace, name, key) {
      try {
        return await secrets.read(namespace, name, key);
      } catch (thrown) {
        const isGone = thrown instanceof IdraError && goneCodes.includes(thrown.code);
        const known = isGone ? secrets.lastKnown?.(namespace, name, key) : undefined;
        if (known) return known;
        throw thrown;
      }
    },
    async confirm(dataSource) {
      try {
        await secrets.confirm?.(dataSource);
      } catch (thrown) {
        const isGone = thrown instanceof IdraError && unconfirmedCodes.includes(thrown.code);
        if (!isGone || !secrets.wasConfirmed?.(dataSource)) throw thrown;
      }
    },
  };
}

/** Every secret reference of the config is read now; the access holds the values until it is dropped. */
export async function resolveAccess(dataSource: DataSource, secrets: SecretReader): Promise<SystemAccess> {
  const values = new Map<string, Secret>();
  const references = secretReferences(dataSource.spec.config);
  if (references.length > 0) await secrets.confirm?.(dataSource);
  for (const { path, name, key } of references) {
    values.set(path, await secrets.read(dataSource.namespace, name, key));
  }
  return {
    dataSource: qualifiedName(dataSource),
    config: dataSource.spec.config,
    secret: (path) => values.get(path),
  };
}

export interface SecretReference {
  /** Path in the config without `SecretRef`: `tls.ca`. */
  readonly path: string;
  readonly name: string;
  readonly key: string;
}

/** All `...SecretRef: { name, key }` of a config, at any depth. */
export function secretReferences(config: Readonly<Record<string, unknown>>, prefix = ''): SecretReference[] {
  const found: SecretReference[] = [];
  for (const [field, value] of Object.entries(config)) {
    if (!isRecord(value)) continue;
    const match = /^(.+)SecretRef$/.exec(field);
    if (match?.[1] && typeof value.name === 'string' && typeof value.key === 'string') {
      found.push({ path: prefix + match[1], name: value.name, key: value.key });
    } else found.push(...secretReferences(value, `${prefix}${field}.`));
  }
  return found;
}

/** Whether the same secrets are in both: a changed one is picked up on a new connection. */
export function hasSameSecrets(one: SystemAccess, other: SystemAccess): boolean {
  return secretReferences(one.config).every(
    ({ path }) => one.secret(path)?.reveal() === other.secret(path)?.reveal(),
  );
}

/**
 * What the Secrets of these are by now, fit for comparing and nothing else; that one cannot be had counts as well. Undefined: there are none,
 * or nobody can say for now.
 */
export async function fingerprintOfSecrets(
  dataSources: readonly DataSource[],
  secrets: SecretReader,
): Promise<string | undefined> {
  const hash = createHash('sha256');
  let count = 0;
  for (const { namespace, spec } of dataSources) {
    for (const { name, key } of secretReferences(spec.config)) {
      count += 1;
      try {
        hash.update(JSON.stringify([name, key, (await secrets.read(namespace, name, key)).reveal()]));
      } catch (thrown) {
        if (!(thrown instanceof IdraError) || !goneCodes.includes(thrown.code)) return undefined;
        hash.update(JSON.stringify([name, key, thrown.code, null]));
      }
    }
  }
  return count > 0 ? hash.digest('hex') : undefined;
}

/** Whether a Secret has changed since `before`, as far as that can be said. */
export function hasChangedSecrets(before: string | undefined, now: string | undefined): boolean {
  return before !== undefined && now !== undefined && before !== now;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
