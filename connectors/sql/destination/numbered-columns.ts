import type { PlannedColumn } from '../../../core/column-plan.ts';
import type { WritePlan } from '../../../core/connector.ts';

/**
 * Whether the table would put a number of its own in the place of NULL: AUTO_INCREMENT, and SQLite's INTEGER PRIMARY KEY, which a key that
 * is to be created may become. Nobody would hear of it, so NULL is refused before it is written.
 */
export function isNumbered(
  { name, existing }: PlannedColumn,
  { key, hasUniqueKey }: Pick<WritePlan, 'key' | 'hasUniqueKey'>,
): boolean {
  return existing ? existing.isIdentity === true : hasUniqueKey && key.includes(name);
}

export const nullNotNumbered = 'a NULL in a column that the table would fill by itself';
