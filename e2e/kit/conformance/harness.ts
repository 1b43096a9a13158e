import type { SystemAccess } from '../../../core/connector.ts';
import type { Definition } from '../../../core/definition.ts';

/**
 * What a connector brings so that the shared cases can test it: a real system that is filled, changed and read back without the connector.
 * An object is what a Sync reads or writes: a table, a collection, a topic, a prefix.
 */
export interface TestSystem {
  readonly name: string;
  readonly definition: Definition;
  /** Abilities that the system does not have, each with the reason. The cases that need one are left out. */
  readonly lacks: Readonly<Partial<Record<keyof Abilities, string>>>;
  /** Cases that the system fails, each with the reason. One that it passes must not be waived. */
  readonly waivers: Readonly<Record<string, string>>;
  /** Whether its source serves a raw format to its own destination; what depends on formats is tested in both then. */
  readonly hasRawFormat: boolean;
  /** Finds or starts the server. */
  open(): Promise<TestSpace>;
}

/** An empty place in the system: a database, a folder, a bucket. Source and destination may be one. */
export interface TestSpace {
  readonly source: TestEnd;
  readonly destination: TestEnd;
  readonly abilities: Partial<Abilities>;
  stop(): Promise<void>;
}

export interface TestEnd {
  readonly access: SystemAccess;
  create(object: string, shape: Shape): Promise<void>;
  insert(object: string, rows: readonly TestRow[]): Promise<void>;
  /** Every row with this id gets this body. */
  update(object: string, id: number, body: string): Promise<void>;
  delete(object: string, id: number): Promise<void>;
  /** Each row as `id body`, by id and body. */
  rows(object: string): Promise<readonly string[]>;
}

/** Objects have an integer `id` and a text `body`. A system without fixed columns keeps to what it can of the rest. */
export interface Shape {
  /** What rows are told apart by; left out: `id`. `none`: nothing, and every column may be NULL. */
  readonly key?: 'id' | 'body' | 'none';
  /** A column `at`: a time in UTC, or NULL. */
  readonly hasTime?: boolean;
  /** The system itself refuses rows with a longer body. */
  readonly maxBody?: number;
  /** Bodies that differ in case alone are one to the key. */
  readonly isCaseless?: boolean;
  readonly hasNoBody?: boolean;
  /** Bodies are as short as those of a key. */
  readonly hasShortBody?: boolean;
}

/** What is left out is NULL. */
export interface TestRow {
  readonly id: number | null;
  readonly body?: string;
  readonly at?: Date;
}

export const changes = [
  'a column is added',
  'a column is dropped',
  'a column is renamed',
  'a column is retyped',
  'two columns swap their names',
  'the key is dropped',
  'the object is dropped',
] as const;
export type Change = (typeof changes)[number];

/** What not every system can do. */
export interface Abilities {
  /** source.query over id and body of this object; ends in a comment where the language has one. */
  query(object: string): string;
  /** source.query that the system works on for a minute, and whether it does so now. */
  readonly slowQuery: { readonly text: string; isRunning(): Promise<boolean> };
  /** An object that shows the rows of another one and cannot be written. */
  createView(view: string, of: string): Promise<void>;
  /** The destination commits rows, offset and token together. */
  readonly transactions: true;
  /** Keys that take bodies which differ in case for equal. */
  readonly caselessKeys: true;
  change(end: TestEnd, object: string, change: Change): Promise<void>;
  /** Something about the object changes that no plan depends on: an index, a comment. */
  changeNothing(end: TestEnd, object: string): Promise<void>;
  /** Another object takes the place of this one under its name, with the same columns and no rows. */
  replaceObject(end: TestEnd, object: string): Promise<void>;
  /** A transaction has taken id and time for the row `late` and is open, while `passing`, with a time that is not older, is there. */
  openLateRow(object: string, late: number, passing: number): Promise<{ commit(): Promise<void> }>;
  /** Connections or open files of the connector in this place. */
  countSessions(): Promise<number>;
  /** Ends them, as the system or the network would. */
  cutSessions(): Promise<void>;
  /** The same system with something wrong in it. */
  readonly wrongAccess: Readonly<Record<WrongField, SystemAccess>>;
  /** Of a user who may read this object and not write it. */
  accessWithoutWriting(object: string): Promise<SystemAccess>;
  /** Token and offset of the object are stored as by somebody who could not end the session of the owner. */
  storeToken(object: string, token: bigint): Promise<void>;
  storeOffset(object: string, offset: string): Promise<void>;
  /** The stored state of the object is that of a version of Idra which does not exist yet. */
  storeNewerLayout(object: string): Promise<void>;
  /** Idra's own objects at the destination beside the commit rows: shadows, stages. */
  leftovers(): Promise<readonly string[]>;
}

/** A field of the DataSource that is wrong, by the code of the error that says so. */
export type WrongField = 'AuthenticationFailed' | 'HostUnreachable' | 'DatabaseNotFound';

export const abilities: readonly string[] = Object.keys({
  query: true,
  slowQuery: true,
  createView: true,
  transactions: true,
  caselessKeys: true,
  change: true,
  changeNothing: true,
  replaceObject: true,
  openLateRow: true,
  countSessions: true,
  cutSessions: true,
  wrongAccess: true,
  accessWithoutWriting: true,
  storeToken: true,
  storeOffset: true,
  storeNewerLayout: true,
  leftovers: true,
} satisfies Record<keyof Abilities, true>);
