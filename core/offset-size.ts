import { permanent } from './errors.ts';
import type { Offset } from './offset.ts';

/** Keys that a database can index have some thousand characters. etcd stores no record above 1 MiB. */
const mostCharacters = 131_072;

/**
 * An offset becomes part of statements, of the status and of records in etcd, and each Sync keeps copies of it as long as it runs: some
 * keys of 50 MB would fill the memory of the process. Throws OffsetTooLarge.
 */
export function requireUsualOffset(offset: Offset): void {
  requireUsualKey(textsOf(offset));
}

/** The same for the values of a row, before statements are made of them. */
export function requireUsualKey(texts: readonly string[]): void {
  const characters = texts.reduce((sum, text) => sum + text.length, 0);
  if (characters <= mostCharacters) return;
  throw permanent(
    'OffsetTooLarge',
    `the place where the Sync would continue is a text of ${characters} characters, more than ${mostCharacters}: a row has a very long value in a field that rows are ordered by`,
    { path: 'spec.source', fix: 'order by other fields: name them in source.key, idField or timestampField' },
  );
}

function textsOf(offset: Offset): readonly string[] {
  switch (offset.mode) {
    case 'Id':
      return [offset.id, ...(offset.key ?? [])];
    case 'Timestamp':
      return [offset.at, ...offset.key];
    case 'Snapshot':
      return offset.key ?? [];
    case 'Stream':
      return [offset.token];
  }
}
