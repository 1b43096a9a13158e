import type { SystemName } from '../../kit/systems.ts';
import type { Kind, TypeCase } from '../../pairs/type-case.ts';
import type { Random } from '../prng.ts';

/** What the generator must know about a system. To add a system, write one file that provides this, and list it in index.ts. */
export interface FuzzSystem {
  readonly name: SystemName;
  quote(identifier: string): string;
  /** A literal of the n-th value of such a column; distinct for distinct n, and increasing with n for int and decimal. */
  readonly keyTypes: readonly KeyType[];
  /** Columns that contain the time of a row's last change. */
  readonly timeTypes: readonly TimeType[];
  /** Changes of a column's type that a server accepts, and after which some rows may be refused. */
  readonly retypes: readonly Retype[];
  /** Statements that change a type; undefined if the system has none. */
  retype(table: string, column: string, ddl: string, isNotNull: boolean): string | undefined;
  setNotNull(table: string, column: string, ddl: string, isNotNull: boolean): string | undefined;
  swapNames(table: string, one: string, other: string): readonly string[];
  renameColumn(table: string, from: string, to: string): string;
  truncate(table: string): string;
  /** Kinds of tables other than a plain one. */
  readonly shapes: readonly Shape[];
  /** Settings that a server, database or role may have. They must not change what is read from a source, or status must report it. */
  readonly settings: readonly Setting[];
  readonly hasPrepared: boolean;
  /** A type for a column of a destination key that may treat keys as equal that differ at the source. */
  readonly coarseText: string;
  readonly types: readonly TypeCase[];
}

export interface KeyType {
  readonly name: string;
  readonly ddl: string;
  readonly kind: Kind;
  /** Returns a literal. */
  value(n: number): string;
  /** Values increase with n, so that rows can be read in order of arrival. */
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

/** Creates a table of another kind from the columns' definitions; rows may be inserted into a table other than the one that is read. */
export interface Shape {
  readonly name: string;
  readonly needsPrimaryKey?: true;
  create(table: string, body: string, key: readonly string[]): readonly string[];
  /** The table that a row is inserted into. */
  readonly insertInto?: (table: string, random: Random) => string;
}

export interface Setting {
  readonly name: string;
  readonly values: readonly string[];
}
