import { type IdraError, permanent } from '../errors.ts';
import { mostFields } from './inference.ts';

const path = 'spec.source.columns';

/** Permanent errors are tried again each minute, so the Sync starts by itself when there are records. */
export function noRecords(object: string): IdraError {
  return permanent('ColumnsNotInferred', `${object} has no records to infer columns from`, {
    path,
    fix: 'name the columns in source.columns, or wait until there are records',
  });
}

export function tooManyFields(object: string): IdraError {
  return permanent(
    'ColumnsNotInferred',
    `the records of ${object} have more than ${mostFields} different fields: their names are probably values`,
    {
      path,
      fix: 'take the whole record with source.columns: [{ name: record, path: "", type: json }], or name the columns',
    },
  );
}
