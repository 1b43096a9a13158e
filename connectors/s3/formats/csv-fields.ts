import type { CsvDialect } from './csv-dialect.ts';

/**
 * The fields of one record without its line break: null for an empty field without quotes. A text: why it is no record. The bytes must be
 * UTF-8.
 */
export function splitFields(
  bytes: Buffer,
  { delimiter, quote, escape: escaping }: CsvDialect,
): readonly (string | null)[] | string {
  const fields: (string | null)[] = [];
  let at = 0;
  for (;;) {
    if (bytes[at] === quote) {
      const end = quotedEnd(bytes, at + 1, quote, escaping);
      if (end < 0) return 'has a quote without an end';
      if (end + 1 < bytes.length && bytes[end + 1] !== delimiter) return 'has text behind a quoted field';
      fields.push(unquoted(bytes, at + 1, end, quote, escaping));
      at = end + 1;
    } else {
      const found = bytes.indexOf(delimiter, at);
      const end = found < 0 ? bytes.length : found;
      fields.push(end === at ? null : bytes.toString('utf8', at, end));
      at = end;
    }
    if (at >= bytes.length) return fields;
    at += 1;
  }
}

/** Index of the quote that ends a field; -1 if there is none. */
function quotedEnd(bytes: Buffer, from: number, quote: number, escaping: number): number {
  for (let at = from; at < bytes.length; at++) {
    const byte = bytes[at];
    if (byte === escaping && escaping !== quote) at += 1;
    else if (byte === quote) {
      if (escaping !== quote || bytes[at + 1] !== quote) return at;
      at += 1;
    }
  }
  return -1;
}

function unquoted(bytes: Buffer, start: number, end: number, quote: number, escaping: number): string {
  const first = bytes.indexOf(escaping, start);
  if (first < 0 || first >= end) return bytes.toString('utf8', start, end);
  const parts: string[] = [];
  let from = start;
  for (let at = first; at < end; at++) {
    if (bytes[at] !== escaping || at + 1 >= end) continue;
    // An escape before another character than a quote or itself stands for itself.
    const next = bytes[at + 1];
    if (next !== quote && next !== escaping) continue;
    parts.push(bytes.toString('utf8', from, at));
    from = at + 1;
    at += 1;
  }
  parts.push(bytes.toString('utf8', from, end));
  return parts.join('');
}
