import { permanent } from './errors.ts';
import type { Relation } from './values.ts';

/** Far above any real table: thousands of columns with long names and types. */
const maxBytes = 4 * 1_024 ** 2;
/** Of an object, a list or a number in memory, rounded up. */
const valueBytes = 16;

/** A Sync keeps what its two systems say about its tables as long as it is open: many such Syncs would fill the memory of the process. */
export function requireUsualDescription(relation: Relation, dataSource: string, path: string): void {
  if (bytesOf(relation) <= maxBytes) return;
  throw permanent(
    'DescriptionTooLarge',
    `${dataSource} describes the object with ${relation.columns.length} columns and more than ${maxBytes} bytes of text`,
    { path, fix: 'read a query or view with fewer columns, or columns with shorter types' },
  );
}

function bytesOf(value: unknown): number {
  if (typeof value === 'string') return valueBytes + 2 * value.length;
  if (typeof value !== 'object' || value === null) return valueBytes;
  let bytes = valueBytes;
  for (const each of Object.values(value)) bytes += bytesOf(each);
  return bytes;
}
