import type { SystemName } from '../../kit/systems.ts';
import type { Kind } from '../../pairs/type-case.ts';
import { sqlSystems } from '../systems/index.ts';
import { type FuzzSystemName, hasDocuments } from '../systems/system.ts';
import { canonicalText } from '../table-reader.ts';
import { digitsOf, isKept, isSameJson } from './documents.ts';
import type { ArrivedRow, PastValue, Version } from './history.ts';

export interface MatchRules {
  readonly from: FuzzSystemName;
  readonly to: FuzzSystemName;
  /** Columns that the destination lacks are ignored, as configured in the Sync. */
  readonly ignoresMissing: boolean;
  /** When the columns of the destination were last changed manually: rows from before show nothing. */
  readonly damaged: ReadonlyMap<string, number>;
  /** Documents travel as a whole: every value keeps its type. */
  readonly isWhole: boolean;
  /** Kinds of the destination's columns; those of documents are not known. */
  readonly kinds: ReadonlyMap<string, Kind>;
  /** All fields that documents of the source have had: a document without one has no value for it at the destination either. */
  readonly fields: ReadonlySet<string>;
}

/** The columns in which a row at the destination differs from this version of the source's row. */
export function differences(arrived: ArrivedRow, version: Version, rules: MatchRules): readonly string[] {
  const differing = [...version.values].flatMap(([name, value]) => {
    const found = arrived.get(name);
    if (version.since <= (rules.damaged.get(name) ?? 0)) return [];
    if (found !== undefined) return isSame(name, value, found, rules) ? [] : [name];
    const isMissing = hasDocuments(rules.to) && value.text === null && !rules.isWhole;
    return rules.ignoresMissing || isMissing ? [] : [name];
  });
  const left = [...rules.fields].filter(
    (name) => !version.values.has(name) && !rules.damaged.has(name) && isFilled(arrived, name, rules),
  );
  return [...differing, ...left];
}

function isFilled(arrived: ArrivedRow, name: string, { isWhole }: MatchRules): boolean {
  return isWhole ? arrived.has(name) : (arrived.get(name) ?? null) !== null;
}

function isSame(name: string, value: PastValue, found: string | null, rules: MatchRules): boolean {
  const { from, to, isWhole, kinds } = rules;
  const { kind, text, type, document } = value;
  if (text === null || found === null) return text === found;
  if (document) return isWhole ? document.exact === found : isKept(document, found, kinds.get(name) ?? 'any');
  if (hasDocuments(to)) return isInDocument(kind, text, found);
  // A wider type at the destination shows a whole number with zeros after the point.
  const arrived = canonicalText(kind === 'int' ? 'decimal' : kind, found);
  if (arrived === text) return true;
  if (arrived === null || type === undefined || hasDocuments(from)) return false;
  const announced = sqlSystems[from].types.find((each) => each.name === type)?.announced;
  return announced?.[to as SystemName]?.(text) === arrived;
}

/** `text`: canonical text of the value in a SQL system. */
function isInDocument(kind: Kind, text: string, found: string): boolean {
  switch (kind) {
    case 'int':
    case 'decimal':
      return digitsOf(text) === digitsOf(found);
    case 'date':
      return text === found.replace(/ 00:00:00\.000$/, '');
    case 'json':
      return isSameJson(text, found);
    default:
      return canonicalText(kind, found) === text;
  }
}
