import type { Role } from './roles.ts';

/**
 * Who may call an operation.
 *
 * - `public`: everybody.
 * - `signedIn`: every user; operations about the user's own account. `isForPerson`: not with an API token.
 * - `passwordSetter`: also a session that may do nothing but set a new password.
 * - a role, `in` the namespace of the path, in `any` namespace (the handler shows only what is in the caller's namespaces), or for `all`.
 */
export type Access =
  | { readonly who: 'public' | 'passwordSetter' }
  | { readonly who: 'signedIn'; readonly isForPerson?: true }
  | { readonly who: Role; readonly in: 'path' | 'any' | 'all'; readonly isForPerson?: true };

const everybody: Access = { who: 'public' };
const viewerHere: Access = { who: 'viewer', in: 'path' };
const viewerAnywhere: Access = { who: 'viewer', in: 'any' };
const editorHere: Access = { who: 'editor', in: 'path' };
const adminOfAll: Access = { who: 'admin', in: 'all' };
const ownAccount: Access = { who: 'signedIn', isForPerson: true };

/** The only place where access to operations is decided: each route has an entry here, by its operation id. */
export const accessTable = {
  getVersion: everybody,
  getOpenApi: everybody,
  getDocs: everybody,

  getLoginMethods: everybody,
  beginOidc: everybody,
  finishOidc: everybody,
  login: everybody,
  getSession: { who: 'passwordSetter' },
  logout: { who: 'passwordSetter' },
  setOwnPassword: { who: 'passwordSetter' },
  listSessions: ownAccount,
  deleteSessions: ownAccount,
  listTokens: ownAccount,
  createToken: ownAccount,
  deleteToken: ownAccount,

  listUsers: adminOfAll,
  createUser: { ...adminOfAll, isForPerson: true },
  updateUser: { ...adminOfAll, isForPerson: true },
  deleteUser: { ...adminOfAll, isForPerson: true },
  listAudit: adminOfAll,
  exportAudit: adminOfAll,

  listSyncs: viewerAnywhere,
  getSync: viewerHere,
  listRequests: viewerHere,
  getOffset: viewerHere,
  getTrend: viewerHere,
  getTotalTrend: viewerAnywhere,
  listLagTrends: viewerAnywhere,
  listFieldOwners: viewerHere,
  listDataSources: viewerAnywhere,
  getDataSource: viewerHere,
  listAgents: viewerAnywhere,
  listAssignments: viewerAnywhere,
  listLocks: viewerAnywhere,
  listSlots: viewerAnywhere,
  listEvents: viewerAnywhere,
  watch: viewerAnywhere,

  /** Agents belong to no namespace, and a move touches Syncs of all. */
  previewMoves: adminOfAll,
  holdAgent: adminOfAll,
  releaseAgent: adminOfAll,
  rebalance: adminOfAll,

  createSync: editorHere,
  createSyncs: editorHere,
  updateSync: editorHere,
  deleteSync: editorHere,
  suspendSync: editorHere,
  postRequest: editorHere,
  setOffset: editorHere,
  undoOffset: editorHere,
  /** The role is needed in the namespace of each Sync; those without it are refused one by one. */
  actOnSyncs: { who: 'editor', in: 'any' },
  createDataSource: editorHere,
  updateDataSource: editorHere,
  deleteDataSource: editorHere,
  putSecret: editorHere,

  checkDataSource: editorHere,
  discoverDataSource: editorHere,
  previewRows: editorHere,
  planSync: editorHere,
  tryOffset: editorHere,
} as const satisfies Readonly<Record<string, Access>>;

export type OperationId = keyof typeof accessTable;

export function accessTo(id: OperationId): Access {
  return accessTable[id];
}
