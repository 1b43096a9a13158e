import type { FlowSpec, SourceDesign } from '../scenario/scenario.ts';

/**
 * What each mode promises, from docs/guarantees.md and docs/late-rows.md. Nothing else may differ between the ends:
 * - Snapshot: each row as it is now. Id and Timestamp: each row as it was at some time since its field was set to what it is now.
 * - Only Replace takes over that a row was deleted, or has another key: elsewhere the destination may keep what once was at the source.
 * - Append by Timestamp is a history: a row for each version that was read.
 * - A row with NULL in the field is never read, and counted in status. One that the destination cannot keep is counted with onError Skip.
 * - An id that is not above those given out before it is found by nothing, unless it is the largest of all.
 */
export interface Promises {
  /** The column by which the mode reads; a row is read again when it changes. */
  readonly field: string | undefined;
  readonly keepsDeleted: boolean;
  /** Arrived rows of one row of the source: one for each key that it had, one for each version, or one for each reading. */
  readonly copies: 'by key' | 'by version' | 'by reading';
}

export function promisesOf({ mode, writeMode }: FlowSpec, source: SourceDesign): Promises {
  const field = mode.endsWith('Id')
    ? source.idField
    : mode.endsWith('Timestamp')
      ? source.timestampField
      : undefined;
  return {
    field,
    keepsDeleted: writeMode !== 'Replace',
    copies: writeMode === 'Append' ? (mode.endsWith('Timestamp') ? 'by version' : 'by reading') : 'by key',
  };
}
