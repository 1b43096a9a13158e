import { type IdraError, permanent } from '../../../core/errors.ts';

/**
 * The name of a type comes from a server and becomes part of statements: DDL at a destination, casts at a source. Each system reads it by
 * a grammar (its type-name.ts) and writes it again from the parts; what does not parse gets no further than this.
 */
export function typeUnreadable(column: string, relation: string, path: string): IdraError {
  return permanent(
    'TypeUnreadable',
    `column ${column} of ${relation} has a type whose name is not written as its system writes types`,
    {
      path,
      mend: 'leave the column out or cast it in source.query, and check that the server is the one that you mean',
    },
  );
}
