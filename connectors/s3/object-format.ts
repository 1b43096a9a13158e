import { permanent } from '../../core/errors.ts';
import type { DestinationObject, SourceObject } from '../../core/sync-spec.ts';
import { type CsvDialect, dialectOf } from './formats/csv-dialect.ts';
import { type Compression, textCompressions } from './formats/decoded-stream.ts';

const formats = ['JSONLines', 'CSV', 'Parquet', 'Raw'] as const;
export type FormatName = (typeof formats)[number];

/** How the objects of a Sync are written. */
export interface ObjectFormat {
  readonly name: FormatName;
  /** Undefined: the end of each name says it. */
  readonly compression: Compression | undefined;
  readonly csv: CsvDialect;
}

type FormatFields = Pick<SourceObject, 'format' | 'compression' | 'csv' | 'columns'> &
  Pick<DestinationObject, 'partitionBy' | 'numbersAsText' | 'objectSize'>;

/** Throws ManifestInvalid: manifests have formats and compressions of other systems, too. */
export function formatOf(object: FormatFields, end: 'source' | 'destination'): ObjectFormat {
  const { format: given = 'JSONLines', compression, csv } = object;
  const format = formats.find((each) => each === given);
  if (!format) throw refused(`${end}.format`, given, formats);
  if (format === 'Raw') requireNone(object, end);
  const known = [...textCompressions, ...(format === 'Parquet' ? ['Snappy'] : [])];
  if (compression !== undefined && !known.includes(compression))
    throw refused(`${end}.compression`, compression, known);
  const dialect = dialectOf(csv);
  requireReadable(dialect, end);
  return { name: format, compression: compression as Compression | undefined, csv: dialect };
}

/** What is written with one character for two purposes cannot be read again. */
function requireReadable({ delimiter, quote, escape: escaping }: CsvDialect, end: string): void {
  if (delimiter !== quote && delimiter !== escaping) return;
  throw permanent('ManifestInvalid', `${end}.csv has one character as delimiter and as quote or escape`, {
    path: `spec.${end}.csv`,
    fix: 'use different characters',
  });
}

/** Whole objects have no records. */
function requireNone(object: FormatFields, end: 'source' | 'destination'): void {
  const fields = ['compression', 'csv', 'columns', 'partitionBy', 'numbersAsText', 'objectSize'] as const;
  const given = fields.find((field) => object[field] !== undefined);
  if (given === undefined) return;
  throw permanent(
    'ManifestInvalid',
    `${end}.${given} has no meaning with format Raw: objects are copied whole`,
    {
      path: `spec.${end}.${given}`,
      fix: `remove ${given}, or name the format of the records`,
    },
  );
}

function refused(field: string, value: string, known: readonly string[]): Error {
  return permanent('ManifestInvalid', `${field} ${value} is not offered for objects of S3`, {
    path: `spec.${field}`,
    fix: `use one of ${known.join(', ')}`,
  });
}
