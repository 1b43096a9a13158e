import type { DataSystem, SqlSystem } from '../../kit/systems.ts';
import type { Kind, TypeCase } from '../../pairs/type-case.ts';
import type { Random } from '../prng.ts';

/** `mongodb` has transactions, `mongodb-memory` has change streams: no server of the tests has both. */
export const fuzzSystemNames = [
  'postgres',
  'mysql',
  'mariadb',
  'sqlite',
  'sqlserver',
  'mongodb',
  'mongodb-memory',
] as const;
export type FuzzSystemName = (typeof fuzzSystemNames)[number];
export type DocumentSystemName = Exclude<FuzzSystemName, SqlSystem>;

export function hasDocuments(system: FuzzSystemName): system is DocumentSystemName {
  return system === 'mongodb' || system === 'mongodb-memory';
}

/** Its name in the tables of e2e/pairs. */
export function dataSystemOf(system: FuzzSystemName): DataSystem {
  return hasDocuments(system) ? 'mongodb' : system;
}

/**
 * What the runner and the generator must know about any system. Statements are texts; those of MongoDB are commands in Extended JSON, and
 * names of tables or collections in them are replaced by the runner.
 */
export interface FuzzSystem {
  readonly name: FuzzSystemName;
  readonly statements: Statements;
  /** Settings that a server, database or role may have. They must not change what is read from a source, or status must report it. */
  readonly settings: readonly Setting[];
  readonly hasPrepared: boolean;
  /** False: rows that were written longer ago than safetyLag and become visible now may be missed, which status says. */
  readonly showsOpenTransactions: boolean;
}

export interface Statements {
  readonly begin: string;
  readonly rollback: string;
  /** Values are literals. */
  insert(into: string, names: readonly string[], rows: readonly Readonly<Record<string, string>>[]): string;
  update(table: string, set: Readonly<Record<string, string>>, rows: readonly number[]): string;
  delete(table: string, rows: readonly number[]): string;
}

/** To add a SQL system, write one file that provides this, and list it in index.ts. */
export interface SqlFuzzSystem extends FuzzSystem {
  readonly name: SqlSystem;
  quote(identifier: string): string;
  /** Types of the tester's own columns. */
  readonly own: { readonly int: string; readonly bigint: string; readonly text: string };
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
  /** `to` is a name without a schema. */
  renameTable(table: string, to: string): string;
  truncate(table: string): string;
  dropKey(table: string): string;
  /** The next id that the server itself issues; omitted if no column of the tester has such ids. */
  readonly reseed?: (table: string, next: number) => string;
  /** Kinds of tables other than a plain one. */
  readonly shapes: readonly Shape[];
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
  /** The server issues the values of column s. */
  readonly issuesIds?: true;
}

export interface Setting {
  readonly name: string;
  readonly values: readonly string[];
}
