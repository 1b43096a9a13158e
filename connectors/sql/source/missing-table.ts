import { nearest } from '../../../core/nearest.ts';
import { joinName } from '../names.ts';

/** Maximum number of names that are read and compared, because the search for a missing table is repeated often. */
export const mostCompared = 2_000;

/** Tables with this name in any case, and some others up to a limit. */
export interface FirstTables {
  readonly called: string;
  readonly most: number;
}

/** The remedy for a name that no table has: suggests the table that was probably meant, in another schema or with another spelling. */
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
