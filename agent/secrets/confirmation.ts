import { isDeepStrictEqual } from 'node:util';
import type { SecretReader } from '../../core/access.ts';
import type { Clock } from '../../core/clock.ts';
import { permanent, transient } from '../../core/errors.ts';
import { apiVersion, plurals } from '../../core/manifest/names.ts';
import type { ManifestObject, ManifestReader } from '../../core/manifest/reader.ts';
import { Semaphore } from '../../core/semaphore.ts';
import { type DataSource, qualifiedName } from '../../core/sync-spec.ts';
import type { ClusterAccess } from '../../process/kubernetes-access.ts';
import { LastUsed, ShortCache } from './caches.ts';
import { type Answer, getObject } from './kubernetes-get.ts';

const maxAtOnce = 8;

type Confirmation = Required<Pick<SecretReader, 'confirm' | 'wasConfirmed'>>;
type Destination = Pick<DataSource['spec'], 'type' | 'config'>;

/**
 * Anyone with write access to etcd could name any host and any Secret there. So a Secret is used only if the current custom resource
 * confirms it: type and config, which hold hosts, users and references, must be the same.
 */
export function confirmationOfKubernetes(
  access: ClusterAccess,
  manifests: Pick<ManifestReader, 'readDataSource'>,
  clock: Clock,
): Confirmation {
  const slots = new Semaphore(maxAtOnce);
  const kept = new ShortCache<Answer>(clock);
  const confirmed = new LastUsed<Destination>();
  return {
    async confirm(dataSource) {
      const id = qualifiedName(dataSource);
      const answer = await kept.get(id, () => getObject(access, pathOf(dataSource), slots));
      const object = parse(answer, dataSource);
      const real = object && manifests.readDataSource(object).spec;
      if (!real || !isSame(dataSource.spec, real)) {
        // The cached object may be outdated.
        kept.forget(id);
        throw differs(dataSource, object);
      }
      confirmed.set(id, { type: real.type, config: real.config });
    },
    wasConfirmed(dataSource) {
      const known = confirmed.get(qualifiedName(dataSource));
      return known !== undefined && isSame(dataSource.spec, known);
    },
  };
}

function pathOf({ namespace, name }: DataSource): readonly string[] {
  return ['apis', ...apiVersion.split('/'), 'namespaces', namespace, plurals.DataSource, name];
}

function isSame(one: Destination, other: Destination): boolean {
  return one.type === other.type && isDeepStrictEqual(one.config, other.config);
}

/** Undefined: there is no such custom resource. */
function parse({ status, body }: Answer, dataSource: DataSource): ManifestObject | undefined {
  const what = `DataSource ${qualifiedName(dataSource)}`;
  switch (status) {
    case 200:
      break;
    case 404:
      return undefined;
    case 401:
    case 403:
      throw permanent(
        'SecretForbidden',
        `the agent may not read ${what} (${status}), which is needed to use its Secrets`,
        {
          fix: `grant its service account "get" on datasources.idra.dev in namespace ${dataSource.namespace}`,
        },
      );
    default:
      throw transient('SecretUnavailable', `${what} cannot be read: the Kubernetes API answered ${status}`);
  }
  try {
    const { metadata, spec } = JSON.parse(body) as { metadata: ManifestObject; spec: unknown };
    const { uid, namespace, name, generation } = metadata;
    return { uid, namespace, name, generation, spec };
  } catch {
    throw transient('SecretUnavailable', `the API server's response for ${what} is not JSON`, {
      fix: 'check the proxies between this agent and the API server',
    });
  }
}

function differs(dataSource: DataSource, object: ManifestObject | undefined): Error {
  const what = `DataSource ${qualifiedName(dataSource)}`;
  if (object === undefined) {
    return permanent(
      'DataSourceNotConfirmed',
      `etcd has a ${what} that Kubernetes does not have: its Secrets are not used`,
      {
        fix: 'apply the DataSource; if nobody has deleted it, find out who writes to etcd (SECURITY.md)',
      },
    );
  }
  const message = `${what} in etcd differs from its custom resource: its Secrets are not used`;
  // The change of the custom resource has not reached this agent yet.
  if (object.generation > dataSource.generation)
    return transient('DataSourceNotConfirmed', message, {
      fix: 'nothing while the operator runs: it is retried',
    });
  return permanent('DataSourceNotConfirmed', message, {
    fix: 'find out who writes to etcd (SECURITY.md); the operator corrects it when the DataSource changes or the operator restarts',
  });
}
