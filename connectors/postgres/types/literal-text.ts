/** A text as a literal, whatever is in it; NUL cannot be in a text of PostgreSQL. */
export function literalText(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}
