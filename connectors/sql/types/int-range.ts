import type { ColumnType } from '../../../core/values.ts';

export interface IntRange {
  readonly min: bigint;
  readonly max: bigint;
}

export function intRange({ bits, isUnsigned }: Extract<ColumnType, { kind: 'int' }>): IntRange {
  const size = BigInt(bits);
  if (isUnsigned) return { min: 0n, max: (1n << size) - 1n };
  return { min: -(1n << (size - 1n)), max: (1n << (size - 1n)) - 1n };
}

export function isWithin(inner: IntRange, outer: IntRange): boolean {
  return inner.min >= outer.min && inner.max <= outer.max;
}
