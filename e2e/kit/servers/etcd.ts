import { randomBytes } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type Certificates, makeCertificates } from '../certificates.ts';
import { freePort } from '../free-port.ts';
import { startProcess } from '../processes.ts';
import { removeFolder } from '../temp.ts';
import { findServer, inArchive, inDebian, inVariable, onPath } from './find.ts';
import { dataFolder, ServerProcess } from './server-process.ts';

/** PEM files created elsewhere. */
export type ServerFiles = Pick<Certificates, 'caFile' | 'certFile' | 'keyFile'>;

export interface EtcdOptions {
  readonly members?: 1 | 3;
  /** The size of the store at which etcd raises its NOSPACE alarm. */
  readonly quotaBytes?: number;
  /** Clients need a certificate, and the endpoints are https. */
  readonly tls?: boolean | ServerFiles;
  /** Further flags of etcd. */
  readonly flags?: readonly string[];
}

export interface EtcdServer {
  /** `http://127.0.0.1:PORT`, one per member. */
  readonly endpoints: readonly string[];
  readonly certificates?: Certificates;
  /** Prefix of the keys of this test: an etcd from the environment may have other users too. */
  readonly prefix: string;
  /** Empty if the etcd comes from the environment. */
  readonly members: readonly EtcdMember[];
  stop(): Promise<void>;
}

export interface EtcdMember {
  readonly endpoint: string;
  readonly process: ServerProcess;
}

export const etcdPlaces = [
  inVariable('KUBEBUILDER_ASSETS', ['etcd']),
  onPath(['etcd']),
  inArchive('kube', '.'),
  inDebian(['etcd-server'], onPath(['etcd'])),
];

/** A new, empty etcd. Starting one is faster than sharing one safely. */
export async function etcd(options: EtcdOptions = {}): Promise<EtcdServer> {
  const prefix = `/idra-test-${randomBytes(5).toString('hex')}/`;
  const given = process.env.IDRA_TEST_ETCD_ENDPOINTS;
  if (given && Object.keys(options).length === 0) {
    return { endpoints: given.split(','), prefix, members: [], stop: async () => {} };
  }
  const bin = await findServer('etcd', etcdPlaces);
  const folder = await dataFolder('etcd');
  const certificates = options.tls === true ? await makeCertificates(join(folder, 'tls')) : undefined;
  const files = typeof options.tls === 'object' ? options.tls : certificates;
  const cluster = await planMembers(options.members ?? 1, files ? 'https' : 'http');
  const flags = [
    ...(options.quotaBytes === undefined ? [] : [`--quota-backend-bytes=${options.quotaBytes}`]),
    ...(files ? tlsFlags(files) : []),
    ...(options.flags ?? []),
  ];
  const members = await Promise.all(
    cluster.map(async (plan): Promise<EtcdMember> => {
      return {
        endpoint: plan.endpoint,
        process: await startMember(join(bin, 'etcd'), folder, plan, cluster, flags),
      };
    }),
  );
  const stop = async () => {
    await Promise.all(members.map((member) => member.process.stop()));
    await removeFolder(folder);
  };
  return {
    endpoints: cluster.map((plan) => plan.endpoint),
    prefix,
    members,
    stop,
    ...(certificates && { certificates }),
  };
}

interface MemberPlan {
  readonly name: string;
  readonly endpoint: string;
  readonly peer: string;
  /** Always plain HTTP, whatever the clients' endpoints are: /health and /metrics. */
  readonly health: string;
}

async function planMembers(count: number, scheme: string): Promise<MemberPlan[]> {
  const plans: MemberPlan[] = [];
  for (let index = 0; index < count; index++) {
    const [client, peer, health] = [await freePort(), await freePort(), await freePort()];
    const local = 'http://127.0.0.1';
    const endpoint = `${scheme}://127.0.0.1:${client}`;
    plans.push({ name: `m${index}`, endpoint, peer: `${local}:${peer}`, health: `${local}:${health}` });
  }
  return plans;
}

async function startMember(
  binary: string,
  folder: string,
  plan: MemberPlan,
  cluster: readonly MemberPlan[],
  flags: readonly string[],
): Promise<ServerProcess> {
  const data = join(folder, plan.name);
  await mkdir(data, { mode: 0o700 });
  const args = [
    `--name=${plan.name}`,
    `--data-dir=${data}`,
    `--listen-client-urls=${plan.endpoint}`,
    `--advertise-client-urls=${plan.endpoint}`,
    `--listen-peer-urls=${plan.peer}`,
    `--initial-advertise-peer-urls=${plan.peer}`,
    `--listen-metrics-urls=${plan.health}`,
    `--initial-cluster=${cluster.map(({ name, peer }) => `${name}=${peer}`).join(',')}`,
    // Without fsync a killed process loses nothing; only a power failure of the machine would.
    '--unsafe-no-fsync',
    '--log-level=warn',
    ...flags,
  ];
  return await ServerProcess.start({
    folder: data,
    start: () => startProcess(binary, args, { name: `etcd ${plan.name}` }),
    answers: () => isHealthy(plan.health),
  });
}

async function isHealthy(address: string): Promise<void> {
  const answer = await fetch(`${address}/health`, { signal: AbortSignal.timeout(2_000) });
  if (!answer.ok) throw new Error(`etcd is not healthy: ${await answer.text()}`);
}

function tlsFlags({ caFile, certFile, keyFile }: ServerFiles): string[] {
  return [
    '--client-cert-auth',
    `--trusted-ca-file=${caFile}`,
    `--cert-file=${certFile}`,
    `--key-file=${keyFile}`,
  ];
}
