import type { SystemName } from '../../kit/systems.ts';
import type { Kind, TypeCase } from '../../pairs/type-case.ts';
import type { Random } from '../prng.ts';

/** What the generator must know of a system. A further system joins by one file that gives this, and its place in index.ts. */
export interface FuzzSystem {
  readonly name: SystemName;
  quote(identifier: string): string;
  /** A literal of the n-th value of such a column; different for different n, and growing with it for int and decimal. */
  readonly keyTypes: readonly KeyType[];
  /** Columns that say when a row was changed last. */
  readonly timeTypes: readonly TimeType[];
  /** Changes of a column's type that a server carries out, and by which some rows may be refused. */
  readonly retypes: readonly Retype[];
  /** Statements that change a type; undefined where the system has none. */
  retype(table: string, column: string, ddl: string, isNotNull: boolean): string | undefined;
  setNotNull(table: string, column: string, ddl: string, isNotNull: boolean): string | undefined;
  swapNames(table: string, one: string, other: string): readonly string[];
  renameColumn(table: string, from: string, to: string): string;
  truncate(table: string): string;
  /** Other shapes of a table than a plain one. */
  readonly shapes: readonly Shape[];
  /** Settings that a server, database or role may have. Nothing of a source may change by them, or status must say so. */
  readonly settings: readonly Setting[];
  readonly hasPrepared: boolean;
  /** A type for a column of a destination key in which keys that differ at the source may be equal. */
  readonly coarseText: string;
  readonly types: readonly TypeCase[];
}

export interface KeyType {
  readonly name: string;
  readonly ddl: string;
  readonly kind: Kind;
  /** As a literal. */
  value(n: number): string;
  /** Values grow with n, so that rows can be read in the order of their arrival. */
  readonly isGrowing?: true;
}

export interface TimeType {
  readonly ddl: string;
  /** The time of the transaction or of the statement. */
  readonly now: string;
}

export interface Retype {
  readonly from: string;
  readonly to: string;
  readonly kind: Kind;
}

/** Makes a table of another shape out of the columns' definitions; rows may go to another table than the one that is read. */
export interface Shape {
  readonly name: string;
  readonly needsPrimaryKey?: true;
  create(table: string, body: string, key: readonly string[]): readonly string[];
  /** The table that a row goes into. */
  readonly insertInto?: (table: string, random: Random) => string;
}

export interface Setting {
  readonly name: string;
  readonly values: readonly string[];
}
