import type { ColumnType } from '../../../core/values.ts';

/** Whether a collation compares as bytes do, blanks at the end included: MySQL's utf8mb4_0900_bin does, every other `_bin` of it pads. */
export function isExact(collation: string): boolean {
  return collation === 'binary' || collation === 'utf8mb4_0900_bin' || collation.endsWith('_nopad_bin');
}

/** The rule by which different values of a column are equal (core/values.ts). */
export function equalityOf(type: ColumnType, collation: string | null | undefined): string | undefined {
  if (!collation || isExact(collation) || !isCollated(type)) return undefined;
  // CHAR never holds a blank at the end: padding makes no two of its values equal.
  if (type.kind === 'text' && type.isFixed && collation.endsWith('_bin')) return undefined;
  return `mysql:${collation}`;
}

/** Labels of an ENUM and members of a SET are kept by their numbers. */
function isCollated(type: ColumnType): boolean {
  return type.kind === 'text' || type.kind === 'json';
}
