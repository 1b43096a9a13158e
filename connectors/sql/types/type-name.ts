import { type IdraError, permanent } from '../../../core/errors.ts';

/**
 * The name of a type comes from a server and becomes part of statements: DDL at a destination, casts at a source. Each system parses it
 * with a grammar (its type-name.ts) and writes it back from the parts; what does not parse is refused here.
 */
export function typeUnreadable(column: string, relation: string, path: string): IdraError {
  return permanent(
    'TypeUnreadable',
    `column ${column} of ${relation} has a type whose name is not valid in its system`,
    {
      path,
      fix: 'leave the column out or cast it in source.query, and check that the server is the intended one',
    },
  );
}
