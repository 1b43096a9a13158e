import { boundedText } from './bounded-text.ts';
import { permanent } from './errors.ts';
import type { Column, Relation } from './values.ts';

/** Far above any real table: thousands of columns with long names and types. */
const maxBytes = 4 * 1_024 ** 2;
/** Of an object, a list or a number in memory, rounded up. */
const valueBytes = 16;
const longestNameBytes = 128;

/** A Sync keeps what its two systems say about its tables as long as it is open: many such Syncs would fill the memory of the process. */
export function requireUsualDescription(relation: Relation, dataSource: string, path: string): void {
  if (bytesOf(relation) <= maxBytes) return;
  const { name, columns } = relation;
  throw permanent(
    'DescriptionTooLarge',
    `${dataSource} describes ${bounded(name)} with ${columns.length} fields, and the description takes more than ${maxBytes / 1_024 ** 2} MiB of memory${largest(columns)}`,
    {
      path,
      fix: 'if it is the right table, use fewer fields (of a source: a query or view), or shorter types, such as a text instead of an enum with very many values',
    },
  );
}

function largest(columns: readonly Column[]): string {
  const [first] = columns.toSorted((one, other) => bytesOf(other) - bytesOf(one));
  if (!first) return '';
  return `; the largest field is ${bounded(first.name)}, whose type has ${first.nativeType.length} characters`;
}

function bounded(name: string): string {
  return boundedText(name, longestNameBytes);
}

function bytesOf(value: unknown): number {
  if (typeof value === 'string') return valueBytes + 2 * value.length;
  if (typeof value !== 'object' || value === null) return valueBytes;
  let bytes = valueBytes;
  for (const each of Object.values(value)) bytes += bytesOf(each);
  return bytes;
}
