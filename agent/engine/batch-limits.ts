import { type BatchLimits, rowObjectBytes } from '../../core/batch.ts';
import type { ReadRequest } from '../../core/connector.ts';

/**
 * Limits of batches of values: these are made of many small objects, and the memory of a process grows with those of several batches.
 * Larger ones are no faster, because a commit costs little beside 12,000 rows.
 */
export const valuesBatch: BatchLimits = { maxRows: 12_000, maxBytes: 2.5 * 1_024 ** 2 };

export interface BatchRoom {
  /** Limit of a batch in this process, whatever its Sync says. */
  readonly largestBytes: number;
  /** DestinationCapabilities.wantsLargeBatches. */
  readonly wantsLargeBatches: boolean;
}

/** The limits of spec.batch are upper bounds; a statement still reads as many rows as they say. */
export function limitsOf(
  { limits, rowFormat }: Pick<ReadRequest, 'limits' | 'rowFormat'>,
  { largestBytes, wantsLargeBatches }: BatchRoom,
): Pick<ReadRequest, 'limits' | 'statementLimits'> {
  const statementLimits = within(limits, { maxRows: limits.maxRows, maxBytes: largestBytes });
  if ('as' in rowFormat || wantsLargeBatches) return { limits: statementLimits };
  return { limits: within(statementLimits, valuesBatch), statementLimits };
}

function within(limits: BatchLimits, most: BatchLimits): BatchLimits {
  const maxBytes = Math.min(limits.maxBytes, most.maxBytes);
  return { maxRows: Math.min(limits.maxRows, most.maxRows, Math.ceil(maxBytes / rowObjectBytes)), maxBytes };
}
