import type { TestObjects } from '../../../connectors/sql/test-flow.ts';
import type { SystemAccess } from '../../../core/connector.ts';
import type { Definition } from '../../../core/definition.ts';
import type { SourceObject } from '../../../core/sync-spec.ts';

/**
 * What a connector provides so that the shared cases can test it: a real system that is filled, changed and read without the connector.
 * An object is what a Sync reads or writes: a table, a collection, a topic, a prefix.
 */
export interface TestSystem {
  readonly name: string;
  readonly definition: Definition;
  /** Abilities that the system does not have, each with the reason. Cases that need one are skipped. */
  readonly lacks: Readonly<Partial<Record<keyof Abilities, string>>>;
  /** Cases that the system fails, each with the reason. A case that passes must not be waived. */
  readonly waivers: Readonly<Record<string, string>>;
  /** Whether its source provides a raw format for its own destination; then what depends on formats is tested with both. */
  readonly hasRawFormat: boolean;
  /** What each name ends in, so that no object is a part of another one: a slash for prefixes. */
  readonly nameEnd?: string;
  /** For cases that set none: 0 where the server of the tests does not show its transactions, so that rows need not age. */
  readonly safetyLagMs?: number;
  /** A name that no object can have; default: `a.b.c`. */
  readonly invalidName?: string;
  /** Finds or starts the server. */
  open(): Promise<TestSpace>;
}

/** An empty space in the system: a database, a folder, a bucket. Source and destination may share it. */
export interface TestSpace {
  /** For systems whose objects need more than a name. */
  readonly objects?: TestObjects;
  readonly source: TestEnd;
  readonly destination: TestEnd;
  readonly abilities: Partial<Abilities>;
  stop(): Promise<void>;
}

export interface TestEnd {
  readonly access: SystemAccess;
  create(object: string, shape: Shape): Promise<void>;
  insert(object: string, rows: readonly TestRow[]): Promise<void>;
  /** Sets the body of every row with this id. */
  update(object: string, id: number, body: string): Promise<void>;
  delete(object: string, id: number): Promise<void>;
  /** Each row as `id body`, sorted by id and body. */
  rows(object: string): Promise<readonly string[]>;
  /** For a system without fixed columns: `source.columns` of this object, which `create` has made. */
  columnsOf?(object: string): SourceObject['columns'];
}

/** Objects have an integer `id` and a text `body`. A system without fixed columns implements what it can of the rest. */
export interface Shape {
  /** What identifies rows; default: `id`. `none`: nothing, and every column may be NULL. */
  readonly key?: 'id' | 'body' | 'none';
  /** A column `at`: a time in UTC, or NULL. */
  readonly hasTime?: boolean;
  /** The system itself refuses rows with a longer body. */
  readonly maxBody?: number;
  /** The key treats bodies that differ only in case as equal. */
  readonly isCaseless?: boolean;
  readonly hasNoBody?: boolean;
  /** Bodies are as short as those of a key. */
  readonly hasShortBody?: boolean;
}

/** An omitted field is NULL. */
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

/** Abilities that not every system has. */
export interface Abilities {
  /** source.query over id and body of this object; ends in a comment if the language has one. */
  query(object: string): string;
  /** source.query that runs for a minute in the system, and whether it is running now. */
  readonly slowQuery: { readonly text: string; isRunning(): Promise<boolean> };
  /** An object that shows the rows of another one and cannot be written. */
  createView(view: string, of: string): Promise<void>;
  /** The destination commits rows, offset and token together. */
  readonly transactions: true;
  /** Keys that treat bodies as equal if they differ only in case. */
  readonly caselessKeys: true;
  change(end: TestEnd, object: string, change: Change): Promise<void>;
  /** Changes something about the object that no plan depends on: an index, a comment. */
  changeNothing(end: TestEnd, object: string): Promise<void>;
  /** Replaces this object by another one with the same name and columns and no rows. */
  replaceObject(end: TestEnd, object: string): Promise<void>;
  /** A transaction has taken id and time for the row `late` and is open, while `passing`, with a time that is not older, is visible. */
  openLateRow(object: string, late: number, passing: number): Promise<{ commit(): Promise<void> }>;
  /** Connections or open files of the connector in this space. */
  countSessions(): Promise<number>;
  /** Ends them as the system or the network would. */
  cutSessions(): Promise<void>;
  /** The same system with one wrong setting. */
  readonly wrongAccess: Readonly<Record<WrongField, SystemAccess>>;
  /** Access for a user who may read this object but not write it. */
  accessWithoutWriting(object: string): Promise<SystemAccess>;
  /** Stores a token for the object, as if by a claimant that could not end the owner's session. */
  storeToken(object: string, token: bigint): Promise<void>;
  storeOffset(object: string, offset: string): Promise<void>;
  /** Marks the stored state of the object as written by a future version of Idra. */
  storeNewerLayout(object: string): Promise<void>;
  /** The ids of rows that deletes Soft has marked, sorted. */
  markedRows(object: string): Promise<readonly string[]>;
  /** From now on the system refuses to delete the row with this id. */
  refuseDeletion(object: string, id: number): Promise<void>;
  /** The system forgets the changes of this object that it has recorded so far. */
  loseHistory(object: string): Promise<void>;
  /** Idra's own objects at the destination apart from the commit rows: shadows, stages. */
  leftovers(): Promise<readonly string[]>;
}

/** A wrong field of the DataSource, by the code of the error that it causes. */
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
  markedRows: true,
  refuseDeletion: true,
  loseHistory: true,
  leftovers: true,
} satisfies Record<keyof Abilities, true>);
