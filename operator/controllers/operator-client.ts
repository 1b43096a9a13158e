import type { KubernetesClient } from '../runtime/client.ts';

export type OperatorClient = Pick<KubernetesClient, 'list' | 'watch' | 'get' | 'create' | 'patch'>;
