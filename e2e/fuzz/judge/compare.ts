import { witness } from '../scenario/columns.ts';
import { hasDocuments } from '../systems/system.ts';
import type { ArrivedRow, History, Version } from './history.ts';
import { differences, type MatchRules } from './match.ts';
import type { Promises } from './promises.ts';

export interface Problem {
  readonly kind: 'missing' | 'stale' | 'wrong' | 'unknown' | 'doubled' | 'deleted';
  readonly row: string;
  readonly detail: string;
}

export interface CompareInput {
  readonly history: History;
  readonly arrived: readonly ArrivedRow[];
  readonly promises: Promises;
  readonly rules: MatchRules;
  /** Numbers of the observations made right after the source's table was altered: values that differ since were not written by anybody. */
  readonly changes: ReadonlySet<number>;
  /** Ids up to this one were issued before the source's ids restarted. */
  readonly largestRestartedId: bigint | undefined;
  /** How often a restart was requested, so that everything was read again. */
  readonly restarts: number;
  /** Numbers of the observations that saw rows too late for safetyLag. */
  readonly late: ReadonlySet<number>;
}

const deletedAt = '_deleted_at';

export interface Comparison {
  readonly problems: readonly Problem[];
  /** Rows that no pass reads because they have NULL in the mode's field, and that are not at the destination. */
  readonly nullRows: number;
}

/** What of the source is not at the destination as guaranteed, and what is at the destination but was never at the source. Pure. */
export function compare(input: CompareInput): Comparison {
  const { history, arrived } = input;
  const byRow = new Map<string, ArrivedRow[]>();
  for (const row of arrived) {
    const number = rowNumber(row);
    byRow.set(number, [...(byRow.get(number) ?? []), row]);
  }
  let nullRows = 0;
  const problems: Problem[] = [];
  for (const [row, versions] of history.current) {
    const now = versions.at(-1) as Version;
    const found = (byRow.get(row) ?? []).filter((each) => isLive(input, each));
    if (isNull(input, now)) {
      nullRows += 1;
      continue;
    }
    if (isPromised(input, row, now)) problems.push(...rowProblems(input, row, now, versions.length, found));
  }
  for (const [row, found] of byRow) problems.push(...arrivedProblems(input, row, found));
  return { problems, nullRows };
}

/** Documents that travel as a whole show the type of their numbers. */
function rowNumber(row: ArrivedRow): string {
  const text = row.get(witness) ?? 'NULL';
  return /^\{"\$number\w+":"(-?\d+)"\}$/.exec(text)?.[1] ?? text;
}

/** Documents without the field, and values that have no place in its order, count as NULL. */
function fieldOf({ promises, rules }: CompareInput, version: Version): string | null | undefined {
  if (promises.field === undefined) return undefined;
  const value = version.values.get(promises.field);
  if (!hasDocuments(rules.from)) return value?.text;
  return value?.document?.type === (promises.isById ? 'number' : 'date') ? value.text : null;
}

function isLive({ promises }: CompareInput, arrived: ArrivedRow): boolean {
  return !promises.marksDeleted || (arrived.get(deletedAt) ?? null) === null;
}

function isNull(input: CompareInput, version: Version): boolean {
  return fieldOf(input, version) === null;
}

function isPromised(input: CompareInput, row: string, version: Version): boolean {
  const { largestRestartedId, late } = input;
  const [first] = input.promises.field === undefined ? [] : readable(input, row, version);
  if (first && late.has(first.since)) return false;
  if (isLaterOfItsId(input, version)) return false;
  const id = fieldOf(input, version);
  if (largestRestartedId === undefined || id === undefined || id === null || !/^-?\d+$/.test(id)) return true;
  if (BigInt(id) > largestRestartedId) return true;
  // While the largest id is below the offset, the Sync can detect it and must report it.
  return largestId(input) < largestRestartedId;
}

/** Another row had this id before: whether this one is read depends on the order of their keys. */
function isLaterOfItsId(input: CompareInput, version: Version): boolean {
  if (!input.promises.isById) return false;
  const id = fieldOf(input, version);
  return [...input.history.current.values()]
    .flat()
    .some((other) => fieldOf(input, other) === id && other.since < version.since);
}

function largestId(input: CompareInput): bigint {
  const ids = [...input.history.current.values()].flatMap((versions) =>
    versions.flatMap((version) => {
      const id = fieldOf(input, version);
      return id && /^-?\d+$/.test(id) ? [BigInt(id)] : [];
    }),
  );
  return ids.reduce((largest, id) => (id > largest ? id : largest), -1n);
}

/** Versions since the mode's field got its present value: any of them may have been read. */
function readable(input: CompareInput, row: string, now: Version): readonly Version[] {
  if (input.promises.field === undefined) return [now];
  const all = input.history.versions(row);
  let since = all.lastIndexOf(now);
  for (; since > 0; since--) {
    const [before, version] = [all[since - 1], all[since]] as [Version, Version];
    if (fieldOf(input, before) !== fieldOf(input, version) && !input.changes.has(version.since)) break;
  }
  return all.slice(since);
}

function rowProblems(
  input: CompareInput,
  row: string,
  now: Version,
  timesInSource: number,
  found: readonly ArrivedRow[],
): readonly Problem[] {
  const allowed = readable(input, row, now);
  const matching = found.filter((each) =>
    allowed.some((version) => differences(each, version, input.rules).length === 0),
  );
  if (matching.length === 0) {
    if (found.length === 0) return [{ kind: 'missing', row, detail: describe(now) }];
    const wrong = found.map((each) =>
      differences(each, now, input.rules)
        .map((name) => `${name}: ${each.get(name)}`)
        .join(', '),
    );
    return [{ kind: 'stale', row, detail: `${describe(now)} exists as ${wrong.join(' and as ')}` }];
  }
  const isReplaced = !input.promises.keepsDeleted;
  const isCounted = input.promises.copies === 'by reading' || isReplaced;
  const readings = (1 + input.restarts) * keysOf(input, allowed);
  const expected = isReplaced ? timesInSource : timesInSource * readings;
  const copies = isReplaced ? found.length : matching.length;
  if (isCounted && copies > expected)
    return [{ kind: 'doubled', row, detail: `${copies} times: ${describe(now)}` }];
  if (isCounted && matching.length < timesInSource)
    return [{ kind: 'missing', row, detail: `${matching.length} of ${timesInSource}: ${describe(now)}` }];
  return [];
}

/** The number of keys that the row has had. */
function keysOf({ promises: { key } }: CompareInput, versions: readonly Version[]): number {
  return new Set(versions.map(({ values }) => JSON.stringify(key.map((name) => values.get(name)?.text))))
    .size;
}

/** Each row at the destination must have been at the source at some time, and must still be there if deletes are guaranteed. */
function arrivedProblems(input: CompareInput, row: string, found: readonly ArrivedRow[]): readonly Problem[] {
  const versions = input.history.versions(row);
  if (versions.length === 0) return [{ kind: 'unknown', row, detail: `${found.length} rows` }];
  const isDeleted = !input.promises.keepsDeleted && !input.history.current.has(row);
  if (isDeleted && found.some((each) => isLive(input, each)))
    return [{ kind: 'deleted', row, detail: 'it was deleted at the source' }];
  const wrong = found.filter((each) =>
    versions.every((version) => differences(each, version, input.rules).length > 0),
  );
  return wrong.map((each) => ({ kind: 'wrong', row, detail: describeWrong(each, versions, input.rules) }));
}

function describeWrong(arrived: ArrivedRow, versions: readonly Version[], rules: MatchRules): string {
  const last = versions.at(-1) as Version;
  return differences(arrived, last, rules)
    .map((name) => `${name}: ${short(last.values.get(name)?.text)} became ${short(arrived.get(name))}`)
    .join(', ');
}

function describe(version: Version): string {
  return [...version.values]
    .slice(0, 7)
    .map(([name, { text }]) => `${name}=${short(text)}`)
    .join(' ');
}

function short(text: string | null | undefined): string {
  if (text === undefined) return 'no such column';
  return text === null ? 'NULL' : text.length > 60 ? `${text.slice(0, 50)}...` : text;
}
