import type { Coordination } from '../coordination/contract.ts';
import type { DocumentStore } from '../coordination/documents.ts';
import { Connections } from '../coordination/test-etcd.ts';
import { type EtcdServer, etcd } from '../e2e/kit/servers.ts';
import { agentControl } from '../fleet/agent-control.ts';
import { agentAsker } from '../fleet/ask-agents.ts';
import { etcdFleet } from '../fleet/etcd.ts';
import { etcdView } from '../fleet/view/etcd.ts';
import type { Installation } from './services.ts';
import { TestApi, type TestApiOptions } from './test-api.ts';

/** The API over a real etcd, and a connection to it for the test. */
export interface TestCluster {
  readonly server: EtcdServer;
  readonly api: TestApi;
  readonly coordination: Coordination;
  /** Another replica, started now; stopped by its caller. */
  second(): Promise<TestApi>;
  stop(): Promise<void>;
}

export async function startCluster(
  options: TestApiOptions & { readonly documents?: (of: DocumentStore) => DocumentStore } = {},
): Promise<TestCluster> {
  const server = await etcd({ members: 1 });
  const connections = new Connections(server);
  const { documents = (of) => of, ...config } = options;
  const replica = async (): Promise<TestApi> => {
    const ours = connections.open();
    const view = etcdView(ours);
    const fleet = etcdFleet(ours, 'etcd');
    await view.isSynced;
    const installation: Installation = {
      mode: 'etcd',
      fleet,
      view,
      documents: documents(ours.documents),
      agents: agentControl(ours),
      openAsker: (signal) => agentAsker(ours, signal),
      watchTrends: (listener) => {
        const watching = ours.trends.watch(listener, () => {});
        watching.isSynced.catch(() => {});
        return () => watching.close();
      },
      offsetHistory: (sync) => fleet.history(sync),
    };
    return await TestApi.start(installation, { ...config, close: () => view.close() });
  };
  const api = await replica();
  return {
    server,
    api,
    coordination: connections.open(),
    second: replica,
    async stop() {
      await api.stop();
      await connections.close();
      await server.stop();
    },
  };
}

export const postgresSpec = (host: string) => ({ postgres: { host, database: 'd', user: 'u' } });
export const ordersSpec = (more: object = {}) => ({
  source: { dataSource: 'shop', table: 'public.orders', idField: 'id' },
  destination: { dataSource: 'warehouse', table: 'public.orders' },
  mode: 'Id',
  ...more,
});
