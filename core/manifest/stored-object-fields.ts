import { z } from 'zod';
import { columnName, positiveDurationText, sizeText, text } from './fields.ts';

const character = () =>
  text({ max: 1, pattern: /^[\t -~]$/, says: 'write one character of ASCII, such as ; or a tab' }).optional();

const csv = z.strictObject({
  delimiter: character().describe('Character between two fields; default: a comma.'),
  quote: character().describe('Character around a field that contains others of these; default: ".'),
  escape: character().describe(
    'Character before a quote within a quoted field; default: the quote itself, which is then written twice.',
  ),
  header: z
    .boolean()
    .optional()
    .describe(
      'true: the first record of each object has the names of its columns (the default); false: they are column1, column2, and so on.',
    ),
  encoding: z
    .enum([
      'UTF-8',
      'UTF-16LE',
      'UTF-16BE',
      'ISO-8859-1',
      'ISO-8859-15',
      'Windows-1252',
      'Shift_JIS',
      'GB18030',
    ])
    .optional()
    .describe('Encoding when reading; default: UTF-8, in which CSV is always written.'),
});

const csvField = csv.optional().describe('How CSV is written in S3 objects.');

/** Fields of spec.source of systems of stored objects. */
export const storedSourceFields = {
  csv: csvField,
  horizon: positiveDurationText()
    .optional()
    .describe(
      'How much later than others an S3 object may appear with an earlier time, as an upload in parts does; older ones are not looked at again; default: 72h.',
    ),
};

/** The same of spec.destination. */
export const storedDestinationFields = {
  csv: csvField,
  partitionBy: z
    .array(
      z.strictObject({
        column: columnName().describe('Column of the destination.'),
        by: z
          .enum(['Day', 'Hour'])
          .optional()
          .describe('Day or Hour of a date or timestamp, in UTC; default: the value itself.'),
      }),
    )
    .min(1)
    .max(4)
    .optional()
    .describe('Folders of S3 objects in the style of Hive: COLUMN=VALUE/, COLUMN_day=2026-11-24/.'),
  objectSize: sizeText()
    .optional()
    .describe(
      'Size above which a batch is written as several S3 objects, before compression; default: 128Mi.',
    ),
};
