import type { SqlRow } from './connection/statements.ts';
import type { TableName } from './names.ts';
import { quoteName } from './names.ts';
import type { Session } from './session.ts';
import { literalText } from './types/literals.ts';

/** The object with this name, as an expression: NULL if there is none that the user may see. */
export function objectId(name: TableName): string {
  return `OBJECT_ID(${literalText(quoteName(name))})`;
}

/** A name, compared by its code units: the catalogue's own collation may ignore case. */
export function exactly(expression: string): string {
  return `${expression} COLLATE Latin1_General_BIN2`;
}

/** Each column with what its shape consists of, in the order of ColumnRow. `id` is an expression. */
export function columnsSql(id: string): string {
  return `SELECT c.column_id, c.name, CASE WHEN t.is_assembly_type = 1 THEN ut.name ELSE t.name END, c.max_length, c.precision, c.scale,
      c.is_nullable, c.is_identity, c.is_computed, CASE WHEN c.default_object_id = 0 THEN 0 ELSE 1 END, c.collation_name,
      COALESCE(COLUMNPROPERTY(c.object_id, c.name, 'GeneratedAlwaysType'), 0), COALESCE(COLUMNPROPERTY(c.object_id, c.name, 'IsHidden'), 0),
      c.system_type_id, c.user_type_id, COALESCE(COLUMNPROPERTY(c.object_id, c.name, 'IsColumnSet'), 0)
    FROM sys.columns AS c JOIN sys.types AS ut ON ut.user_type_id = c.user_type_id
      LEFT JOIN sys.types AS t ON t.user_type_id = c.system_type_id
    WHERE c.object_id = ${id}`;
}

/** Columns of unique indexes that are usable as a key, in the order of KeyRow. */
export function keysSql(id: string): string {
  return `SELECT i.index_id, i.is_primary_key, k.key_ordinal, k.column_id
    FROM sys.indexes AS i JOIN sys.index_columns AS k ON k.object_id = i.object_id AND k.index_id = i.index_id
    WHERE i.object_id = ${id} AND i.is_unique = 1 AND i.is_disabled = 0 AND i.is_hypothetical = 0 AND i.has_filter = 0
      AND k.is_included_column = 0 AND k.key_ordinal > 0`;
}

export interface ColumnRow {
  readonly id: number;
  readonly name: string;
  readonly base: string;
  readonly maxLength: number;
  readonly precision: number;
  readonly scale: number;
  readonly isNullable: boolean;
  readonly isIdentity: boolean;
  readonly isComputed: boolean;
  readonly hasDefault: boolean;
  readonly collation: string | null;
  /** Columns of a temporal or ledger table that the server fills. */
  readonly isGeneratedAlways: boolean;
  /** All sparse columns as one XML. */
  readonly isColumnSet: boolean;
  /** Not part of SELECT *. */
  readonly isHidden: boolean;
  readonly systemType: number;
  readonly userType: number;
}

export function toColumnRow(cells: SqlRow): ColumnRow {
  const [id, name, base, maxLength, precision, scale, nullable, identity, computed, hasDefault, collation] =
    cells;
  const [generated, hidden, systemType, userType, columnSet] = cells.slice(11);
  return {
    id: Number(id),
    name: String(name),
    base: String(base ?? 'unknown').toLowerCase(),
    maxLength: Number(maxLength),
    precision: Number(precision),
    scale: Number(scale),
    isNullable: isSet(nullable),
    isIdentity: isSet(identity),
    isComputed: isSet(computed),
    hasDefault: isSet(hasDefault),
    collation: collation === null ? null : String(collation),
    isGeneratedAlways: isSet(generated),
    isColumnSet: isSet(columnSet ?? 0),
    isHidden: isSet(hidden),
    systemType: Number(systemType),
    userType: Number(userType),
  };
}

export interface KeyRow {
  readonly index: number;
  readonly isPrimary: boolean;
  readonly ordinal: number;
  readonly column: number;
}

export function toKeyRow([index, primary, ordinal, column]: SqlRow): KeyRow {
  return {
    index: Number(index),
    isPrimary: isSet(primary),
    ordinal: Number(ordinal),
    column: Number(column),
  };
}

/** A bit arrives as a boolean or as a number, depending on the server. */
export function isSet(cell: unknown): boolean {
  return cell === true || Number(cell) !== 0;
}

/** The first column of each index of a table, unique or not. */
export async function firstOfIndexes(
  session: Session,
  name: TableName,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const rows = await session.query(
    `SELECT DISTINCT c.name FROM sys.index_columns AS k JOIN sys.columns AS c ON c.object_id = k.object_id AND c.column_id = k.column_id
     WHERE k.object_id = ${objectId(name)} AND k.key_ordinal = 1`,
    signal,
  );
  return rows.map(([column]) => String(column));
}
