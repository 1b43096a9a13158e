import { type IdraError, permanent, transient } from '../../core/errors.ts';
import { Secret } from '../../core/secret.ts';
import { Semaphore } from '../../core/semaphore.ts';
import { type ClusterAccess, ownSecretType } from '../../process/kubernetes-access.ts';
import { type Answer, getObject } from './kubernetes-get.ts';
import type { ReadSecret } from './remembering.ts';

const maxAtOnce = 8;

export interface KubernetesSecretsOptions {
  /** Empty: all. */
  readonly watchNamespaces: readonly string[];
}

/** Reads Secrets by `get` of the Kubernetes API, so that no secret passes through etcd. Restricted to the watched namespaces. */
export function secretsOfKubernetes(access: ClusterAccess, options: KubernetesSecretsOptions): ReadSecret {
  const slots = new Semaphore(maxAtOnce);
  const { watchNamespaces } = options;
  return async (namespace, name) => {
    if (watchNamespaces.length > 0 && !watchNamespaces.includes(namespace)) {
      throw permanent('SecretForbidden', `the agents do not watch namespace ${namespace}`, {
        fix: 'add it to IDRA_WATCH_NAMESPACES (the chart: watchNamespaces), or move the Sync',
      });
    }
    const answer = await getObject(access, ['api', 'v1', 'namespaces', namespace, 'secrets', name], slots);
    if (answer.status !== 200) throw errorOf(answer, namespace, name);
    const secret = parseSecret(answer.body);
    // Otherwise a user with the right to write a DataSource in the namespace of Idra's etcd could have an etcd key sent to a server of
    // their own.
    if (secret.type === ownSecretType) {
      throw permanent('SecretForbidden', `Secret ${namespace}/${name} belongs to Idra's own etcd`, {
        fix: 'name a Secret with the credentials of the database',
      });
    }
    return keysOf(secret);
  };
}

interface SecretObject {
  readonly type?: string;
  readonly data?: Readonly<Record<string, string>>;
}

function keysOf({ data = {} }: SecretObject): ReadonlyMap<string, Secret> {
  return new Map(
    Object.entries(data).map(([key, value]) => [
      key,
      new Secret(Buffer.from(value, 'base64').toString('utf8')),
    ]),
  );
}

/** The body is never part of a message: it may hold the secret. */
function parseSecret(body: string): SecretObject {
  try {
    return (JSON.parse(body) as SecretObject | null) ?? {};
  } catch {
    throw transient('SecretUnavailable', "the API server's response for a Secret is not JSON", {
      fix: 'check the proxies between this agent and the API server',
    });
  }
}

function errorOf({ status }: Answer, namespace: string, name: string): IdraError {
  const what = `the Secret ${namespace}/${name}`;
  switch (status) {
    case 404:
      return permanent('SecretNotFound', `there is no Secret ${namespace}/${name}`, {
        fix: `kubectl create secret generic ${name} -n ${namespace} --from-literal=KEY=VALUE`,
      });
    case 401:
    case 403:
      return permanent('SecretForbidden', `the agent may not read ${what} (${status})`, {
        fix: `grant its service account "get" on secrets in namespace ${namespace}`,
      });
    default:
      return transient('SecretUnavailable', `${what} cannot be read: the Kubernetes API answered ${status}`);
  }
}
