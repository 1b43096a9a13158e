import { type SecretReader, secretReferences } from '../../core/access.ts';
import { type Finding, permanent } from '../../core/errors.ts';
import { Secret } from '../../core/secret.ts';
import type { DataSource } from '../../core/sync-spec.ts';
import type { Cli } from '../cli.ts';
import { finding, type ManifestSource } from './objects.ts';
import { isRecord } from './values.ts';

/** Secrets of single mode: from Secret manifests in the same files, and otherwise from the environment. */
export interface LocalSecrets extends SecretReader {
  find(namespace: string, name: string, key: string): Secret | undefined;
  /** Keys of the Secret if a manifest defines it. */
  keysOf(namespace: string, name: string): readonly string[] | undefined;
}

/** `IDRA_SECRET_SHOP_DB__PASSWORD`: name and key in capitals, with `_` for all other characters than letters and digits. */
export function secretVariable(name: string, key: string): string {
  const word = (text: string) => text.toUpperCase().replace(/[^A-Z0-9]/g, '_');
  return `IDRA_SECRET_${word(name)}__${word(key)}`;
}

export function localSecrets(sources: readonly ManifestSource[], env: Cli['env']): LocalSecrets {
  const secrets = new Map(
    sources
      .filter((each) => each.kind === 'Secret')
      .map((each) => [`${each.namespace}/${each.name}`, valuesOf(each)]),
  );
  const find = (namespace: string, name: string, key: string) => {
    const given = secrets.get(`${namespace}/${name}`)?.get(key);
    const fromEnv = env[secretVariable(name, key)];
    return given ?? (fromEnv === undefined ? undefined : new Secret(fromEnv));
  };
  return {
    find,
    keysOf: (namespace, name) => {
      const values = secrets.get(`${namespace}/${name}`);
      return values && [...values.keys()];
    },
    async read(namespace, name, key) {
      const secret = find(namespace, name, key);
      if (secret) return secret;
      throw permanent('SecretNotFound', `there is no Secret ${namespace}/${name} with the key ${key}`, {
        fix: `set ${secretVariable(name, key)}`,
      });
    },
  };
}

function valuesOf({ body }: ManifestSource): ReadonlyMap<string, Secret> {
  const texts = (field: string) => Object.entries(isRecord(body[field]) ? body[field] : {});
  return new Map([
    ...texts('data').map(([key, value]) => [key, new Secret(decoded(value))] as const),
    ...texts('stringData').map(([key, value]) => [key, new Secret(String(value))] as const),
  ]);
}

function decoded(value: unknown): string {
  return Buffer.from(String(value), 'base64').toString('utf8');
}

const base64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

/** Errors of a Secret manifest. Never contains its values. */
export function secretFindings(source: ManifestSource): Finding[] {
  const { body, placeOf } = source;
  const values = (field: string) => Object.entries(isRecord(body[field]) ? body[field] : {});
  return [
    ...values('stringData')
      .filter(([, value]) => typeof value !== 'string')
      .map(([key]) =>
        finding(
          placeOf(`stringData.${key}`),
          `stringData.${key}`,
          'the value is not text',
          'put it in quotes',
        ),
      ),
    ...values('data')
      .filter(([, value]) => typeof value !== 'string' || !base64.test(value.replace(/\s/g, '')))
      .map(([key]) =>
        finding(
          placeOf(`data.${key}`),
          `data.${key}`,
          'the value is not base64',
          'encode it, or use stringData',
        ),
      ),
  ];
}

/** References of a DataSource to a missing Secret, or to a key that the Secret lacks. */
export function referenceFindings(
  dataSource: DataSource,
  secrets: LocalSecrets,
  placeOf: ManifestSource['placeOf'],
): Finding[] {
  const { namespace, spec } = dataSource;
  return secretReferences(spec.config).flatMap(({ field, name, key }) => {
    if (secrets.find(namespace, name, key)) return [];
    const at = `spec.${spec.type}.${field}`;
    const keys = secrets.keysOf(namespace, name);
    const variable = secretVariable(name, key);
    if (!keys) {
      const fix = `add its manifest, or set ${variable}`;
      return [finding(placeOf(`${at}.name`), `${at}.name`, `there is no Secret ${namespace}/${name}`, fix)];
    }
    const fix = `${keys.length > 0 ? `its keys are ${keys.join(', ')}` : 'it has none'}; or set ${variable}`;
    return [finding(placeOf(`${at}.key`), `${at}.key`, `Secret ${namespace}/${name} has no key ${key}`, fix)];
  });
}
