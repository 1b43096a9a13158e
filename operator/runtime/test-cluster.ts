import { readFile, writeFile } from 'node:fs/promises';
import type { Log, LogFields } from '../../core/log.ts';
import { loadClusterAccess } from '../../process/kubernetes-access.ts';
import { KubernetesClient } from './client.ts';
import type { KubernetesObject, ObjectRef, Resource } from './objects.ts';
import type { TransportOptions } from './transport.ts';

export const configMaps: Resource = { group: '', version: 'v1', plural: 'configmaps', kind: 'ConfigMap' };
export const namespaces: Resource = { group: '', version: 'v1', plural: 'namespaces', kind: 'Namespace' };

export interface ConfigMap extends KubernetesObject {
  readonly data?: Readonly<Record<string, string>>;
}

export interface ConnectOptions extends Partial<TransportOptions> {
  readonly kubeconfigPath?: string;
  /** Of a proxy in front of the API server. */
  readonly port?: number;
}

/** `api`: from e2e/kit/servers.ts. */
export async function connect(
  api: { readonly kubeconfigPath: string },
  options: ConnectOptions = {},
): Promise<KubernetesClient> {
  const { kubeconfigPath = api.kubeconfigPath, port, ...transport } = options;
  const path = port === undefined ? kubeconfigPath : await throughPort(kubeconfigPath, port);
  const access = await loadClusterAccess({ env: { KUBECONFIG: path } });
  return new KubernetesClient(access, { fieldManager: 'test', ...transport });
}

async function throughPort(kubeconfigPath: string, port: number): Promise<string> {
  const text = await readFile(kubeconfigPath, 'utf8');
  const path = `${kubeconfigPath}.${port}`;
  await writeFile(path, text.replace(/https:\/\/127\.0\.0\.1:\d+/, `https://127.0.0.1:${port}`), {
    mode: 0o600,
  });
  return path;
}

export async function makeNamespace(client: KubernetesClient, name: string): Promise<void> {
  await client.create(namespaces, { metadata: { name } });
}

export async function makeConfigMap(
  client: KubernetesClient,
  ref: ObjectRef,
  value = '1',
): Promise<ConfigMap> {
  return await client.create<ConfigMap>(configMaps, { metadata: ref, data: { value } });
}

/** Records log entries as `warn message`. */
export class TestLog implements Log {
  readonly lines: string[] = [];
  debug(): void {}
  info(message: string, _fields?: LogFields): void {
    this.lines.push(`info ${message}`);
  }
  warn(message: string, _fields?: LogFields): void {
    this.lines.push(`warn ${message}`);
  }
  error(message: string, _fields?: LogFields): void {
    this.lines.push(`error ${message}`);
  }
}
