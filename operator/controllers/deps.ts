import type { Coordination } from '../../coordination/contract.ts';
import type { Clock } from '../../core/clock.ts';
import type { DeletionAges } from '../../core/deletion-ages.ts';
import type { Log } from '../../core/log.ts';
import type { EventRecorder } from '../runtime/events.ts';
import type { Informer } from '../runtime/informer.ts';
import type { EtcdView } from './etcd-view.ts';
import type { ForeignObjects } from './foreign-objects.ts';
import type { Inventory } from './inventory.ts';
import type { Namespaces } from './namespaces.ts';
import type { DataSourceObject, DataSourceObjectStatus, SyncObject, SyncObjectStatus } from './objects.ts';
import type { OperatorClient } from './operator-client.ts';
import type { Ownership } from './ownership.ts';
import type { SpecCache } from './spec-cache.ts';
import type { StatusWriter } from './status-writer.ts';
import type { Users } from './users.ts';

/** Dependencies of the reconcilers of both kinds. */
export interface ReconcilerDeps {
  readonly client: OperatorClient;
  readonly coordination: Coordination;
  readonly specCache: SpecCache;
  readonly syncs: Informer<SyncObject>;
  readonly dataSources: Informer<DataSourceObject>;
  readonly syncStatuses: StatusWriter<SyncObjectStatus>;
  readonly dataSourceStatuses: StatusWriter<DataSourceObjectStatus>;
  readonly users: Users;
  readonly deletions: DeletionAges;
  readonly etcdView: EtcdView;
  readonly inventory: Inventory;
  readonly namespaces: Namespaces;
  readonly ownership: Ownership;
  readonly foreignObjects: ForeignObjects;
  readonly events: EventRecorder;
  readonly clock: Clock;
  readonly log: Log;
}
