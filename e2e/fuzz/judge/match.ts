import type { SystemName } from '../../kit/systems.ts';
import { fuzzSystems } from '../systems/index.ts';
import { canonicalText } from '../table-reader.ts';
import type { ArrivedRow, PastValue, Version } from './history.ts';

export interface MatchRules {
  readonly from: SystemName;
  readonly to: SystemName;
  /** Columns that the destination lacks are ignored, as configured in the Sync. */
  readonly ignoresMissing: boolean;
  /** When the columns of the destination were last changed manually: rows from before show nothing. */
  readonly damaged: ReadonlyMap<string, number>;
}

/** The columns in which a row at the destination differs from this version of the source's row. */
export function differences(arrived: ArrivedRow, version: Version, rules: MatchRules): readonly string[] {
  return [...version.values].flatMap(([name, value]) => {
    const found = arrived.get(name);
    if (version.since <= (rules.damaged.get(name) ?? 0)) return [];
    if (found === undefined) return rules.ignoresMissing ? [] : [name];
    return isSame(value, found, rules) ? [] : [name];
  });
}

function isSame({ kind, text, type }: PastValue, found: string | null, { from, to }: MatchRules): boolean {
  // A wider type at the destination shows a whole number with zeros after the point.
  const arrived = canonicalText(kind === 'int' ? 'decimal' : kind, found);
  if (arrived === text) return true;
  if (text === null || arrived === null || type === undefined) return false;
  const announced = fuzzSystems[from].types.find((each) => each.name === type)?.announced?.[to];
  return announced?.(text) === arrived;
}
