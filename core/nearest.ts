/** The known name that begins with it, or differs by few letters; undefined when none does. */
export function nearest(name: string, known: readonly string[]): string | undefined {
  const wanted = name.toLowerCase();
  const begun = known.find((each) => name.length > 2 && each.toLowerCase().startsWith(wanted));
  if (begun) return begun;
  const ranked = known
    .map((each) => ({ each, far: distance(wanted, each.toLowerCase()) }))
    .sort((one, other) => one.far - other.far);
  const best = ranked[0];
  // Two letters of `nr` make any other short name of it.
  const most = Math.min(name.length - 1, Math.max(2, Math.floor(name.length / 3)));
  return best && best.far <= most ? best.each : undefined;
}

/** What to do about a name of a column that is not there: which one was probably meant, and all that are there. */
export function columnRemedy(
  name: string | undefined,
  known: readonly string[],
  lead: 'It has' | 'They are' = 'It has',
): string {
  const near = name === undefined ? undefined : nearest(name, known);
  const list = `${lead}: ${known.join(', ')}`;
  return near === undefined ? `${list[0]?.toLowerCase()}${list.slice(1)}` : `did you mean ${near}? ${list}`;
}

/** Letters to add, remove or change (Levenshtein). */
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
