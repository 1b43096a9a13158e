/** The known name that begins with `name` or differs by few letters; undefined if there is none. */
export function nearest(name: string, known: readonly string[]): string | undefined {
  const wanted = name.toLowerCase();
  const begun = known.find((each) => name.length > 2 && each.toLowerCase().startsWith(wanted));
  if (begun) return begun;
  const ranked = known
    .map((each) => ({ each, far: distance(wanted, each.toLowerCase()) }))
    .sort((one, other) => one.far - other.far);
  const best = ranked[0];
  // Changing two letters of a name as short as `nr` matches any other short name, so less is allowed.
  const most = Math.min(name.length - 1, Math.max(2, Math.floor(name.length / 3)));
  return best && best.far <= most ? best.each : undefined;
}

/** Remedy for an unknown column name: the most similar name, and the list of all columns. */
export function columnRemedy(
  name: string | undefined,
  known: readonly string[],
  lead: 'It has' | 'The copied columns are' = 'It has',
): string {
  const near = name === undefined ? undefined : nearest(name, known);
  const list = `${lead}: ${known.join(', ')}`;
  return near === undefined ? `${list[0]?.toLowerCase()}${list.slice(1)}` : `did you mean ${near}? ${list}`;
}

/** Levenshtein distance. */
function distance(one: string, other: string): number {
  let row = Array.from({ length: other.length + 1 }, (_, index) => index);
  for (const [i, letter] of [...one].entries()) {
    const next = [i + 1];
    for (const [j, otherLetter] of [...other].entries()) {
      const change = (row[j] ?? 0) + (letter === otherLetter ? 0 : 1);
      next.push(Math.min(change, (row[j + 1] ?? 0) + 1, (next[j] ?? 0) + 1));
    }
    row = next;
  }
  return row.at(-1) ?? 0;
}
