import type { SecretReader } from '../../core/access.ts';
import type { Clock } from '../../core/clock.ts';
import { IdraError, permanent } from '../../core/errors.ts';
import type { Environment } from '../../process/environment.ts';
import { loadClusterAccess } from '../../process/kubernetes-access.ts';
import type { AgentConfig } from '../config.ts';
import { secretsOfFolder } from './folder.ts';
import { secretsOfKubernetes } from './kubernetes.ts';
import { type ReadSecret, rememberingSecrets } from './remembering.ts';

/** A folder where one is named, else Kubernetes; where there is neither, every reference is refused with what to do. */
export async function openSecrets(
  config: Pick<AgentConfig, 'secretsFolder' | 'watchNamespaces'>,
  env: Environment,
  clock: Clock,
): Promise<SecretReader> {
  return rememberingSecrets(await chosen(config, env), clock);
}

async function chosen(
  { secretsFolder, watchNamespaces }: Pick<AgentConfig, 'secretsFolder' | 'watchNamespaces'>,
  env: Environment,
): Promise<ReadSecret> {
  if (secretsFolder !== undefined) return secretsOfFolder(secretsFolder);
  try {
    return secretsOfKubernetes(await loadClusterAccess({ env }), { watchNamespaces });
  } catch (error) {
    if (!(error instanceof IdraError) || error.code !== 'NoCluster') throw error;
    return async (namespace, name) => {
      throw permanent('SecretNotFound', `nowhere to read the Secret ${namespace}/${name} from`, {
        mend: 'give the agents IDRA_SECRETS_DIR (DIR/NAME/KEY), or KUBECONFIG or a service account',
      });
    };
  }
}
