import { permanent } from '../../../core/errors.ts';
import type { Column } from '../../../core/values.ts';
import { quoteDouble } from '../../sql/names.ts';
import type { SqlDialect } from '../../sql/types/dialect.ts';
import { affinityOf } from './column-types.ts';
import type { Stored } from './decode.ts';

export const dialect: SqlDialect = {
  quote: quoteDouble,
  literal,
  selectItem: (column) => quoteDouble(column.name),
  hasIndexedRowComparison: true,
};

/**
 * The text of a key or timestamp in an offset: as stored, since it is compared with stored values. In a column of affinity TEXT the text;
 * for bytes their hexadecimal digits; otherwise a number as its digits, and text unchanged unless it looks like one of these.
 */
export function keyText(stored: Stored | undefined, column: Column): string {
  if (stored === null || stored === undefined) throw wrongKey(column, 'NULL');
  if (column.type.kind === 'bytes') {
    if (!(stored instanceof Uint8Array))
      throw wrongKey(column, typeof stored === 'string' ? 'text' : 'a number');
    return Buffer.from(stored).toString('hex');
  }
  if (stored instanceof Uint8Array) {
    if (affinityOf(column.nativeType) === 'TEXT') throw wrongKey(column, 'bytes');
    return blobLiteral(Buffer.from(stored).toString('hex'));
  }
  if (typeof stored !== 'string')
    return stored === Infinity ? '9e999' : stored === -Infinity ? '-9e999' : String(stored);
  if (affinityOf(column.nativeType) === 'TEXT') return stored;
  return isNumberLike(stored) || /^(x)?'/i.test(stored) ? textLiteral(stored) : stored;
}

/** A literal for keyText, or for canonical text from elsewhere (LastDestination*, set by a user). */
function literal(text: string, column: Column): string {
  const written = plainLiteral(text, column);
  // SQLite ends a statement at this character.
  return written.includes('\0') ? `(${written.replaceAll('\0', "'||char(0)||'")})` : written;
}

function plainLiteral(text: string, column: Column): string {
  if (column.type.kind === 'bytes') return blobLiteral(text);
  if (affinityOf(column.nativeType) === 'TEXT') return textLiteral(text);
  if (column.type.kind === 'boolean' && /^(true|false)$/.test(text)) return text === 'true' ? '1' : '0';
  if (/^-?Infinity$/.test(text)) return text.replace('Infinity', '9e999');
  if (isNumberLike(text) || /^(x'[0-9a-f]*'|'(?:[^']|'')*')$/i.test(text)) return text;
  return textLiteral(text);
}

function isNumberLike(text: string): boolean {
  return /^[+-]?(\d+(\.\d*)?|\.\d+)(e[+-]?\d+)?$/i.test(text);
}

function textLiteral(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

function blobLiteral(hex: string): string {
  if (!/^[0-9a-f]*$/i.test(hex))
    throw permanent('OffsetInvalid', 'the key of a column of bytes must be written in hexadecimal digits');
  return `x'${hex}'`;
}

function wrongKey(column: Column, what: string): Error {
  return permanent(
    what === 'NULL' ? 'KeyNullable' : 'KeyNotOrdered',
    `column ${column.name} (${column.nativeType || 'no type'}) holds ${what}, and rows cannot be paged by it`,
    {
      path: 'spec.source.key',
      fix: 'correct the value, or name another key',
    },
  );
}
