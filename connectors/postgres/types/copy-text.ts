import type { Row, Value } from '../../../core/values.ts';
import type { Decode } from './decode.ts';
import type { Encode } from './encode.ts';

/** Lines of COPY text: tab between values, `\N` for NULL, backslash escapes. */

const escapes: Readonly<Record<string, string>> = {
  '\\': '\\\\',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
};
const unescapes: Readonly<Record<string, string>> = {
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
};

export function encodeLine(row: Row, encoders: readonly Encode[]): string {
  let line = '';
  for (let index = 0; index < encoders.length; index++) {
    if (index > 0) line += '\t';
    const value = row[index];
    const encode = encoders[index];
    if (value === null || value === undefined || !encode) line += '\\N';
    else line += escapeText(encode(value));
  }
  return `${line}\n`;
}

function escapeText(text: string): string {
  return /[\\\n\r\t]/.test(text) ? text.replaceAll(/[\\\n\r\t]/g, (char) => escapes[char] ?? char) : text;
}

function unescapeText(text: string): string {
  return text.replaceAll(/\\(.)/g, (_, char: string) => unescapes[char] ?? char);
}

/** The texts of one line, without its newline; null for NULL. */
export function splitLine(line: string): (string | null)[] {
  return line
    .split('\t')
    .map((text) => (text === '\\N' ? null : text.includes('\\') ? unescapeText(text) : text));
}

/** The rows of lines, each of which ends with a newline. */
export function* decodeLines(lines: Buffer, decoders: readonly Decode[]): Generator<Value[]> {
  for (const line of lines.toString('utf8', 0, lines.length - 1).split('\n')) {
    const texts = splitLine(line);
    const row: Value[] = texts;
    for (let index = 0; index < decoders.length; index++) {
      const decode = decoders[index];
      const text = texts[index];
      if (decode && text !== null && text !== undefined) row[index] = decode(text);
    }
    yield row;
  }
}

const formFeed = Buffer.from('\\f');
const verticalTab = Buffer.from('\\v');

/**
 * COPY writes `\f`, `\v` and `\b` for characters that LOAD DATA expects unescaped (batch.ts, `tsv`). They are rare, so they are searched
 * for first.
 */
export function withoutRareEscapes(lines: Buffer): Buffer {
  if (!lines.includes(formFeed) && !lines.includes(verticalTab)) return lines;
  const to = Buffer.allocUnsafe(lines.length);
  let length = 0;
  for (let at = 0; at < lines.length; at++) {
    const byte = lines[at] ?? 0;
    const next = lines[at + 1];
    if (byte !== 0x5c || next === undefined) {
      to[length++] = byte;
      continue;
    }
    at++;
    if (next === 0x66) to[length++] = 0x0c;
    else if (next === 0x76) to[length++] = 0x0b;
    else {
      to[length++] = byte;
      to[length++] = next;
    }
  }
  return to.subarray(0, length);
}
