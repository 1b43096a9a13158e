import { type BatchLimits, rowObjectBytes } from '../../core/batch.ts';
import type { ReadRequest } from '../../core/connector.ts';

/**
 * Limits of batches of values: these are made of many small objects, and the memory of a process grows with those of several batches.
 * Larger ones are no faster, because a commit costs little beside 8,000 rows.
 */
export const valuesBatch: BatchLimits = { maxRows: 8_000, maxBytes: 2 * 1_024 ** 2 };
/** Lines are copied while they are converted, so that a batch has several times its size. */
export const linesBatch: BatchLimits = { maxRows: 16_000, maxBytes: 3 * 1_024 ** 2 };
const smallBatches: Readonly<Record<string, BatchLimits>> = { values: valuesBatch, tsv: linesBatch };

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
  const small = wantsLargeBatches ? undefined : smallBatches[rowFormat.format];
  return small ? { limits: within(statementLimits, small), statementLimits } : { limits: statementLimits };
}

function within(limits: BatchLimits, most: BatchLimits): BatchLimits {
  const maxBytes = Math.min(limits.maxBytes, most.maxBytes);
  return { maxRows: Math.min(limits.maxRows, most.maxRows, Math.ceil(maxBytes / rowObjectBytes)), maxBytes };
}
