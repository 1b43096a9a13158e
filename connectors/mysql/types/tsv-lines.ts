const newline = 0x0a;
const tab = '\t';

/** Lines in the format `tsv` (core/batch.ts). */
export interface Lines {
  readonly chunks: readonly Buffer[];
  readonly count: number;
}

/** Lines without their line breaks. If a source leaves out the last line break, that line is not lost. */
export function* linesOf({ chunks }: Pick<Lines, 'chunks'>): Generator<Buffer> {
  const all = Buffer.concat(chunks);
  for (let start = 0; start < all.length; ) {
    const found = all.indexOf(newline, start);
    const end = found < 0 ? all.length : found;
    yield all.subarray(start, end);
    start = end + 1;
  }
}

export function fieldsOf(line: Buffer): string[] {
  return line.toString('utf8').split(tab);
}

/** What LOAD DATA makes of the character after a backslash; any other character stands for itself. */
const escaped: Readonly<Record<string, string>> = {
  0: '\0',
  b: '\b',
  n: '\n',
  r: '\r',
  t: '\t',
  Z: '\x1a',
};

/** The decoded value of a field. */
export function plainField(field: string): string | null {
  if (field === '\\N') return null;
  if (!field.includes('\\')) return field;
  return field.replaceAll(/\\(.)/gs, (_, char: string) => escaped[char] ?? char);
}
