import type { z } from 'zod';
import type * as changes from '../schemas/changes.ts';
import type * as cluster from '../schemas/cluster.ts';
import type * as common from '../schemas/common.ts';
import type * as examine from '../schemas/examine.ts';
import type * as live from '../schemas/live.ts';
import type * as syncs from '../schemas/syncs.ts';
import type * as trends from '../schemas/trends.ts';
import type * as users from '../schemas/users.ts';

/** Types of the API for clients in TypeScript; nothing here exists at run time. */
export type Problem = z.infer<typeof common.problem>;
export type Finding = z.infer<typeof common.finding>;
export type Grant = z.infer<typeof common.grant>;

export type SyncRow = z.infer<typeof syncs.syncRow>;
export type SyncList = z.infer<typeof syncs.syncList>;
export type SyncQuery = z.input<typeof syncs.syncQuery>;
export type SyncFacets = z.infer<typeof syncs.facets>;
export type SyncDetail = z.infer<typeof syncs.syncDetail>;
export type RequestList = z.infer<typeof syncs.requestList>;
export type Offset = z.infer<typeof syncs.offset>;
export type Assignment = z.infer<typeof syncs.assignment>;
export type Lock = z.infer<typeof syncs.lock>;

export type DataSourceRow = z.infer<typeof cluster.dataSourceRow>;
export type DataSourceList = z.infer<typeof cluster.dataSourceList>;
export type DataSourceDetail = z.infer<typeof cluster.dataSourceDetail>;
export type AgentList = z.infer<typeof cluster.agentList>;
export type LockList = z.infer<typeof cluster.lockList>;
export type AssignmentList = z.infer<typeof cluster.assignmentList>;
export type Agent = z.infer<typeof cluster.agent>;
export type PlannedMoves = z.infer<typeof cluster.plannedMoves>;
export type MovesQuestion = z.input<typeof cluster.movesBody>;
export type EventList = z.infer<typeof cluster.eventList>;
export type Event = z.infer<typeof cluster.event>;

export type CheckResult = z.infer<typeof examine.checkResult>;
export type Discovered = z.infer<typeof examine.discovered>;
export type RowsPreview = z.infer<typeof examine.previewResult>;
export type OffsetEffect = z.infer<typeof examine.offsetEffect>;
export type Plan = z.infer<typeof examine.planResult>;

export type LoginMethods = z.infer<typeof users.loginMethods>;
export type Session = z.infer<typeof users.sessionInfo>;
export type OwnSession = z.infer<typeof users.ownSession>;
export type User = z.infer<typeof users.user>;
export type Token = z.infer<typeof users.token>;
export type TokenMade = z.infer<typeof users.tokenMade>;
export type AuditList = z.infer<typeof users.auditList>;
export type AuditEntry = z.infer<typeof users.auditEntry>;

export type Live = z.infer<typeof live.live>;
export type FieldOwners = z.infer<typeof changes.owners>;
export type BulkAction = z.input<typeof changes.bulkBody>['action'];
export type Applied = z.infer<typeof changes.applied>;
export type BulkResult = z.infer<typeof changes.bulkResult>;
export type Requested = z.infer<typeof changes.requested>;

export type Trend = z.infer<typeof trends.trend>;
export type LagTrends = z.infer<typeof trends.lagTrends>;
export type TotalTrend = z.infer<typeof trends.totalTrend>;
