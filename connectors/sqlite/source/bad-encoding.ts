import { isUtf8 } from 'node:buffer';
import type { Database } from 'better-sqlite3';
import { permanent } from '../../../core/errors.ts';
import type { Column } from '../../../core/values.ts';
import { quoteDouble } from '../../sql/names.ts';
import type { Stored } from '../types/decode.ts';

/** What the driver substitutes for bytes that are not valid text; a text may also contain this character. */
const replacement = '\ufffd';

export function mayBeReplaced(row: readonly Stored[]): boolean {
  return row.some((cell) => typeof cell === 'string' && cell.includes(replacement));
}

interface Statement {
  readonly sql: string;
  /** The select list. */
  readonly columns: readonly Pick<Column, 'name'>[];
}

/**
 * SQLite accepts any bytes as TEXT, and the driver replaces those that are invalid in the file's encoding with another character: two
 * different keys would become one. So the bytes of the same rows are checked, in the same snapshot. The statement that returned them may
 * still be open; meanwhile the driver runs no PRAGMA.
 */
export function requireText(database: Database, { sql, columns }: Statement): void {
  const encoding = database.prepare('SELECT encoding FROM pragma_encoding').pluck().get();
  const isText = (bytes: Buffer) =>
    encoding === 'UTF-8' ? isUtf8(bytes) : isUtf16(bytes, encoding === 'UTF-16be');
  const bytes = columns.map(({ name }) => {
    const quoted = quoteDouble(name);
    return `CASE typeof(${quoted}) WHEN 'text' THEN CAST(${quoted} AS BLOB) END`;
  });
  const rows = database
    .prepare(`SELECT ${bytes.join(', ')} FROM (${sql})`)
    .raw()
    .iterate();
  for (const row of rows as IterableIterator<(Buffer | null)[]>) {
    const at = row.findIndex((cell) => cell !== null && !isText(cell));
    const name = columns[at]?.name;
    if (name !== undefined) throw noText(name);
  }
}

function isUtf16(bytes: Buffer, isBigEndian: boolean): boolean {
  if (bytes.length % 2 !== 0) return false;
  return (isBigEndian ? Buffer.from(bytes).swap16() : bytes).toString('utf16le').isWellFormed();
}

function noText(column: string): Error {
  return permanent(
    'ValueNotKept',
    `column ${column} holds a text that cannot be sent as UTF-8: its bytes are not valid text in the encoding of the file`,
    {
      path: 'spec.source',
      fix: `correct the text, or read its bytes by source.query: CAST(${quoteDouble(column)} AS BLOB)`,
    },
  );
}
