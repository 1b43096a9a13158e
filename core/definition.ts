import type { z } from 'zod';
import type { Connector } from './connector.ts';
import type { DestinationObject, Mode, SystemField, SystemType, WriteMode } from './sync-spec.ts';

/** What a system is, as plain data without a driver; `load` brings the implementation. */
export interface Definition {
  readonly type: SystemType;
  readonly title: string;
  readonly summary: string;
  /** The system's object in a DataSource: strict, with defaults and a sentence for each field. Custom resources and reference come from it. */
  readonly config: z.ZodObject;
  /** Fields of spec.source and spec.destination that this system has; the ones that name its objects come first. */
  readonly fields: SystemFields;
  /** The system is a file on the disk of one agent, so that a DataSource in a cluster must be pinned to that agent. */
  readonly isLocalFile?: true;
  readonly capabilities: Capabilities;
  /**
   * Where a config leads: another host or database is another address, another user is not. Part of the offset fingerprint, so what it
   * answers for a config must never change from one version to the next.
   */
  address(config: Readonly<Record<string, unknown>>): Address;
  /**
   * What a Sync leaves at its destination when nobody could clean up after it; undefined: nothing. The object is as the manifest has it,
   * perhaps not valid.
   */
  leftovers(object: Partial<DestinationObject>, uid: string): Leftovers | undefined;
  load(): Promise<Connector>;
}

export interface Leftovers {
  /** `its row in _idra_commits`. */
  readonly what: string;
  /** Removes it: a statement. */
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
    /** Can answer `largest`, which LastDestination* need. */
    readonly hasLargest: boolean;
  };
}

export interface SourceCapabilities {
  readonly modes: readonly Mode[];
  /** What bounds late rows when the server allows to look; `safetyLag` is the fallback everywhere. */
  readonly lateRowBound: 'transactions' | 'singleWriter' | 'none';
  /** Sessions have a time zone of their own: a timestamp without zone may have been written in another one than is assumed. */
  readonly hasSessionTimeZone: boolean;
  /** Timestamps may stand in columns of text: the system has no type for them. */
  readonly hasTextTimestamps?: true;
}
