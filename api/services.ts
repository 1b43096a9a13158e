import type { DocumentStore } from '../coordination/documents.ts';
import type { TrendSlot } from '../coordination/trends.ts';
import type { Clock } from '../core/clock.ts';
import type { Log } from '../core/log.ts';
import type { OffsetHistoryEntry } from '../core/status.ts';
import type { SyncIdentity } from '../core/sync-spec.ts';
import type { AgentControl } from '../fleet/agent-control.ts';
import type { AskAgent } from '../fleet/ask-agents.ts';
import type { Fleet } from '../fleet/contract.ts';
import type { FleetView } from '../fleet/view/contract.ts';
import { AuditLog } from './audit/audit-log.ts';
import type { Charts } from './charts/contract.ts';
import { agentCharts } from './charts/from-agents.ts';
import { prometheusCharts } from './charts/prometheus.ts';
import type { ApiConfig } from './config.ts';
import { LiveHub } from './live/hub.ts';
import { LoginLimits } from './users/login-limits.ts';
import { Oidc } from './users/oidc.ts';
import { Sessions } from './users/sessions.ts';
import { Tokens } from './users/tokens.ts';
import { Users } from './users/users.ts';
import { Authors } from './views/authors.ts';
import { DataSourceChanges } from './views/data-source-changes.ts';
import { EventStore } from './views/event-store.ts';
import { Events } from './views/events.ts';
import { SyncList } from './views/sync-list.ts';
import { TrendMemory } from './views/trends.ts';

/** The installation that the API serves. */
export interface Installation {
  readonly mode: 'single' | 'etcd' | 'kubernetes';
  readonly fleet: Fleet;
  readonly view: FleetView;
  readonly documents: DocumentStore;
  /** Delivers points of charts until the returned function is called. */
  readonly watchTrends: (listener: (slot: TrendSlot) => void) => () => Promise<void>;
  /** Asks whoever can reach the systems: an agent, or this process in single mode. */
  readonly openAsker: (signal: AbortSignal) => Promise<AskAgent>;
  /** Undefined in single mode. */
  readonly agents: AgentControl | undefined;
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
  readonly oidc: Oidc | undefined;
  readonly audit: AuditLog;
  readonly syncList: SyncList;
  readonly events: Events;
  readonly eventStore: EventStore;
  readonly dataSourceChanges: DataSourceChanges;
  readonly hub: LiveHub;
  readonly trends: TrendMemory;
  readonly charts: Charts;
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
  const audit = new AuditLog({ documents, clock, log, keptEntries: config.auditEntries });
  const events = new Events(view, clock, new Authors({ audit, clock, log }));
  const trends = new TrendMemory();
  return {
    ...deps,
    users: new Users(documents, clock),
    sessions: new Sessions(documents, clock, config.sessions),
    tokens: new Tokens(documents, clock),
    loginLimits: new LoginLimits(clock),
    oidc: oidcOf(config),
    audit,
    syncList: new SyncList(view),
    dataSourceChanges: new DataSourceChanges(view),
    events,
    eventStore: new EventStore({ documents, clock, log, events }),
    // After the lists, so that it wakes streams when these have changed.
    trends,
    charts: config.prometheus ? prometheusCharts(config.prometheus, clock) : agentCharts(trends, view, clock),
    hub: new LiveHub(view, events),
    isSynced: () => isSynced,
  };
}

function oidcOf({ oidc, externalUrl, basePath }: ApiConfig): Oidc | undefined {
  if (!oidc || !externalUrl) return undefined;
  const base = externalUrl.href.replace(/\/$/, '');
  const path = externalUrl.pathname.replace(/\/$/, '').endsWith(basePath) ? '' : basePath;
  return new Oidc(oidc, `${base}${path}/api/v1/session/oidc/callback`);
}
