/**
 * Canonical values: how every cell travels between any two systems without loss (Invariant 6).
 *
 * | ColumnType kind      | JavaScript                                                             |
 * |----------------------|------------------------------------------------------------------------|
 * | boolean              | boolean                                                                |
 * | int, bits <= 32      | number                                                                 |
 * | int, bits 64         | bigint                                                                 |
 * | float                | number (NaN and infinities included)                                   |
 * | decimal              | string: `-12.3400`, `NaN`, `Infinity`, `-Infinity`; digits as they are |
 * | text, enum, other    | string                                                                 |
 * | bytes                | Buffer                                                                 |
 * | date                 | string `2026-11-24`; years 1 to 9999 in four digits; `infinity`, `-infinity`; ` BC` suffix |
 * | time                 | string `HH:MM:SS[.ffffff]`, with zone `+HH[:MM]` behind it              |
 * | timestamp            | string `2026-11-24 08:00:00[.ffffff]`, and with zone `2026-11-24 08:00:00[.ffffff]Z`, always UTC; infinities and BC as dates |
 * | uuid                 | string, lower case, with dashes                                        |
 * | json                 | string: the JSON text as the source gave it                            |
 * | array                | nested JavaScript arrays of canonical values                           |
 * | interval             | string: ISO 8601 `P1Y2M3DT4H5M6.789S`                                  |
 * | bit                  | string of 0 and 1                                                      |
 * | untyped              | null, bigint, number, string or Buffer, as SQLite stores it            |
 *
 * SQL NULL is null, and null is nothing else.
 */
export type Scalar = boolean | number | bigint | string | Buffer;
export type Value = Scalar | null | readonly Value[];
export type Row = readonly Value[];

export type ColumnType =
  | { readonly kind: 'boolean' }
  | { readonly kind: 'int'; readonly bits: 8 | 16 | 24 | 32 | 64; readonly isUnsigned?: boolean }
  | { readonly kind: 'float'; readonly bits: 32 | 64 }
  /** Without precision: unconstrained, like PostgreSQL's bare `numeric`. */
  | {
      readonly kind: 'decimal';
      readonly precision?: number;
      readonly scale?: number;
      readonly isUnsigned?: boolean;
    }
  /** maxLength in characters; without it unlimited. isFixed: blank-padded `char(n)`. maxBytes if the system limits bytes. */
  | {
      readonly kind: 'text';
      readonly maxLength?: number;
      readonly maxBytes?: number;
      readonly isFixed?: boolean;
    }
  | { readonly kind: 'bytes'; readonly maxLength?: number; readonly isFixed?: boolean }
  /** canBeZero: may hold MySQL's `0000-00-00`, and days and months of zero. */
  | { readonly kind: 'date'; readonly canBeZero?: boolean }
  /** precision: fractional digits of the second. */
  | {
      readonly kind: 'time';
      readonly precision: number;
      readonly hasZone: boolean;
      readonly isDuration?: boolean;
    }
  | {
      readonly kind: 'timestamp';
      readonly precision: number;
      readonly hasZone: boolean;
      readonly canBeZero?: boolean;
    }
  | { readonly kind: 'uuid' }
  | { readonly kind: 'json' }
  | { readonly kind: 'enum'; readonly values: readonly string[] }
  | { readonly kind: 'array'; readonly of: ColumnType }
  | { readonly kind: 'interval' }
  | { readonly kind: 'bit'; readonly length?: number; readonly isVarying?: boolean }
  /** A type of one system that travels as its own text: `inet`, `tsvector`, `geometry`. */
  | { readonly kind: 'other'; readonly system: string; readonly name: string }
  /** A SQLite column without a declared type: it may hold any value. */
  | { readonly kind: 'untyped' };

export interface Column {
  readonly name: string;
  readonly type: ColumnType;
  /** In the system's syntax, for messages and DDL on the same system: `numeric(38,10)`. */
  readonly nativeType: string;
  readonly isNullable: boolean;
  /** Computed by the system from other columns: readable, never written. */
  readonly isGenerated?: boolean;
  /** Filled by the system if omitted, but can be written (identity, auto_increment). */
  readonly isIdentity?: boolean;
  /** GENERATED ALWAYS AS IDENTITY: the system accepts a value on insert, but never on update. */
  readonly isNeverUpdated?: boolean;
  readonly hasDefault?: boolean;
  /** Name of the collation if it is not the system's byte order; other systems may compare differently. */
  readonly collation?: string;
  /**
   * Undefined: only identical values are equal. Otherwise the rule, with its system, by which different values are equal in this column:
   * `mysql:utf8mb4_general_ci`, `postgres:citext`, `sqlite:NOCASE`. As a key such a column is coarser than others.
   */
  readonly equality?: string;
  /** Schema of the operators that compare its values, if not the system's own (PostgreSQL: citext). */
  readonly operatorSchema?: string;
}

export interface UniqueKey {
  readonly name: string;
  readonly columns: readonly string[];
  readonly isPrimary: boolean;
  /** Checked at COMMIT only: committed data is unique, but upserts cannot use it. */
  readonly isDeferrable?: true;
}

/** A table, view or query as described by its system. */
export interface Relation {
  /** For display: `sales.orders`. */
  readonly name: string;
  readonly columns: readonly Column[];
  /**
   * Unique for the rows that a SELECT of this relation returns: the primary key first, then NOT NULL unique indexes (never partial, never
   * on expressions, never of a parent alone whose children are read with it).
   */
  readonly keys: readonly UniqueKey[];
  /**
   * A view, query or foreign table: the catalogue knows neither its unique columns nor which are never NULL, so pages are checked as they
   * are read.
   */
  readonly isOpaque?: true;
  /**
   * The columns of records without fixed columns, inferred or given by SourceObject.columns: the engine stores them with the offset.
   * Undefined if the system itself has columns.
   */
  readonly recordColumns?: readonly import('./records/record-column.ts').RecordColumn[];
  /** A destination without columns of its own, which accepts any column. */
  readonly hasOpenColumns?: true;
  /** An empty destination whose rows can be identified by any columns. */
  readonly takesAnyKey?: true;
  /** Row security may hide rows from this user. This is reported, also if it starts while a Sync runs. */
  readonly hidesRows?: true;
  /** Distinguishes this table from a later one of the same name (an oid). Undefined if the system has none. */
  readonly identity?: string;
  readonly estimatedRows?: number;
  readonly estimatedBytes?: number;
  /** Findings about this object for the user (SQLite without AUTOINCREMENT, a partitioned table, a MyISAM table, triggers). */
  readonly findings?: readonly import('./errors.ts').Finding[];
}
