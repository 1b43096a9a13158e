import { createHash } from 'node:crypto';
import type { SystemAccess } from './connector.ts';
import { IdraError } from './errors.ts';
import type { Secret } from './secret.ts';
import { type DataSource, qualifiedName } from './sync-spec.ts';

/** Reads Secrets: from Kubernetes, a folder, or manifests and the environment. Throws SecretNotFound, SecretKeyNotFound (permanent). */
export interface SecretReader {
  read(namespace: string, name: string, key: string): Promise<Secret>;
  /** The value that this process read last. */
  lastKnown?(namespace: string, name: string, key: string): Secret | undefined;
  /** Throws if this differs from the current custom resource of the DataSource. Omitted: there are no custom resources. */
  confirm?(dataSource: DataSource): Promise<void>;
  /** Whether this process has ever confirmed this exact DataSource, regardless of later changes. */
  wasConfirmed?(dataSource: DataSource): boolean;
}

const goneCodes = ['SecretNotFound', 'SecretKeyNotFound', 'SecretForbidden'];
const unconfirmedCodes = ['DataSourceNotConfirmed', 'SecretForbidden'];

/**
 * Only for closing the rows of a deleted Sync: when a namespace is deleted, its Secrets and the right to read them are removed before its
 * Syncs. No other work continues with a deleted Secret.
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

/** Reads every Secret that the config references now; the access holds the values until it is dropped. */
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
  /** Path in the config without `SecretRef`: `tls.ca`; of an entry of a map, `header.X-Api-Key`. */
  readonly path: string;
  /** The same in full: `tls.caSecretRef`, `headerSecretRefs.X-Api-Key`. */
  readonly field: string;
  readonly name: string;
  readonly key: string;
}

/** All `...SecretRef: { name, key }` of a config, at any depth, and all entries of `...SecretRefs: { NAME: { name, key } }`. */
export function secretReferences(config: Readonly<Record<string, unknown>>, prefix = ''): SecretReference[] {
  return Object.entries(config).flatMap(([field, value]) => {
    if (!isRecord(value)) return [];
    const own = /^(.+)SecretRef$/.exec(field)?.[1];
    const map = /^(.+)SecretRefs$/.exec(field)?.[1];
    const at = prefix + field;
    if (map !== undefined) {
      return Object.entries(value).flatMap(([entry, each]) =>
        isReference(each)
          ? [{ path: `${prefix}${map}.${entry}`, field: `${at}.${entry}`, name: each.name, key: each.key }]
          : [],
      );
    }
    return own !== undefined && isReference(value)
      ? [{ path: prefix + own, field: at, name: value.name, key: value.key }]
      : secretReferences(value, `${at}.`);
  });
}

function isReference(value: unknown): value is { readonly name: string; readonly key: string } {
  return isRecord(value) && typeof value.name === 'string' && typeof value.key === 'string';
}

/** Whether both hold the same secrets: a changed secret takes effect with a new connection. */
export function hasSameSecrets(one: SystemAccess, other: SystemAccess): boolean {
  return secretReferences(one.config).every(
    ({ path }) => one.secret(path)?.reveal() === other.secret(path)?.reveal(),
  );
}

/**
 * A fingerprint of the current Secrets of these DataSources, usable only for comparison; a Secret that cannot be read is part of it.
 * Undefined: there are none, or they cannot be read at present.
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

/** Whether a Secret has changed since `before`; false if that is unknown. */
export function hasChangedSecrets(before: string | undefined, now: string | undefined): boolean {
  return before !== undefined && now !== undefined && before !== now;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
