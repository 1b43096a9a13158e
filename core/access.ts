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
