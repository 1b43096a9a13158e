import type { RowFormat } from '../../../core/batch.ts';
import { scalarText } from '../../../core/offset.ts';
import type { Column, Scalar } from '../../../core/values.ts';
import type { Range } from '../../sql/source/keyset.ts';
import { keyIsNull } from '../../sql/source/order-check.ts';
import { fieldsOf, keyDecoderOf } from '../types/binary-keys.ts';
import { splitLine } from '../types/copy-text.ts';
import { decoderOf } from '../types/decode.ts';

export function canonicalText(text: string, column: Column): string {
  // PostgreSQL's own text of an array reads back as a literal of its type.
  const decode = column.type.kind === 'array' ? undefined : decoderOf(column.type);
  return decode ? scalarText(decode(text) as Scalar) : text;
}

/** Looks only at the columns that rows are paged by, and only in a part's last row. */
export function lastKeyReader(range: Range, rowFormat: RowFormat): (row: Buffer) => readonly string[] {
  const keys = range.orderBy.map((column) => ({
    column,
    index: range.columns.findIndex((each) => each.name === column.name),
  }));
  if (rowFormat.format === 'pgcopy-binary') {
    return (row) => {
      const fields = fieldsOf(row);
      return keys.map(({ column, index }) => {
        const field = fields[index];
        const decode = keyDecoderOf(rowFormat.as[index] ?? '');
        if (!field || !decode) throw keyIsNull(column);
        return decode(field);
      });
    };
  }
  return (row) => {
    const texts = splitLine(row.toString('utf8', 0, row.length - 1));
    return keys.map(({ column, index }) => {
      const text = texts[index];
      if (text === null || text === undefined) throw keyIsNull(column);
      return 'as' in rowFormat
        ? encodedText(text, column, rowFormat.as[index] ?? '')
        : canonicalText(text, column);
    });
  };
}

function encodedText(text: string, column: Column, encoding: string): string {
  switch (encoding) {
    case 'boolean01':
      return String(text === '1');
    case 'hex':
      return text;
    case 'utc':
      return column.type.kind === 'timestamp' && column.type.hasZone
        ? text.replace(/^[^ ]+ [^ ]+/, '$&Z')
        : text;
    default:
      return canonicalText(text, column);
  }
}
