import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type Served, serve } from '../api/serve.ts';
import { AgentCluster } from '../kit/agents.ts';
import { freePort } from '../kit/free-port.ts';
import { ShopFolder, shop } from '../single-mode/shop-folder.ts';

/** An API server, an agent and two SQLite files in the namespace team-a, over a real etcd. */
export class ShopCluster {
  readonly cluster: AgentCluster;
  readonly folder: ShopFolder;
  readonly #args: readonly string[];
  served: Served;

  private constructor(cluster: AgentCluster, folder: ShopFolder, served: Served, args: readonly string[]) {
    this.cluster = cluster;
    this.folder = folder;
    this.served = served;
    this.#args = args;
  }

  static async start(): Promise<ShopCluster> {
    const cluster = await AgentCluster.start({ etcd: { members: 1 } });
    const folder = await ShopFolder.make();
    await mkdir(join(folder.path, 'team-a'));
    folder.execute('team-a/shop.db', shop);
    folder.execute('team-a/warehouse.db', 'CREATE TABLE other (id INTEGER PRIMARY KEY)');
    const args = ['--port', String(await freePort())];
    const made = new ShopCluster(cluster, folder, await serve(args, envOf(cluster)), args);
    await made.agent('a-0');
    return made;
  }

  get url(): string {
    return this.served.client.url;
  }

  async agent(name: string): Promise<void> {
    await this.cluster.agent(name, { IDRA_SQLITE_ROOT: this.folder.path, IDRA_AGENT_LABELS: 'disk=here' });
  }

  /** The same address, users and sessions. */
  async startAgain(): Promise<void> {
    this.served = await serve(this.#args, envOf(this.cluster));
  }

  /** The two ends, by the API. */
  async makeDataSources(): Promise<void> {
    for (const name of ['shop', 'warehouse'])
      await this.served.client.send('POST', '/datasources/team-a', {
        name,
        spec: { sqlite: { path: `${name}.db` }, placement: { agentSelector: { disk: 'here' } } },
      });
  }

  async stop(): Promise<void> {
    await this.served.running.stop();
    await this.cluster.stop();
    await this.folder.remove();
  }
}

function envOf({ server }: AgentCluster) {
  return { IDRA_ETCD_ENDPOINTS: server.endpoints.join(','), IDRA_ETCD_PREFIX: server.prefix };
}
