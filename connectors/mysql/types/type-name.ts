import { typeUnreadable } from '../../sql/types/type-name.ts';

/** The parts of a type as COLUMN_TYPE writes it. */
export interface TypeName {
  /** In lower case. */
  readonly base: string;
  readonly sizes: readonly number[];
  /** Labels of ENUM and SET. */
  readonly labels: readonly string[];
  readonly isUnsigned: boolean;
  readonly isZerofill: boolean;
}

const sizes = String.raw`\((\d{1,10}(?:,\d{1,3})?)\)`;
const label = String.raw`'(?:[^'\\]|''|\\.)*'`;
const labels = String.raw`\((${label}(?:,${label})*)\)`;
/** A comment at the end comes from MariaDB: `COMPRESSED`, or the format of an old column. */
const grammar = new RegExp(
  `^([a-z][a-z0-9_]{0,63})(?:${sizes}|${labels})?((?: unsigned| zerofill)*)(?: /\\*[\\w !.-]*\\*/)?$`,
  'is',
);

/** Undefined if the text is not in the form in which MySQL and MariaDB write types. */
export function parseTypeName(text: string): TypeName | undefined {
  const [, name = '', numbers, list, rest = ''] = grammar.exec(text) ?? [];
  const base = name.toLowerCase();
  const hasLabels = base === 'enum' || base === 'set';
  if (name === '' || hasLabels !== (list !== undefined)) return undefined;
  return {
    base,
    sizes: numbers === undefined ? [] : numbers.split(',').map(Number),
    labels: list === undefined ? [] : labelsOf(list),
    isUnsigned: /unsigned/i.test(rest),
    isZerofill: /zerofill/i.test(rest),
  };
}

/** Written like COLUMN_TYPE, which is SQL: every part is a word, a number or a literal. */
export function writeTypeName({ base, sizes, labels, isUnsigned, isZerofill }: TypeName): string {
  const inner = labels.length > 0 ? labels.map(labelText).join(',') : sizes.join(',');
  const size = inner === '' ? '' : `(${inner})`;
  return `${base}${size}${isUnsigned ? ' unsigned' : ''}${isZerofill ? ' zerofill' : ''}`;
}

/** The server's name of a type, in a form that can be used in a statement. Throws TypeUnreadable. */
export function readTypeName(text: string, column: string, relation: string, path: string): string {
  const parsed = parseTypeName(text);
  if (!parsed) throw typeUnreadable(column, relation, path);
  return writeTypeName(parsed);
}

/** `decimal(10,2) unsigned` -> base `decimal`, inner `10,2`, rest `unsigned`. */
export interface NativeParts {
  readonly base: string;
  readonly inner: string;
  readonly isUnsigned: boolean;
}

export function partsOf(nativeType: string): NativeParts {
  const match = /^\s*(\w+)\b(?: precision)?(?:\s*\((.*)\))?([^)]*)$/s.exec(nativeType);
  return {
    base: (match?.[1] ?? nativeType).toLowerCase(),
    inner: match?.[2] ?? '',
    isUnsigned: /\bunsigned\b|\bzerofill\b/i.test(match?.[3] ?? ''),
  };
}

/** Types whose text is the stored bytes in hexadecimal: WKB after its SRID, the numbers of a vector. */
export function isBinaryOther(name: string): boolean {
  return /^(geometry|point|linestring|polygon|multipoint|multilinestring|multipolygon|geometrycollection|geomcollection|vector)$/.test(
    name,
  );
}

const unescapes: Readonly<Record<string, string>> = { n: '\n', r: '\r', '0': '\0' };
const escapes: Readonly<Record<string, string>> = {
  '\n': '\\n',
  '\r': '\\r',
  '\0': '\\0',
  '\\': '\\\\',
  "'": "''",
};

/** `'a','it''s'` as the catalog writes it: quotes are doubled; backslashes and line ends are escaped with a backslash. */
export function labelsOf(inner: string): string[] {
  const labels: string[] = [];
  for (let start = inner.indexOf("'"); start >= 0; ) {
    const end = endOfLabel(inner, start + 1);
    if (end === undefined) break;
    labels.push(
      inner
        .slice(start + 1, end)
        .replaceAll(/''|\\(.)/gs, (_, char?: string) =>
          char === undefined ? "'" : (unescapes[char] ?? char),
        ),
    );
    start = inner.indexOf("'", end + 1);
  }
  return labels;
}

/** Where the quote is that ends a label; undefined if there is none. */
function endOfLabel(inner: string, from: number): number | undefined {
  for (let at = from; at < inner.length; at++) {
    if (inner[at] === '\\' || (inner[at] === "'" && inner[at + 1] === "'")) at++;
    else if (inner[at] === "'") return at;
  }
  return undefined;
}

function labelText(label: string): string {
  return `'${label.replaceAll(/[\n\r\0\\']/g, (char) => escapes[char] ?? char)}'`;
}
