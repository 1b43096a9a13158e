import type { PlannedColumn } from '../../../core/column-plan.ts';
import type { WritePlan } from '../../../core/connector.ts';

/**
 * Whether the table would replace NULL with a number of its own: AUTO_INCREMENT, and SQLite's INTEGER PRIMARY KEY, which a key that will
 * be created may become. This happens silently, so NULL is refused before it is written.
 */
export function isNumbered(
  { name, existing }: PlannedColumn,
  { key, hasUniqueKey }: Pick<WritePlan, 'key' | 'hasUniqueKey'>,
): boolean {
  return existing ? existing.isIdentity === true : hasUniqueKey && key.includes(name);
}

export const nullNotNumbered = 'a NULL in a column that the table would fill automatically';
