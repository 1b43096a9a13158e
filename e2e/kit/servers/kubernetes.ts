import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { cp, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { freePort } from '../free-port.ts';
import { type CommandResult, runCommand, startProcess } from '../processes.ts';
import { removeFolder } from '../temp.ts';
import { startAudit, usesIn } from './audit-log.ts';
import { type EtcdServer, etcd } from './etcd.ts';
import { findServer, inArchive, inVariable, onPath } from './find.ts';
import { dataFolder, ServerProcess } from './server-process.ts';

export interface KubernetesApi {
  /** For a member of system:masters. */
  readonly kubeconfigPath: string;
  readonly url: string;
  /** Runs kubectl with that kubeconfig, or another one. */
  kubectl(args: readonly string[], options?: KubectlOptions): Promise<CommandResult>;
  /** `kubectl apply -f -` with a manifest in YAML or JSON; throws if it is refused. */
  apply(manifest: string): Promise<void>;
  /** A service account (created with its namespace if they are missing) and a kubeconfig with its token; it has no rights yet. */
  serviceAccount(namespace: string, name: string): Promise<ServiceAccount>;
  /** With `isAudited`: what this user has called, each once and sorted: `patch syncs/status.idra.dev`. */
  usesOf(user: string): Promise<readonly string[]>;
  /** Copies the data of the server, which is restarted for that. The result puts it back, likewise. */
  backUp(): Promise<() => Promise<void>>;
  readonly process: ServerProcess;
  stop(): Promise<void>;
}

export interface KubernetesOptions {
  /** Records all calls, for `usesOf`. */
  readonly isAudited?: boolean;
}

export interface KubectlOptions {
  readonly input?: string;
  readonly kubeconfigPath?: string;
}

export interface ServiceAccount {
  readonly kubeconfigPath: string;
  readonly token: string;
  /** Its name in RBAC and in an audit log. */
  readonly user: string;
}

const binaries = ['kube-apiserver', 'etcd', 'kubectl'];

/**
 * A Kubernetes API server with its own etcd, and nothing else: RBAC is on, but no controllers run, so nothing is garbage collected and
 * the aggregated roles (view, edit, admin) are empty. Each call starts a new one (about 4 s), since custom resource definitions and
 * watches over all namespaces cannot be shared.
 */
export async function kubernetesApi({ isAudited = false }: KubernetesOptions = {}): Promise<KubernetesApi> {
  const bin = await findServer('kubernetes', [
    inVariable('KUBEBUILDER_ASSETS', binaries),
    onPath(binaries),
    inArchive('kube', '.'),
  ]);
  const store = await etcd({ members: 1 });
  const folder = await dataFolder('kubernetes');
  const port = await freePort();
  const url = `https://127.0.0.1:${port}`;
  const token = randomBytes(24).toString('hex');
  await writeKeys(folder, token);
  const auditFlags = isAudited ? await startAudit(folder) : [];
  const kubeconfigPath = join(folder, 'admin.kubeconfig');
  const kubectl = kubectlWith(join(bin, 'kubectl'), folder, kubeconfigPath);

  const server = await ServerProcess.start({
    folder,
    start: () =>
      startProcess(join(bin, 'kube-apiserver'), [...flags(folder, port, store.endpoints), ...auditFlags], {
        cwd: folder,
      }),
    answers: async () => {
      await writeKubeconfig(kubeconfigPath, folder, url, token);
      await must(kubectl(['get', '--raw', '/readyz']));
      await must(kubectl(['get', 'namespace', 'default']));
    },
  });
  const apply = async (manifest: string) => {
    await must(kubectl(['apply', '-f', '-'], { input: manifest }));
  };

  return {
    kubeconfigPath,
    url,
    kubectl,
    apply,
    serviceAccount: async (namespace, name) => {
      if (namespace !== 'default') await apply(manifestOf('Namespace', { name: namespace }));
      await apply(manifestOf('ServiceAccount', { name, namespace }));
      const issued = await must(kubectl(['create', 'token', name, '-n', namespace, '--duration=24h']));
      const path = join(folder, `${namespace}.${name}.kubeconfig`);
      await writeKubeconfig(path, folder, url, issued.trim());
      return {
        kubeconfigPath: path,
        token: issued.trim(),
        user: `system:serviceaccount:${namespace}:${name}`,
      };
    },
    usesOf: (user) => usesIn(folder, user),
    backUp: () => backUp(server, store, join(folder, 'backup')),
    process: server,
    stop: async () => {
      await server.stop();
      await store.stop();
    },
  };
}

async function backUp(server: ServerProcess, store: EtcdServer, copy: string): Promise<() => Promise<void>> {
  const [member] = store.members;
  if (!member) throw new Error('this etcd was not started here');
  const { folder } = member.process;
  const whileStopped = async (change: () => Promise<void>) => {
    await server.kill();
    await member.process.kill();
    await change();
    await member.process.restart();
    await server.restart();
  };
  await whileStopped(() => cp(folder, copy, { recursive: true }));
  return () =>
    whileStopped(async () => {
      await removeFolder(folder);
      await cp(copy, folder, { recursive: true });
    });
}

function kubectlWith(binary: string, folder: string, kubeconfigPath: string): KubernetesApi['kubectl'] {
  // Its discovery cache belongs beside the server, not in a home folder.
  const cache = `--cache-dir=${join(folder, 'cache')}`;
  return (args, { input = '', kubeconfigPath: other = kubeconfigPath } = {}) =>
    runCommand(binary, ['--kubeconfig', other, cache, ...args], { input });
}

async function must(running: Promise<CommandResult>): Promise<string> {
  const { code, stdout, stderr } = await running;
  if (code !== 0) throw new Error(`kubectl: ${stderr}`);
  return stdout;
}

function manifestOf(kind: string, metadata: Readonly<Record<string, string>>): string {
  return JSON.stringify({ apiVersion: 'v1', kind, metadata });
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
    // Pods and their tokens are not needed: nothing creates the default service accounts here.
    '--disable-admission-plugins=ServiceAccount',
    '--endpoint-reconciler-type=none',
  ];
}

/** The server creates its certificate at its first start, and is its own CA. */
async function writeKubeconfig(path: string, folder: string, server: string, token: string): Promise<void> {
  const authority = (await readFile(join(folder, 'certificates/apiserver.crt'))).toString('base64');
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'test',
    contexts: [{ name: 'test', context: { cluster: 'test', user: 'test' } }],
    clusters: [{ name: 'test', cluster: { server, 'certificate-authority-data': authority } }],
    users: [{ name: 'test', user: { token } }],
  };
  await writeFile(path, JSON.stringify(config, undefined, 2), { mode: 0o600 });
}
