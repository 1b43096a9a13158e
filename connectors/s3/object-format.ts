import { permanent } from '../../core/errors.ts';
import type { SourceObject } from '../../core/sync-spec.ts';
import { type CsvDialect, dialectOf } from './formats/csv-dialect.ts';
import { type Compression, textCompressions } from './formats/decoded-stream.ts';

const formats = ['JSONLines', 'CSV', 'Parquet'] as const;
export type FormatName = (typeof formats)[number];

/** How the objects of a Sync are written. */
export interface ObjectFormat {
  readonly name: FormatName;
  /** Undefined: the end of each name says it. */
  readonly compression: Compression | undefined;
  readonly csv: CsvDialect;
}

type FormatFields = Pick<SourceObject, 'format' | 'compression' | 'csv'>;

/** Throws ManifestInvalid: manifests have formats and compressions of other systems, too. */
export function formatOf(
  { format: given = 'JSONLines', compression, csv }: FormatFields,
  end: 'source' | 'destination',
): ObjectFormat {
  const format = formats.find((each) => each === given);
  if (!format)
    throw refused(
      `${end}.format`,
      given,
      formats,
      given === 'Raw' ? ': objects are not copied as a whole' : '',
    );
  const known = [...textCompressions, ...(format === 'Parquet' ? ['Snappy'] : [])];
  if (compression !== undefined && !known.includes(compression))
    throw refused(`${end}.compression`, compression, known, '');
  return { name: format, compression: compression as Compression | undefined, csv: dialectOf(csv) };
}

function refused(field: string, value: string, known: readonly string[], because: string): Error {
  return permanent('ManifestInvalid', `${field} ${value} is not offered for objects of S3${because}`, {
    path: `spec.${field}`,
    fix: `use one of ${known.join(', ')}`,
  });
}
