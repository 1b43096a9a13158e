/**
 * A column of records without fixed columns, in the form of `source.columns` in a manifest: as the user writes it, as `idra plan` prints
 * inferred ones, and as an offset stores them.
 */
export interface RecordColumn {
  readonly name: string;
  /** Where its value is in a record, as parsed by path.ts; empty: the whole record. */
  readonly path: string;
  /** A canonical type, as parsed by type-text.ts: `decimal(18,2)`. */
  readonly type: string;
  /** False: records without a value are misfits. */
  readonly nullable: boolean;
}

export function isRecordColumn(value: unknown): value is RecordColumn {
  if (typeof value !== 'object' || value === null) return false;
  const { name, path, type, nullable } = value as Record<string, unknown>;
  return [name, path, type].every((each) => typeof each === 'string') && typeof nullable === 'boolean';
}
