import type { z } from 'zod';
import type { Connector } from './connector.ts';
import type {
  DestinationObject,
  Mode,
  SourceObject,
  StartKind,
  SystemField,
  SystemType,
  WriteMode,
} from './sync-spec.ts';

/** The description of a system as plain data without a driver; `load` imports the implementation. */
export interface Definition {
  readonly type: SystemType;
  readonly title: string;
  readonly summary: string;
  /**
   * Schema of the system's object in a DataSource: strict, with a default and a description for each field. Custom resources and
   * reference are generated from it.
   */
  readonly config: z.ZodObject;
  /** Fields of spec.source and spec.destination that this system has; those that name its objects come first. */
  readonly fields: SystemFields;
  /** The system is a file on the disk of one agent, so in a cluster its DataSource must be pinned to that agent. */
  readonly isLocalFile?: true;
  readonly capabilities: Capabilities;
  /**
   * The address that a config refers to: another host or database is another address, another user is not. Part of the offset
   * fingerprint, so the result for a given config must never change between versions.
   */
  address(config: Readonly<Record<string, unknown>>): Address;
  /**
   * Whether a source would read what this destination writes at the same address, so that its rows come back as new ones for ever. Omitted:
   * only if both are the same object, which a rule of the manifest refuses.
   */
  readsOwnRows?(source: Partial<SourceObject>, destination: Partial<DestinationObject>): boolean;
  /**
   * What a Sync leaves behind at its destination if nothing could clean up; undefined: nothing. The object comes from the manifest and
   * may be invalid.
   */
  leftovers(object: Partial<DestinationObject>, uid: string): Leftovers | undefined;
  load(): Promise<Connector>;
}

export interface Leftovers {
  /** `its row in _idra_commits`. */
  readonly what: string;
  /** The statement that removes it. */
  readonly remedy: string;
}

export type Address = readonly unknown[];

export interface SystemFields {
  readonly source: readonly SystemField[];
  readonly destination: readonly SystemField[];
}

export interface Capabilities {
  readonly source: SourceCapabilities;
  readonly destination: {
    readonly writeModes: readonly WriteMode[];
    /** Why the other write modes are not offered, after `because`. */
    readonly noOtherWriteModes?: string;
    /** Implements `largest`, which the LastDestination* modes need. */
    readonly hasLargest: boolean;
    /** Applies deletions (Rows.deletions) by WritePlan.deletes. */
    readonly canDelete: boolean;
    /**
     * Each batch has a price of its own, or readers see it as an object: batches are as large as spec.batch says, also where smaller ones
     * would save memory.
     */
    readonly wantsLargeBatches?: true;
  };
}

export interface SourceCapabilities {
  readonly modes: readonly Mode[];
  /** Modes in which rows deleted at the source arrive as deletions. */
  readonly seesDeletes: readonly Mode[];
  /** False: objects contain records (JSON, BSON); their columns are those of SourceObject.columns, or are inferred by `describe`. */
  readonly hasFixedColumns: boolean;
  /** Supports SourceObject.isWhole. */
  readonly readsWholeRecords?: true;
  /** Values of `source.startFrom` that it supports. */
  readonly startKinds?: readonly StartKind[];
  /** How late rows are bounded if the server permits the queries; `safetyLag` is the fallback everywhere. */
  readonly lateRowBound: 'transactions' | 'singleWriter' | 'none';
  /** Sessions have a time zone of their own: a timestamp without zone may have been written in a different zone than assumed. */
  readonly hasSessionTimeZone: boolean;
  /** Timestamps may be stored in text columns, because the system has no type for them. */
  readonly hasTextTimestamps?: true;
}
