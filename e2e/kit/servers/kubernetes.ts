import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { freePort } from '../free-port.ts';
import { type CommandResult, runCommand, startProcess } from '../processes.ts';
import { until } from '../wait.ts';
import { etcd } from './etcd.ts';
import { findServer, inArchive, inVariable, onPath } from './find.ts';
import { dataFolder, ServerProcess } from './server-process.ts';

export interface KubernetesApi {
  /** Of a member of system:masters. */
  readonly kubeconfigPath: string;
  readonly url: string;
  /** Runs kubectl with that kubeconfig, or another one. */
  kubectl(args: readonly string[], options?: KubectlOptions): Promise<CommandResult>;
  /** `kubectl apply -f -` of a manifest in YAML or JSON; throws where it is refused. */
  apply(manifest: string): Promise<void>;
  /** A service account (made with its namespace where they are missing) and a kubeconfig with its token; it has no rights yet. */
  serviceAccount(namespace: string, name: string): Promise<ServiceAccount>;
  readonly process: ServerProcess;
  stop(): Promise<void>;
}

export interface KubectlOptions {
  readonly input?: string;
  readonly kubeconfigPath?: string;
}

export interface ServiceAccount {
  readonly kubeconfigPath: string;
  readonly token: string;
  /** As it is named in RBAC and in an audit log. */
  readonly user: string;
}

const binaries = ['kube-apiserver', 'etcd', 'kubectl'];

/**
 * A Kubernetes API server with an etcd of its own, and nothing else: RBAC is on, but no controllers run, so nothing is
 * garbage collected and the aggregated roles (view, edit, admin) are empty. Each call starts a new one (about 4 s),
 * since custom resource definitions and watches over all namespaces are not to be shared.
 */
export async function kubernetesApi(): Promise<KubernetesApi> {
  const bin = await findServer('kubernetes', [
    inVariable('KUBEBUILDER_ASSETS', binaries),
    onPath(binaries),
    inArchive('kube', '.'),
  ]);
  const store = await etcd({ members: 1 });
  const folder = await dataFolder('kubernetes');
  const port = await freePort();
  const token = randomBytes(24).toString('hex');
  await writeKeys(folder, token);
  const url = `https://127.0.0.1:${port}`;
  const kubectlBinary = join(bin, 'kubectl');

  const server = await ServerProcess.start({
    folder,
    start: () => startProcess(join(bin, 'kube-apiserver'), flags(folder, port, store.endpoints), { cwd: folder }),
    answers: async () => {
      // The server makes its certificate at its first start, and it is its own authority.
      const kubeconfig = await writeKubeconfig(folder, 'admin', url, token);
      const ready = await runCommand(kubectlBinary, ['--kubeconfig', kubeconfig, 'get', '--raw', '/readyz']);
      if (ready.code !== 0) throw new Error(ready.stderr);
    },
  });

  const kubeconfigPath = join(folder, 'admin.kubeconfig');
  const kubectl = (args: readonly string[], options: KubectlOptions = {}) => {
    const config = ['--kubeconfig', options.kubeconfigPath ?? kubeconfigPath];
    // Its cache of what the server offers belongs beside the server, not in somebody's home.
    return runCommand(kubectlBinary, [...config, `--cache-dir=${join(folder, 'cache')}`, ...args], {
      ...(options.input !== undefined && { input: options.input }),
    });
  };
  const mustKubectl = async (args: readonly string[], input?: string) => {
    const { code, stdout, stderr } = await kubectl(args, input === undefined ? {} : { input });
    if (code !== 0) throw new Error(`kubectl ${args.join(' ')}: ${stderr}`);
    return stdout;
  };
  await until(async () => (await kubectl(['get', 'namespace', 'default'])).code === 0, { what: 'namespace default' });

  return {
    kubeconfigPath,
    url,
    kubectl,
    apply: async (manifest) => void (await mustKubectl(['apply', '-f', '-'], manifest)),
    serviceAccount: async (namespace, name) => {
      const account = { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name, namespace } };
      if (namespace !== 'default') {
        const parent = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } };
        await mustKubectl(['apply', '-f', '-'], JSON.stringify(parent));
      }
      await mustKubectl(['apply', '-f', '-'], JSON.stringify(account));
      const issued = (await mustKubectl(['create', 'token', name, '-n', namespace, '--duration=24h'])).trim();
      const path = await writeKubeconfig(folder, `${namespace}.${name}`, url, issued);
      return { kubeconfigPath: path, token: issued, user: `system:serviceaccount:${namespace}:${name}` };
    },
    process: server,
    stop: async () => {
      await server.stop();
      await store.stop();
    },
  };
}

async function writeKeys(folder: string, token: string): Promise<void> {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const mode = 0o600;
  await writeFile(join(folder, 'sa.key'), privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode });
  await writeFile(join(folder, 'sa.pub'), publicKey.export({ type: 'spki', format: 'pem' }), { mode });
  await writeFile(join(folder, 'tokens.csv'), `${token},admin,admin,system:masters\n`, { mode });
  await mkdir(join(folder, 'certificates'));
}

function flags(folder: string, port: number, endpoints: readonly string[]): string[] {
  return [
    `--etcd-servers=${endpoints.join(',')}`,
    '--bind-address=127.0.0.1',
    '--advertise-address=127.0.0.1',
    `--secure-port=${port}`,
    `--cert-dir=${join(folder, 'certificates')}`,
    '--authorization-mode=RBAC',
    `--token-auth-file=${join(folder, 'tokens.csv')}`,
    '--service-cluster-ip-range=10.0.0.0/24',
    '--service-account-issuer=https://kubernetes.default.svc',
    `--service-account-key-file=${join(folder, 'sa.pub')}`,
    `--service-account-signing-key-file=${join(folder, 'sa.key')}`,
    // Pods and their tokens are none of its business: nothing makes the default service accounts here.
    '--disable-admission-plugins=ServiceAccount',
    '--endpoint-reconciler-type=none',
  ];
}

async function writeKubeconfig(folder: string, name: string, server: string, token: string): Promise<string> {
  const path = join(folder, `${name}.kubeconfig`);
  const certificate = join(folder, 'certificates/apiserver.crt');
  if (!existsSync(certificate)) throw new Error('the API server has not made its certificate yet');
  const authority = (await readFile(certificate)).toString('base64');
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'test',
    contexts: [{ name: 'test', context: { cluster: 'test', user: name } }],
    clusters: [{ name: 'test', cluster: { server, 'certificate-authority-data': authority } }],
    users: [{ name, user: { token } }],
  };
  await writeFile(path, JSON.stringify(config, undefined, 2), { mode: 0o600 });
  return path;
}
