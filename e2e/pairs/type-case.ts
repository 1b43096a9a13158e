import type { DataSystem } from '../kit/systems.ts';

/** How values of a type compare when they are read at both ends, each by its own client. */
export type Kind =
  | 'boolean'
  | 'int'
  | 'decimal'
  | 'float32'
  | 'float64'
  | 'text'
  /** Blank-padded: trailing blanks are not significant. */
  | 'char'
  | 'bytes'
  | 'date'
  | 'time'
  | 'duration'
  | 'timestamp'
  | 'json'
  /** Values of documents as JSON: Extended JSON with plain numbers. */
  | 'extended'
  | 'bit'
  /** Text of the only system that has the type. */
  | 'other'
  | { readonly arrayOf: Kind };

/** A column, and how its values compare. */
export interface ReadColumn {
  readonly name: string;
  readonly kind: Kind;
}

/** One type of a system, with values as SQL literals or expressions; for MongoDB as canonical Extended JSON. */
export interface TypeCase {
  /** Of the column. */
  readonly name: string;
  readonly ddl: string;
  readonly kind: Kind;
  readonly values: readonly string[];
  /** Values that some destinations cannot keep: the plan warns about them, and they are handled by onError. */
  readonly misfits?: readonly Misfits[];
  /** The result for a value if the plan announces a difference. */
  readonly announced?: Partial<Record<DataSystem, (value: string) => string>>;
  /** Values of the same canonical type, for the MongoDB in memory, which does not keep those of this type as they are. */
  readonly inMemory?: readonly string[];
  /** A time of SQL Server with seven digits of a second: the server that stands in for it has six, which is another type. */
  readonly hasSevenDigits?: true;
  /** Destinations whose plan refuses the type. */
  readonly refusedBy?: readonly DataSystem[];
}

/** Decimals have at most 37 digits: of 38, the server that stands in for SQL Server was seen to keep one more, which nobody sent. */
export interface Misfits {
  readonly at: readonly DataSystem[];
  readonly values: readonly string[];
  /** Not announced: SQLite enforces no declared type, and NUL in a text is too rare for a warning about every text. */
  readonly isUndeclared?: true;
}

export const texts: readonly string[] = [
  '',
  'NULL',
  '\\N',
  '\\',
  'a\tb\nc\r\nd',
  `it's "quoted" \`back\``,
  'ünïcödé 東京 🌊👩‍👩‍👧',
  ' trailing  ',
  '{"a": 1}',
  '0042',
  '1e5',
  '%s $1 :x $$y$$ ?',
  '\u0001\u001f\u007f',
];

/** SQLite and MariaDB have no minus zero. */
export function withoutMinusZero(value: string): string {
  return value === '-0' ? '0' : value;
}

/** A MongoDB keeps 1.10 within JSON as 1.1. */
export function withoutLastZero(value: string): string {
  return value.replace('"#1.10"', '"#1.1"');
}

/** The values of the case that fit a destination of this name. */
export function fittingValues(type: TypeCase, destination: DataSystem): readonly string[] {
  const others = type.misfits?.filter(({ at }) => !at.includes(destination)) ?? [];
  return [...type.values, ...others.flatMap(({ values }) => values)];
}

export function misfitValues(type: TypeCase, destination: DataSystem): readonly string[] {
  return type.misfits?.filter(({ at }) => at.includes(destination)).flatMap(({ values }) => values) ?? [];
}

/** Whether the plan must warn about misfits of this column. */
export function isMisfitAnnounced(type: TypeCase, destination: DataSystem): boolean {
  return type.misfits?.some(({ at, isUndeclared }) => at.includes(destination) && !isUndeclared) === true;
}
