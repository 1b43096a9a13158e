import type { SourceObject } from '../../core/sync-spec.ts';
import { type CsvDialect, dialectOf } from './formats/csv-dialect.ts';
import type { Compression } from './formats/decoded-stream.ts';

export type FormatName = 'JSONLines' | 'CSV' | 'Parquet' | 'Raw';

/** How the objects of a Sync are written. */
export interface ObjectFormat {
  readonly name: FormatName;
  /** Undefined: the end of each name says it. */
  readonly compression: Compression | undefined;
  readonly csv: CsvDialect;
}

type FormatFields = Pick<SourceObject, 'format' | 'compression' | 'csv'>;

export function formatOf({ format = 'JSONLines', compression, csv }: FormatFields): ObjectFormat {
  return {
    name: format as FormatName,
    compression: compression as Compression | undefined,
    csv: dialectOf(csv),
  };
}
