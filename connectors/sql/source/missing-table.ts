import { nearest } from '../../../core/nearest.ts';
import { joinName } from '../names.ts';

/** So many names are read and compared at most: a missing table is looked for again and again. */
export const mostCompared = 2_000;

/** Those that are called so, whatever the case, and others up to a number. */
export interface FirstTables {
  readonly called: string;
  readonly most: number;
}

/** What to do about a name that no table has: the table that was probably meant, of another schema or by other letters. */
export function tableRemedy(
  wanted: readonly string[],
  known: readonly (readonly string[])[],
  otherwise: string,
): string {
  const table = wanted.at(-1)?.toLowerCase();
  const elsewhere = known.find((parts) => parts.at(-1)?.toLowerCase() === table);
  const near = elsewhere ? joinName(elsewhere) : nearest(joinName(wanted), known.map(joinName));
  return near === undefined ? otherwise : `did you mean ${near}? Else ${otherwise}`;
}
