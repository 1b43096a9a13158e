import { jsonOf } from '../../../core/records/canonical-json.ts';
import { Misfit } from '../../../core/records/misfit.ts';
import type { ColumnType, Row, Value } from '../../../core/values.ts';
import type { CsvDialect } from './csv-dialect.ts';

interface WrittenColumn {
  readonly name: string;
  readonly type: ColumnType;
}

type Some = Exclude<Value, null>;
type CsvText = (value: Some) => string | Misfit;

export interface CsvWriter {
  /** With its line break; empty if the dialect has none. */
  readonly header: string;
  row(row: Row): string | { readonly column: string; readonly reason: string };
}

/** NULL is an empty field, an empty text is `""`. */
export function csvWriter(columns: readonly WrittenColumn[], dialect: CsvDialect): CsvWriter {
  const [delimiter, quote, escaping] = [dialect.delimiter, dialect.quote, dialect.escape].map((code) =>
    String.fromCharCode(code),
  ) as [string, string, string];
  const special = new Set([delimiter, quote, escaping, '\n', '\r']);
  const quoted = (text: string) => {
    const escaped = (escaping === quote ? text : text.replaceAll(escaping, escaping + escaping)).replaceAll(
      quote,
      escaping + quote,
    );
    return `${quote}${escaped}${quote}`;
  };
  const field = (text: string) => {
    if (text === '') return quote + quote;
    for (const character of special) if (text.includes(character)) return quoted(text);
    // Some readers remove space, or take a byte order mark or a comment out of an unquoted field.
    return /^[\s#\ufeff]|\s$/.test(text) ? quoted(text) : text;
  };
  const texts = columns.map(({ type }) => textOf(type));
  return {
    header: dialect.hasHeader ? `${columns.map(({ name }) => field(name)).join(delimiter)}\n` : '',
    row(row) {
      const fields: string[] = [];
      for (const [index, text] of texts.entries()) {
        const value = row[index] ?? null;
        const written = value === null ? '' : text(value);
        if (written instanceof Misfit) return { column: columns[index]?.name ?? '', reason: written.reason };
        fields.push(value === null ? '' : field(written));
      }
      // A line without a character is no record for most readers.
      const line = fields.join(delimiter);
      return `${line === '' ? quote + quote : line}\n`;
    },
  };
}

function textOf(type: ColumnType): CsvText {
  switch (type.kind) {
    case 'boolean':
    case 'int':
    case 'decimal':
      return String;
    case 'float':
      return (value) => (Object.is(value, -0) ? '-0' : String(value));
    case 'json':
      return String;
    case 'array':
    case 'untyped':
      return jsonOf(type);
    case 'date':
    case 'timestamp':
    case 'bytes': {
      const json = jsonOf(type);
      return (value) => {
        const text = json(value);
        return text instanceof Misfit ? text : text.slice(1, -1);
      };
    }
    default:
      return String;
  }
}
