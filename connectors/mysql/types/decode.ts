import { withoutFractionZeros } from '../../../core/text-end.ts';
import type { ColumnType, Value } from '../../../core/values.ts';
import { serverInteger } from '../../sql/connection/server-integer.ts';
import type { Cell } from '../connection/statements.ts';

/**
 * Converts the driver's value to the canonical value, given this connector's session settings and select items. Undefined if they are the
 * same.
 */
export type Decode = ((cell: Exclude<Cell, null>) => Value) | undefined;

export function decoderOf(type: ColumnType): Decode {
  switch (type.kind) {
    case 'int':
      return type.bits === 64 ? (cell) => serverInteger(cell, 'MySQL') : undefined;
    case 'float':
      return type.bits === 32 ? (cell) => Math.fround(Number(cell)) : Number;
    case 'decimal':
      return String;
    case 'time':
      return (cell) => withoutFractionZeros(String(cell));
    case 'timestamp':
      return type.hasZone
        ? (cell) => `${withoutFractionZeros(String(cell))}Z`
        : (cell) => withoutFractionZeros(String(cell));
    default:
      return undefined;
  }
}
