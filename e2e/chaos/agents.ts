import { join } from 'node:path';
import { FaultControl } from '../kit/faults/control.ts';
import { type RunningProcess, startIdra } from '../kit/processes.ts';
import { type FaultProxy, faultProxy } from '../kit/proxy.ts';
import { tempFolder } from '../kit/temp.ts';

/** The ports that an agent connects to. */
export interface Surroundings {
  readonly etcdEndpoints: readonly string[];
  readonly etcdPrefix: string;
  /** Ports of the databases, on 127.0.0.1. */
  readonly databasePorts: readonly number[];
  readonly secretsFolder: string;
  readonly leaseTtlMs: number;
}

/** One agent as a process, with its own proxies to each member of etcd and to each database. */
export class ChaosAgent {
  readonly name: string;
  readonly control: FaultControl;
  readonly #surroundings: Surroundings;
  readonly #etcd: readonly FaultProxy[];
  readonly #databases: readonly FaultProxy[];
  readonly #ended: RunningProcess[] = [];
  #process: RunningProcess | undefined;

  static async start(name: string, surroundings: Surroundings): Promise<ChaosAgent> {
    const etcd = await Promise.all(
      surroundings.etcdEndpoints.map((endpoint) => faultProxy('127.0.0.1', Number(new URL(endpoint).port))),
    );
    const databases = await Promise.all(
      surroundings.databasePorts.map((port) => faultProxy('127.0.0.1', port)),
    );
    const ports = Object.fromEntries(
      surroundings.databasePorts.map((port, index) => [String(port), databases[index]?.port ?? port]),
    );
    const agent = new ChaosAgent(name, surroundings, await FaultControl.start(ports), etcd, databases);
    await agent.launch();
    return agent;
  }

  private constructor(
    name: string,
    surroundings: Surroundings,
    control: FaultControl,
    etcd: readonly FaultProxy[],
    databases: readonly FaultProxy[],
  ) {
    this.name = name;
    this.#surroundings = surroundings;
    this.control = control;
    this.#etcd = etcd;
    this.#databases = databases;
  }

  get isRunning(): boolean {
    return this.#process?.isRunning === true;
  }

  async launch(): Promise<void> {
    if (this.isRunning) return;
    if (this.#process) this.#ended.push(this.#process);
    const { etcdPrefix, leaseTtlMs, secretsFolder } = this.#surroundings;
    this.#process = await startIdra(['agent'], {
      name: this.name,
      cwd: await tempFolder(this.name),
      env: {
        ...this.control.env,
        IDRA_ETCD_ENDPOINTS: this.#etcd.map(({ port }) => `http://127.0.0.1:${port}`).join(','),
        IDRA_ETCD_PREFIX: etcdPrefix,
        IDRA_AGENT_NAME: this.name,
        IDRA_LEASE_TTL: `${leaseTtlMs}ms`,
        IDRA_SECRETS_DIR: secretsFolder,
        IDRA_LOG_LEVEL: 'debug',
        IDRA_LOG_FORMAT: 'json',
        KUBECONFIG: undefined,
      },
    });
  }

  signal(signal: NodeJS.Signals): void {
    if (this.isRunning) this.#process?.kill(signal);
  }

  /** Kills it, and waits until it has ended. */
  async kill(): Promise<void> {
    this.signal('SIGKILL');
    await this.#process?.waitForExit();
  }

  /** Stops it as Kubernetes would, and waits until it has ended. */
  async drain(graceMs = 30_000): Promise<void> {
    if (this.isRunning) await this.#process?.stop(graceMs);
  }

  cutFrom(what: 'etcd' | 'databases'): void {
    for (const proxy of this.#proxies(what)) proxy.pause();
  }

  /** Delays the answers. */
  slow(what: 'etcd' | 'databases'): void {
    for (const proxy of this.#proxies(what)) proxy.pause('toClient');
  }

  heal(): void {
    for (const proxy of [...this.#etcd, ...this.#databases]) proxy.heal();
  }

  /** The output of all its processes. */
  get lines(): readonly string[] {
    return [...this.#ended, ...(this.#process ? [this.#process] : [])].flatMap((each) => [
      ...each.stdout,
      ...each.stderr,
    ]);
  }

  async stop(): Promise<void> {
    this.heal();
    this.signal('SIGCONT');
    await this.kill();
    await Promise.all([...this.#etcd, ...this.#databases].map((proxy) => proxy.stop()));
    await this.control.stop();
  }

  #proxies(what: 'etcd' | 'databases'): readonly FaultProxy[] {
    return what === 'etcd' ? this.#etcd : this.#databases;
  }
}

/** `FOLDER/NAME/password`: where agents read Secrets without Kubernetes. */
export function passwordFile(secretsFolder: string, name: string): string {
  return join(secretsFolder, name, 'password');
}
