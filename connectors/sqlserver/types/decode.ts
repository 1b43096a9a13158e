import { type IdraError, permanent } from '../../../core/errors.ts';
import { withoutFractionZeros } from '../../../core/text-end.ts';
import type { Column, Value } from '../../../core/values.ts';
import { serverInteger } from '../../sql/connection/server-integer.ts';
import type { Cell } from '../connection/statements.ts';

export type Decode = (cell: Exclude<Cell, null>) => Value;

/** From what `selectItem` returns to the canonical value; undefined if they are the same. `where`: the table, for messages. */
export function decoderOf({ name, type }: Column, where: string): Decode | undefined {
  switch (type.kind) {
    case 'int':
      return type.bits === 64 ? (cell) => serverInteger(cell, where) : undefined;
    case 'time':
      return (cell) => withoutFractionZeros(String(cell));
    case 'timestamp':
      return type.hasZone
        ? (cell) => `${withoutFractionZeros(String(cell))}Z`
        : (cell) => withoutFractionZeros(String(cell));
    case 'text':
    case 'json':
    case 'other':
      return (cell) => wellFormed(cell, name, where);
    default:
      return undefined;
  }
}

/** nvarchar holds 16-bit units, which need not be characters. No other system could store half of one. */
function wellFormed(cell: Exclude<Cell, null>, column: string, where: string): Value {
  const text = String(cell);
  if (text.isWellFormed()) return text;
  throw halfCharacter(column, where);
}

function halfCharacter(column: string, where: string): IdraError {
  return permanent(
    'ValueNotKept',
    `column ${column} of ${where} has a text with half of a surrogate pair, which is no character`,
    { path: 'spec.source', fix: 'correct the text, or replace such characters in source.query' },
  );
}
