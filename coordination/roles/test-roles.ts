import { signClient } from '../../e2e/kit/certificates.ts';
import { type EtcdServer, etcd } from '../../e2e/kit/servers.ts';
import type { EtcdConfig } from '../config.ts';
import { type RoleName, roleNames } from './roles.ts';
import { setUpRoles } from './setup.ts';

/** An etcd with TLS, client certificates, and the users and roles of Idra. */
export interface EtcdWithRoles {
  readonly server: EtcdServer;
  config(user: RoleName | 'root'): EtcdConfig;
  /** A certificate with this name; replaces an earlier one. */
  sign(user: string): Promise<Pick<EtcdConfig, 'certFile' | 'keyFile'>>;
}

export async function etcdWithRoles(): Promise<EtcdWithRoles> {
  const found = await etcdWithUsers();
  await setUpRoles({
    config: found.config('root'),
    passwords: new Map(),
    timeoutMs: 30_000,
    onChange() {},
    onWarning() {},
  });
  return found;
}

/** The same without roles: authentication is off. */
export async function etcdWithUsers(): Promise<EtcdWithRoles> {
  const server = await etcd({ members: 1, tls: true });
  const { certificates } = server;
  if (certificates === undefined) throw new Error('this etcd has no TLS');
  const files = new Map<string, { certFile: string; keyFile: string }>();
  for (const user of ['root', ...roleNames]) files.set(user, await signClient(certificates, user));
  return {
    server,
    sign: (user) => signClient(certificates, user),
    config: (user) => ({
      endpoints: server.endpoints,
      prefix: server.prefix,
      caFile: certificates.caFile,
      ...files.get(user),
    }),
  };
}

/** In the form of environment variables. */
export function environmentOf({ endpoints, prefix, caFile, certFile, keyFile }: EtcdConfig) {
  return {
    IDRA_ETCD_ENDPOINTS: endpoints.join(','),
    IDRA_ETCD_PREFIX: prefix,
    ...(caFile && { IDRA_ETCD_CA: caFile }),
    ...(certFile && { IDRA_ETCD_CERT: certFile }),
    ...(keyFile && { IDRA_ETCD_KEY: keyFile }),
  };
}
