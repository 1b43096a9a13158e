import type { DocumentStore } from '../coordination/documents.ts';
import type { Clock } from '../core/clock.ts';
import type { Log } from '../core/log.ts';
import type { OffsetHistoryEntry } from '../core/status.ts';
import type { SyncIdentity } from '../core/sync-spec.ts';
import type { Fleet } from '../fleet/contract.ts';
import type { FleetView } from '../fleet/view/contract.ts';
import { AuditLog } from './audit/audit-log.ts';
import type { ApiConfig } from './config.ts';
import { LoginLimits } from './users/login-limits.ts';
import { Sessions } from './users/sessions.ts';
import { Tokens } from './users/tokens.ts';
import { Users } from './users/users.ts';
import { Events } from './views/events.ts';
import { SyncList } from './views/sync-list.ts';

/** The installation that the API serves. */
export interface Installation {
  readonly mode: 'single' | 'etcd' | 'kubernetes';
  readonly fleet: Fleet;
  readonly view: FleetView;
  readonly documents: DocumentStore;
  /** Manual changes of an offset; undefined: not known. */
  readonly offsetHistory: (sync: SyncIdentity) => Promise<readonly OffsetHistoryEntry[] | undefined>;
}

export interface ApiDeps extends Installation {
  readonly config: ApiConfig;
  readonly clock: Clock;
  readonly log: Log;
}

/** What handlers work with. */
export interface Services extends ApiDeps {
  readonly users: Users;
  readonly sessions: Sessions;
  readonly tokens: Tokens;
  readonly loginLimits: LoginLimits;
  readonly audit: AuditLog;
  readonly syncList: SyncList;
  readonly events: Events;
  /** Everything has been read once. */
  readonly isSynced: () => boolean;
}

export function makeServices(deps: ApiDeps): Services {
  const { documents, clock, log, config, view } = deps;
  let isSynced = false;
  view.isSynced.then(
    () => {
      isSynced = true;
    },
    () => {},
  );
  return {
    ...deps,
    users: new Users(documents, clock),
    sessions: new Sessions(documents, clock, config.sessions),
    tokens: new Tokens(documents, clock),
    loginLimits: new LoginLimits(clock),
    audit: new AuditLog({ documents, clock, log, keptEntries: config.auditEntries }),
    syncList: new SyncList(view),
    events: new Events(view, clock),
    isSynced: () => isSynced,
  };
}
