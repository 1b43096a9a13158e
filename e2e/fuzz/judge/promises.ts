import type { FlowSpec, SourceDesign } from '../scenario/scenario.ts';

/**
 * What docs/modes.md does not guarantee, by its numbers; nothing else may differ between the ends.
 * - 1, 2, 5: a row that was deleted, or has another key, stays, except with Replace. 8, 14: a row may be in any state since its field got
 *   its value.
 * - 10: rows that get an id which is not unique after others that have it. 11: ids that restart and pass the offset.
 * - 13, 18, 23: rows with NULL in the field, and rows that were skipped, if status counts them. 15: with a history, versions between
 *   passes.
 * - 3: manual changes at the destination. 21: `restart` with Append doubles rows. 22: what schemaChanges specifies about columns.
 *
 * - 9, 14, where the server does not show open transactions (late-rows.md): rows that become visible later than safetyLag after they were
 *   written. Those that took nearly so long are not compared.
 * - 25, 30: a deletion that was not read before `restart` read everything again leaves its row. 24: with Append a stream may write a
 *   change twice.
 *
 * The tester causes none of 4, 12, 16, 17 and 19, and sets no destination.key (20).
 */
export interface Promises {
  /** The column by which the mode reads; a row is read again when it changes. */
  readonly field: string | undefined;
  readonly isById: boolean;
  /** Columns of source.key: a row whose key changes is a new row, even if the field stays the same. */
  readonly key: readonly string[];
  readonly keepsDeleted: boolean;
  /** Rows with a value in `_deleted_at` are those that were deleted. */
  readonly marksDeleted: boolean;
  /** Rows at the destination for one row of the source: one for each key that it had, one for each version, or one for each reading. */
  readonly copies: 'by key' | 'by version' | 'by reading';
}

export function promisesOf(
  { mode, writeMode, deletes }: FlowSpec,
  source: SourceDesign,
  restarts: number,
): Promises {
  const field = mode.endsWith('Id')
    ? source.idField
    : mode.endsWith('Timestamp')
      ? source.timestampField
      : undefined;
  const hasVersions = mode.endsWith('Timestamp') || mode === 'Stream';
  return {
    field,
    isById: mode.endsWith('Id'),
    key: source.key ?? [],
    keepsDeleted: writeMode !== 'Replace' && (deletes === undefined || restarts > 0),
    marksDeleted: deletes === 'Soft',
    copies: writeMode === 'Append' ? (hasVersions ? 'by version' : 'by reading') : 'by key',
  };
}
