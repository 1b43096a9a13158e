/** How CSV is written. Characters are single bytes of ASCII. */
export interface CsvDialect {
  readonly delimiter: number;
  readonly quote: number;
  /** The quote itself: a quote within a field is written twice. */
  readonly escape: number;
  readonly hasHeader: boolean;
  /** A label of the Encoding Standard: `utf-8`. */
  readonly encoding: string;
}

/** Fields of `csv` in a manifest, all optional. */
export interface CsvOptions {
  readonly delimiter?: string | undefined;
  readonly quote?: string | undefined;
  readonly escape?: string | undefined;
  readonly header?: boolean | undefined;
  readonly encoding?: string | undefined;
}

export function dialectOf(options: CsvOptions = {}): CsvDialect {
  const { delimiter = ',', quote = '"', header = true, encoding = 'UTF-8' } = options;
  return {
    delimiter: byteOf(delimiter),
    quote: byteOf(quote),
    escape: byteOf(options.escape ?? quote),
    hasHeader: header,
    encoding: encoding.toLowerCase(),
  };
}

function byteOf(character: string): number {
  return character.charCodeAt(0);
}

export function isUtf8Dialect({ encoding }: CsvDialect): boolean {
  return encoding === 'utf-8';
}
