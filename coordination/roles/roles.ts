import { type KeyRange, type Operation, type TxnRequest, underPrefix } from '../etcd/transport.ts';
import type { Keys } from '../keys.ts';

export const roleNames = ['idra-agent', 'idra-operator', 'idra-api'] as const;
/** Also the name of the etcd user, which is the common name of its client certificate. */
export type RoleName = (typeof roleNames)[number];

/** etcd has no separate right to delete: write access means put and delete. */
export type Access = 'read' | 'readwrite';

interface KeyRights {
  /** The keys start with it, after the root of the layout. */
  readonly prefix: string;
  readonly agent?: Access;
  readonly operator?: Access;
  readonly api?: Access;
  readonly why: string;
}

/**
 * Which role reads and writes which keys (keys.ts); all else is denied. `idra-api` writes desired state for users: the command line in a
 * cluster without Kubernetes. `idra-operator` does the same for custom resources.
 */
export const keyRights: readonly KeyRights[] = [
  // Desired state
  {
    prefix: 'syncs/',
    agent: 'read',
    operator: 'readwrite',
    api: 'readwrite',
    why: 'desired state: agents carry it out and never write it',
  },
  {
    prefix: 'names/',
    operator: 'readwrite',
    api: 'readwrite',
    why: 'written with the Sync, to find it by its name',
  },
  {
    prefix: 'data-sources/',
    agent: 'read',
    operator: 'readwrite',
    api: 'readwrite',
    why: 'desired state that names hosts and Secrets',
  },
  {
    prefix: 'requests/',
    agent: 'readwrite',
    operator: 'readwrite',
    api: 'readwrite',
    why: 'operator and users post requests; agents delete completed ones, which etcd cannot distinguish from posting',
  },
  {
    prefix: 'removed/',
    agent: 'readwrite',
    operator: 'readwrite',
    api: 'readwrite',
    why: 'a deleted Sync whose keys one side has removed, so that the other side removes its own',
  },
  { prefix: 'epoch', agent: 'read', operator: 'read', api: 'readwrite', why: 'raised only by users' },
  {
    prefix: 'holds/',
    agent: 'read',
    api: 'readwrite',
    why: 'which agents get no Syncs: users decide, the leader obeys',
  },
  // Reports of agents
  {
    prefix: 'status/',
    agent: 'readwrite',
    operator: 'read',
    api: 'read',
    why: 'written under the lock, displayed by the others',
  },
  { prefix: 'unassigned/', agent: 'readwrite', operator: 'read', api: 'read', why: 'written by the leader' },
  { prefix: 'answers/', agent: 'readwrite', operator: 'read', api: 'read', why: 'results of requests' },
  { prefix: 'history/', agent: 'readwrite', api: 'read', why: 'manual changes of the offset' },
  {
    prefix: 'reports/',
    agent: 'readwrite',
    operator: 'readwrite',
    api: 'readwrite',
    why: 'written by the leader; whoever deletes a DataSource deletes its report',
  },
  // Distribution of the work among agents
  { prefix: 'agents/', agent: 'readwrite', operator: 'read', api: 'read', why: 'live agents' },
  { prefix: 'loads/', agent: 'readwrite', operator: 'read', api: 'read', why: 'read with the agents' },
  { prefix: 'sessions/', agent: 'readwrite', why: 'orders the writes of one agent' },
  { prefix: 'leader', agent: 'readwrite', api: 'read', why: 'displayed to users' },
  {
    prefix: 'assignments/',
    agent: 'readwrite',
    api: 'read',
    why: 'written by the leader, displayed to users',
  },
  {
    prefix: 'locks/',
    agent: 'readwrite',
    operator: 'read',
    api: 'read',
    why: 'a Sync that nobody holds and nobody has claimed is deleted at once',
  },
  { prefix: 'offsets/', agent: 'readwrite', operator: 'read', why: 'read for the same reason as locks' },
  { prefix: 'memory/', agent: 'readwrite', operator: 'read', why: 'read for the same reason as locks' },
  { prefix: 'places/', agent: 'readwrite', api: 'read', why: 'displayed to users' },
  { prefix: 'rates/', agent: 'readwrite', why: 'shared between agents' },
  { prefix: 'trials/', agent: 'readwrite', why: 'shared between agents' },
  {
    prefix: 'trends/',
    agent: 'readwrite',
    api: 'read',
    why: 'points of charts: written by agents, displayed to users',
  },
  // The API server
  {
    prefix: 'api/',
    api: 'readwrite',
    why: 'users, sessions, tokens and audit log: agents and operator need none of them',
  },
  // Queries to agents
  { prefix: 'probes/', agent: 'readwrite', api: 'readwrite', why: 'the leader and users send probes' },
  { prefix: 'probe-claims/', agent: 'readwrite', why: 'one agent answers' },
  {
    prefix: 'probe-answers/',
    agent: 'readwrite',
    api: 'readwrite',
    why: 'under the lease of the sender, which must be able to write in order to end it',
  },
];

export interface Grant {
  readonly range: Required<KeyRange>;
  readonly access: Access;
}

/** Only ranges, also for single keys: releases of etcd before 3.5.33 and 3.6.14 let a reader of a single key watch all keys after it. */
export function grantsOf(role: RoleName, keys: Keys): readonly Grant[] {
  return keyRights.flatMap((rights) => {
    const access = accessOf(role, rights);
    return access === undefined ? [] : [{ range: underPrefix(`${keys.root}${rights.prefix}`), access }];
  });
}

function accessOf(role: RoleName, rights: KeyRights): Access | undefined {
  switch (role) {
    case 'idra-agent':
      return rights.agent;
    case 'idra-operator':
      return rights.operator;
    case 'idra-api':
      return rights.api;
  }
}

export function isRoleName(name: string | undefined): name is RoleName {
  return roleNames.some((each) => each === name);
}

export interface Need {
  readonly range: KeyRange;
  readonly access: 'read' | 'write';
}

/** All accesses that etcd requires rights for: both branches, compares and nested transactions, whether executed or not. */
export function needsOf({ compare, success, failure = [] }: TxnRequest): readonly Need[] {
  return [
    ...compare.map(({ key }): Need => ({ range: { key }, access: 'read' })),
    ...[...success, ...failure].flatMap(needsOfOperation),
  ];
}

function needsOfOperation(operation: Operation): readonly Need[] {
  switch (operation.kind) {
    case 'txn':
      return needsOf(operation);
    case 'get':
      return [{ range: operation, access: 'read' }];
    case 'put':
      return [{ range: { key: operation.key }, access: 'write' }];
    case 'delete':
      return [{ range: operation, access: 'write' }];
  }
}

export function isGranted({ range, access }: Need, grants: readonly Grant[]): boolean {
  const end = range.end ?? `${range.key}\0`;
  return grants.some(
    (grant) =>
      grant.range.key <= range.key &&
      end <= grant.range.end &&
      (access === 'read' || grant.access === 'readwrite'),
  );
}

/** `locks`, for a key or a range within one kind of keys; the key itself if it is not one of Idra's. */
export function kindOfKey(key: string, keys: Keys): string {
  const found = keyRights.find(({ prefix }) => key.startsWith(`${keys.root}${prefix}`));
  return found ? found.prefix.replace(/\/$/, '') : key;
}
