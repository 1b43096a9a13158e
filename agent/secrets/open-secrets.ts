import type { SecretReader } from '../../core/access.ts';
import type { Clock } from '../../core/clock.ts';
import { IdraError, permanent } from '../../core/errors.ts';
import type { ManifestReader } from '../../core/manifest/reader.ts';
import type { Environment } from '../../process/environment.ts';
import { type ClusterAccess, loadClusterAccess } from '../../process/kubernetes-access.ts';
import type { AgentConfig } from '../config.ts';
import { confirmationOfKubernetes } from './confirmation.ts';
import { secretsOfFolder } from './folder.ts';
import { secretsOfKubernetes } from './kubernetes.ts';
import { type ReadSecret, rememberingSecrets } from './remembering.ts';

type SecretsConfig = Pick<AgentConfig, 'secretsFolder' | 'watchNamespaces' | 'confirmsDataSources'>;

/** From a folder if one is configured, else from Kubernetes; without either, every reference is refused with a remedy. */
export async function openSecrets(
  config: SecretsConfig,
  env: Environment,
  clock: Clock,
  manifests: Pick<ManifestReader, 'readDataSource'>,
): Promise<SecretReader> {
  const { secretsFolder, watchNamespaces, confirmsDataSources } = config;
  if (secretsFolder !== undefined) return rememberingSecrets(secretsOfFolder(secretsFolder), clock);
  const access = await clusterOf(env);
  if (access === undefined) return rememberingSecrets(nowhere, clock);
  return {
    ...rememberingSecrets(secretsOfKubernetes(access, { watchNamespaces }), clock),
    ...(confirmsDataSources && confirmationOfKubernetes(access, manifests, clock)),
  };
}

async function clusterOf(env: Environment): Promise<ClusterAccess | undefined> {
  try {
    return await loadClusterAccess({ env });
  } catch (error) {
    if (!(error instanceof IdraError) || error.code !== 'NoCluster') throw error;
    return undefined;
  }
}

const nowhere: ReadSecret = async (namespace, name) => {
  throw permanent('SecretNotFound', `no source of Secrets is configured to read ${namespace}/${name} from`, {
    fix: 'set IDRA_SECRETS_DIR (DIR/NAME/KEY) or KUBECONFIG for the agents, or give them a service account',
  });
};
