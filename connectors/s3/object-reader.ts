import type { BatchLimits } from '../../core/batch.ts';
import type { Value } from '../../core/values.ts';

/**
 * Where an object was read up to: [byte, record] behind the last record of a text that is not compressed, [0, record] of another text,
 * [row group, row in it] of Parquet.
 */
export type ObjectPosition = readonly [number, number];

export const startOfObject: ObjectPosition = [0, 0];

export interface ObjectPart {
  readonly rows: readonly Value[][];
  readonly bytes: number;
  readonly position: ObjectPosition;
  readonly isEnd: boolean;
}

/** Rows of one version of an object, read part by part. */
export interface ObjectReader {
  /**
   * Rows up to the limits. `isAlone`: the batch has no rows yet, so that it takes at least one record, however large. Throws ObjectChanged if
   * the object is another one, and ObjectDamaged.
   */
  part(limits: BatchLimits, isAlone: boolean): Promise<ObjectPart>;
  close(): void;
}
