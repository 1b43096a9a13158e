import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import type { Agent } from 'node:http';
import type { RequestOptions } from 'node:https';
import { delimiter, dirname, join, resolve } from 'node:path';
import type { KubeConfig } from '@kubernetes/client-node';
import { parse } from 'yaml';
import { permanent } from '../core/errors.ts';

/** The address of the API server and the credentials to use with it. */
export interface ClusterAccess {
  readonly server: URL;
  /** Namespace of the context or of the pod, which holds our own Lease and similar objects. */
  readonly namespace: string;
  /** `isRefused`: the server rejected the last credentials, so they are read again. */
  credentials(isRefused: boolean): Promise<Credentials>;
}

/** What a request needs to authenticate. Held in memory only, never logged. */
export interface Credentials {
  readonly headers: Readonly<Record<string, string>>;
  readonly tls: Pick<
    RequestOptions,
    'ca' | 'cert' | 'key' | 'pfx' | 'passphrase' | 'servername' | 'rejectUnauthorized'
  >;
  /** For a proxy that the kubeconfig names. */
  readonly agent?: Agent;
}

/** Type of the Secrets that hold certificates of Idra's own etcd. No agent uses one as the Secret of a DataSource. */
export const ownSecretType = 'idra.dev/etcd-certificate';

const serviceAccountFolder = '/var/run/secrets/kubernetes.io/serviceaccount';

export interface AccessOptions {
  /** A context of the kubeconfig; omitted: its current-context. */
  readonly context?: string;
  readonly env?: NodeJS.ProcessEnv;
  readonly serviceAccountFolder?: string;
}

/** From KUBECONFIG, else the pod's service account, else ~/.kube/config. Throws `NoCluster` if there is none. */
export async function loadClusterAccess(options: AccessOptions = {}): Promise<ClusterAccess> {
  const env = options.env ?? process.env;
  const folder = options.serviceAccountFolder ?? serviceAccountFolder;
  const named = (env.KUBECONFIG ?? '').split(delimiter).filter((path) => path !== '');
  if (named.length > 0) return await kubeconfigAccess(named, options.context);
  if (env.KUBERNETES_SERVICE_HOST && existsSync(join(folder, 'token')))
    return await serviceAccountAccess(env, folder);
  const own = join(env.HOME ?? '/', '.kube', 'config');
  if (existsSync(own)) return await kubeconfigAccess([own], options.context);
  throw permanent('NoCluster', 'no Kubernetes cluster is configured', {
    fix: 'set KUBECONFIG to a kubeconfig, or run in a pod with a service account',
  });
}

/** Does not load client-node, which costs 80 MiB of memory: in a pod, two files are all that is needed. */
async function serviceAccountAccess(env: NodeJS.ProcessEnv, folder: string): Promise<ClusterAccess> {
  const host = env.KUBERNETES_SERVICE_HOST ?? '';
  const port = env.KUBERNETES_SERVICE_PORT ?? '443';
  const read = (file: string) => readFile(join(folder, file), 'utf8');
  return {
    server: new URL(`https://${host.includes(':') ? `[${host}]` : host}:${port}`),
    namespace: (await read('namespace')).trim(),
    credentials: async () => {
      const [token, ca] = await Promise.all([read('token'), read('ca.crt')]);
      return { headers: { authorization: `Bearer ${token.trim()}` }, tls: { ca } };
    },
  };
}

async function kubeconfigAccess(
  paths: readonly string[],
  context: string | undefined,
): Promise<ClusterAccess> {
  const load = async () => {
    const loaded = await loadKubeconfig(paths);
    if (context !== undefined) loaded.setCurrentContext(context);
    return loaded;
  };
  let config = await load();
  const cluster = config.getCurrentCluster();
  if (!cluster) {
    throw permanent(
      'NoCluster',
      `${paths.join(delimiter)}: ${context ?? 'current-context'} does not name a cluster`,
      {
        fix: 'choose a context with: kubectl config use-context NAME',
      },
    );
  }
  const server = new URL(cluster.server);
  return {
    server,
    namespace: config.getContextObject(config.currentContext)?.namespace ?? 'default',
    credentials: async (isRefused) => {
      // As kubectl does: no token or password without TLS.
      if (server.protocol === 'http:') return { headers: {}, tls: {} };
      if (isRefused) config = await load();
      return await credentialsOf(config);
    },
  };
}

async function credentialsOf(config: KubeConfig): Promise<Credentials> {
  const options: RequestOptions = {};
  await config.applyToHTTPSOptions(options);
  const { auth, agent, ca, cert, key, pfx, passphrase, servername, rejectUnauthorized } = options;
  const headers = { ...(options.headers as Record<string, string> | undefined) };
  if (auth) headers.authorization = `Basic ${Buffer.from(auth).toString('base64')}`;
  const tls = { ca, cert, key, pfx, passphrase, servername, rejectUnauthorized };
  const given = Object.fromEntries(
    Object.entries(tls).filter(([, value]) => value !== undefined && value !== null),
  );
  const isProxied = config.getCurrentCluster()?.proxyUrl !== undefined;
  return { headers, tls: given, ...(isProxied && agent instanceof Object && { agent }) };
}

async function loadKubeconfig(paths: readonly string[]): Promise<KubeConfig> {
  const { KubeConfig } = await import('@kubernetes/client-node');
  const merged = new KubeConfig();
  for (const [index, path] of paths.entries()) {
    const one = index === 0 ? merged : new KubeConfig();
    try {
      one.loadFromString(withTokenFiles(await readFile(path, 'utf8'), path));
      one.makePathsAbsolute(dirname(path));
      if (index > 0) merged.mergeConfig(one, true);
    } catch (cause) {
      throw permanent('KubeconfigUnreadable', `${path}: ${(cause as Error).message}`, { cause });
    }
  }
  return merged;
}

interface KubeconfigText {
  readonly users?: readonly { readonly user?: Record<string, unknown> }[];
}

/** client-node ignores `tokenFile`. Configured as its auth provider of that name, the file is read again each minute. */
function withTokenFiles(text: string, path: string): string {
  const config = parse(text) as KubeconfigText;
  for (const { user } of config.users ?? []) {
    if (typeof user?.tokenFile !== 'string') continue;
    user['auth-provider'] = {
      name: 'tokenFile',
      config: { tokenFile: resolve(dirname(path), user.tokenFile) },
    };
  }
  return JSON.stringify(config);
}
