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
  /** Without precision: unconstrained, as PostgreSQL's bare `numeric`. */
  | {
      readonly kind: 'decimal';
      readonly precision?: number;
      readonly scale?: number;
      readonly isUnsigned?: boolean;
    }
  /** maxLength in characters; without it unlimited. isFixed: blank-padded `char(n)`. maxBytes where the system limits bytes. */
  | {
      readonly kind: 'text';
      readonly maxLength?: number;
      readonly maxBytes?: number;
      readonly isFixed?: boolean;
    }
  | { readonly kind: 'bytes'; readonly maxLength?: number; readonly isFixed?: boolean }
  /** canBeZero: MySQL's `0000-00-00`, and days and months of zero, may stand there. */
  | { readonly kind: 'date'; readonly canBeZero?: boolean }
  /** precision: digits of the second's fraction. */
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
  /** A SQLite column without a declared type: any value may stand there. */
  | { readonly kind: 'untyped' };

export interface Column {
  readonly name: string;
  readonly type: ColumnType;
  /** As the system writes it, for messages and DDL on the same system: `numeric(38,10)`. */
  readonly nativeType: string;
  readonly isNullable: boolean;
  /** Computed by the system from other columns: read as plain, never written. */
  readonly isGenerated?: boolean;
  /** Filled by the system when left out, but can be written (identity, auto_increment). */
  readonly isIdentity?: boolean;
  /** GENERATED ALWAYS AS IDENTITY: the system takes a value with a new row, and lets none be changed. */
  readonly isNeverUpdated?: boolean;
  readonly hasDefault?: boolean;
  /** Name of the collation when it is not the system's byte order; comparisons by it may differ elsewhere. */
  readonly collation?: string;
  /**
   * Undefined: only the same value is equal to a value. Else the rule by which different values are equal in this column, with the
   * system that has it: `mysql:utf8mb4_general_ci`, `postgres:citext`, `sqlite:NOCASE`. As a key such a column is coarser than others.
   */
  readonly equality?: string;
  /** Where the operators that compare its values are found, when it is not where the system has its own (PostgreSQL: citext). */
  readonly operatorSchema?: string;
}

export interface UniqueKey {
  readonly name: string;
  readonly columns: readonly string[];
  readonly isPrimary: boolean;
  /** Checked at COMMIT only: what is committed is unique, but no upsert can use it. */
  readonly isDeferrable?: true;
}

/** A table, view or query as its system describes it. */
export interface Relation {
  /** As a person writes it: `sales.orders`. */
  readonly name: string;
  readonly columns: readonly Column[];
  /**
   * Unique for the rows that a SELECT of this relation returns: the primary key first, then NOT NULL unique indexes (never partial, never
   * on expressions, never of a parent alone whose children are read with it).
   */
  readonly keys: readonly UniqueKey[];
  /**
   * A view, query or foreign table: the catalogue knows neither what is unique in it nor what is never NULL, so that the pages are looked
   * at as they are read.
   */
  readonly isOpaque?: true;
  /** Of a destination: it has no columns of its own, and takes whatever columns come. */
  readonly hasOpenColumns?: true;
  /** Row security hides rows of it from this user: what it hides is told, and when it begins to. */
  readonly hidesRows?: true;
  /** Tells this table from another one that gets its name later (an oid). Undefined where the system has none. */
  readonly identity?: string;
  readonly estimatedRows?: number;
  readonly estimatedBytes?: number;
  /** What a user should hear about this object (SQLite without AUTOINCREMENT, a partitioned table, a MyISAM table, triggers). */
  readonly findings?: readonly import('./errors.ts').Finding[];
}
