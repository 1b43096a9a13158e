import type { FuzzSystemName } from '../systems/system.ts';

/**
 * Everything that one run does, as plain data. It is derived from the seed, printed with a failure, and reduced by shrinking. In SQL
 * `{t0}` is the source table of flow 0 and `{d0}` its destination table, each as quoted names.
 */
export interface Scenario {
  readonly seed: number;
  readonly from: FuzzSystemName;
  readonly to: FuzzSystemName;
  /** It kills and restarts its engine, which no other scenario uses. */
  readonly isAlone: boolean;
  readonly path: { readonly source: Path; readonly destination: Path };
  readonly flows: readonly Flow[];
  readonly steps: readonly Step[];
}

/** How Idra connects to a server. The tester itself always connects directly. */
export type Path = 'direct' | 'proxy' | 'pooler';

/** One table, and the Sync that copies it. */
export interface Flow {
  readonly columns: readonly ColumnDesign[];
  /** Description of the table, for people. */
  readonly shape: string;
  readonly constraint: string;
  readonly sequence: string;
  /** Columns that identify the source's rows by design; they may be neither unique nor NOT NULL. */
  readonly key: readonly string[];
  /** Statements that create the source, and those that create a destination table before the Sync. */
  readonly create: readonly string[];
  readonly createDestination: readonly string[];
  readonly rows: readonly RowDesign[];
  /** What the Sync reads, and also the tester. */
  readonly reads: { readonly kind: 'table' | 'view' | 'query'; readonly sql: string };
  readonly source: SourceDesign;
  readonly spec: FlowSpec;
}

export interface SourceDesign {
  readonly key?: readonly string[];
  readonly idField?: string;
  readonly timestampField?: string;
  readonly timeZone?: string;
  /** Of documents: what the Sync takes from them. Omitted: inferred. */
  readonly columns?: readonly ColumnOfDocuments[];
  readonly sample?: number;
}

export interface ColumnOfDocuments {
  readonly name: string;
  readonly path?: string;
  readonly type: string;
  readonly nullable?: false;
}

export interface FlowSpec {
  readonly mode:
    | 'Snapshot'
    | 'Id'
    | 'Timestamp'
    | 'LastDestinationId'
    | 'LastDestinationTimestamp'
    | 'Stream';
  readonly writeMode: 'Append' | 'Upsert' | 'Replace';
  readonly schemaChanges: 'Fail' | 'AddColumns' | 'Ignore';
  readonly onError: 'Stop' | 'Skip';
  readonly schedule: Readonly<Record<string, unknown>>;
  readonly batch: { readonly maxRows: number };
  readonly safetyLag?: string;
  readonly destinationKey?: readonly string[];
  readonly existingRows?: 'Keep';
  readonly createTable?: 'Never';
  readonly deletes?: 'Hard' | 'Soft';
}

export interface ColumnDesign {
  readonly name: string;
  readonly ddl: string;
  readonly isNullable: boolean;
  /** Name of the case in e2e/pairs/types whose kind and announced differences apply to this column. */
  readonly type?: string;
}

/** Literals by column. A column that no longer exists is left out. */
export type RowDesign = Readonly<Record<string, string>>;

export type Action =
  | {
      readonly do: 'insert';
      readonly flow: number;
      readonly session: number;
      readonly into: string;
      readonly rows: readonly RowDesign[];
    }
  | {
      readonly do: 'update';
      readonly flow: number;
      readonly session: number;
      readonly set: RowDesign;
      /** By the tester's own number of a row. */
      readonly rows: readonly number[];
    }
  | {
      readonly do: 'delete';
      readonly flow: number;
      readonly session: number;
      readonly rows: readonly number[];
    }
  | {
      readonly do: 'statement';
      readonly flow: number;
      readonly session: number;
      /** For the counts of the tester. */
      readonly what?: string;
      readonly sql: string;
    }
  /** Each statement commits by itself. What the server refuses is skipped. */
  | {
      readonly do: 'ddl';
      readonly flow: number;
      readonly at: End;
      readonly what: string;
      readonly touches: readonly string[];
      readonly sql: readonly string[];
    }
  | { readonly do: 'begin' | 'commit' | 'rollback' | 'prepare'; readonly session: number }
  | { readonly do: 'commit-prepared' | 'rollback-prepared' }
  /** Until each Sync has completed a pass that began after this step, or has failed. */
  | { readonly do: 'await-pass' }
  | { readonly do: 'restart-engine' | 'kill-engine' | 'cut-connections' }
  | { readonly do: 'request'; readonly flow: number; readonly type: 'run-now' | 'restart' | 'keep-offset' };

export type Step =
  | Action
  /** Every transaction is ended, the source stays unchanged, and both ends are compared. */
  | { readonly do: 'settle' };

export type End = 'source' | 'destination';
