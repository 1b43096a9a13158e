import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import { connectCoordination } from '../../coordination/connect.ts';
import type { Coordination, DesiredSync } from '../../coordination/contract.ts';
import type { Request, SyncStatus } from '../../core/status.ts';
import { type RunningProcess, startIdra } from './processes.ts';
import type { EtcdOptions } from './servers/etcd.ts';
import { type EtcdServer, etcd } from './servers.ts';
import { tempFolder } from './temp.ts';
import { patienceMs, until } from './wait.ts';

interface Manifest {
  readonly kind: 'Secret' | 'DataSource' | 'Sync';
  readonly metadata: { readonly name: string };
  readonly spec?: Readonly<Record<string, unknown>>;
  readonly stringData?: Readonly<Record<string, string>>;
}

export interface AgentsOptions {
  readonly etcd?: EtcdOptions;
  readonly leaseTtlMs?: number;
}

/** An etcd and agents as processes, without Kubernetes; the desired state is written to etcd directly. The uid of a Sync is its name. */
export class AgentCluster {
  readonly server: EtcdServer;
  readonly coordination: Coordination;
  readonly agents = new Map<string, RunningProcess>();
  readonly leaseTtlMs: number;
  readonly #secrets: string;

  static async start(options: AgentsOptions = {}): Promise<AgentCluster> {
    return new AgentCluster(
      await etcd(options.etcd),
      await tempFolder('secrets'),
      options.leaseTtlMs ?? 2_000,
    );
  }

  private constructor(server: EtcdServer, secrets: string, leaseTtlMs: number) {
    this.server = server;
    this.coordination = connectCoordination(server);
    this.leaseTtlMs = leaseTtlMs;
    this.#secrets = secrets;
  }

  /** Starts an agent as a process; it has joined when this returns. */
  async agent(name: string, env: Readonly<Record<string, string>> = {}): Promise<RunningProcess> {
    const agent = await this.startAgent(name, env);
    await agent.waitForLine('joined the cluster');
    return agent;
  }

  async startAgent(name: string, env: Readonly<Record<string, string>> = {}): Promise<RunningProcess> {
    const agent = await startIdra(['agent'], {
      name: `agent ${name}`,
      env: {
        IDRA_ETCD_ENDPOINTS: this.server.endpoints.join(','),
        IDRA_ETCD_PREFIX: this.server.prefix,
        IDRA_AGENT_NAME: name,
        IDRA_LEASE_TTL: `${this.leaseTtlMs}ms`,
        IDRA_SECRETS_DIR: this.#secrets,
        ...env,
      },
    });
    this.agents.set(name, agent);
    return agent;
  }

  /** Writes Secrets to the folder, and DataSources and Syncs to etcd; each call creates a new generation. */
  async put(manifests: string): Promise<void> {
    for (const document of parseAllDocuments(manifests)) {
      const manifest = document.toJS() as Manifest | null;
      if (manifest) await this.#putOne(manifest);
    }
  }

  async #putOne({ kind, metadata: { name }, spec = {}, stringData = {} }: Manifest): Promise<void> {
    const { desired } = this.coordination;
    const common = { namespace: 'default', name, createdAt: new Date().toISOString() };
    if (kind === 'Secret') {
      await mkdir(join(this.#secrets, name), { recursive: true });
      for (const [key, value] of Object.entries(stringData))
        await writeFile(join(this.#secrets, name, key), value, { mode: 0o600 });
    } else if (kind === 'DataSource') {
      const generation = ((await desired.getDataSource('default', name))?.generation ?? 0) + 1;
      await desired.putDataSource({ ...common, uid: `uid-${name}`, generation, spec });
    } else {
      const generation = ((await desired.getSync(name))?.generation ?? 0) + 1;
      await desired.putSync({ ...common, uid: name, generation, spec });
    }
  }

  async change(uid: string, change: Partial<DesiredSync>): Promise<void> {
    const stored = await this.coordination.desired.getSync(uid);
    if (!stored) throw new Error(`there is no Sync ${uid}`);
    const { version, ...rest } = stored;
    await this.coordination.desired.putSync({ ...rest, ...change, generation: rest.generation + 1 }, version);
  }

  async request(uid: string, request: Request): Promise<void> {
    await this.coordination.requests.post(uid, request);
  }

  async status(uid: string): Promise<SyncStatus | undefined> {
    return await this.coordination.reports.readStatus(uid);
  }

  async untilStatus(
    uid: string,
    what: string,
    condition: (status: SyncStatus) => boolean,
    timeoutMs = patienceMs,
  ): Promise<SyncStatus> {
    let last: SyncStatus | undefined;
    return await until(
      async () => {
        last = await this.status(uid);
        return last && condition(last) && last;
      },
      { what: `${uid} to be ${what}`, timeoutMs },
    ).catch((error: unknown) => {
      const tails = [...this.agents].map(([name, agent]) => `${name}:\n${agent.tail(10)}`).join('\n');
      throw new Error(`${(error as Error).message}; it is ${JSON.stringify(last)}\n${tails}`);
    });
  }

  /** Which agent holds the lock of each sync. */
  async holders(): Promise<Map<string, string>> {
    const locks = await this.coordination.cluster.locks();
    return new Map(locks.filter(({ kind }) => kind === 'sync').map(({ uid, agent }) => [uid, agent]));
  }

  /** Waits until this many locks are held by this many agents, as evenly as possible; returns the holders. */
  async untilSpread(syncs: number, agents: number): Promise<Map<string, string>> {
    return await until(
      async () => {
        const holders = await this.holders();
        const counts = [...Map.groupBy(holders.values(), (agent) => agent).values()].map(
          (each) => each.length,
        );
        const isEven = counts.length === agents && Math.max(...counts) - Math.min(...counts) <= 1;
        return holders.size === syncs && isEven && holders;
      },
      { what: `${syncs} locks to be spread over ${agents} agents`, timeoutMs: 60_000 },
    ).catch(async (error: unknown) => {
      const [holders, members] = [await this.holders(), await this.coordination.cluster.agents()];
      throw new Error(
        `${(error as Error).message}; they are ${JSON.stringify([...holders])}, the agents ${JSON.stringify(members)}`,
      );
    });
  }

  async stop(): Promise<void> {
    for (const agent of this.agents.values()) agent.kill('SIGKILL');
    await Promise.all([...this.agents.values()].map((agent) => agent.waitForExit()));
    await this.coordination.close();
    await this.server.stop();
  }
}
