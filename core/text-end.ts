/**
 * A value may be a text of millions of characters, and belongs to whoever writes to the source. A regular expression such as /0+$/ begins
 * again at each of a million zeros that are not at the end, which keeps the process busy for hours; these take time by the length alone.
 */

export function withoutEnd(text: string, ending: string): string {
  let end = text.length;
  while (end > 0 && text.endsWith(ending, end)) end -= ending.length;
  return text.slice(0, end);
}

/** `08:00:00.120000` -> `08:00:00.12`, `5.0` -> `5`. */
export function withoutFractionZeros(text: string): string {
  if (!text.endsWith('0') || !text.includes('.')) return text;
  const kept = withoutEnd(text, '0');
  return kept.endsWith('.') ? kept.slice(0, -1) : kept;
}
