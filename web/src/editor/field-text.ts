/** How a field is edited in the form; `yaml`: only as text. */
export type FieldKind = 'object' | 'choice' | 'flag' | 'number' | 'list' | 'map' | 'long' | 'text' | 'yaml';

/** A value as the form shows it in one line. */
export function shownText(kind: FieldKind, value: unknown): string {
  if (kind === 'list') return Array.isArray(value) ? value.map(textOf).join(', ') : textOf(value);
  if (kind === 'map' && isObject(value))
    return Object.entries(value)
      .map(([name, each]) => `${name}=${textOf(each)}`)
      .join(', ');
  return textOf(value);
}

export function typedValue(kind: FieldKind, text: string): unknown {
  if (text.trim() === '') return undefined;
  if (kind === 'number') return /^-?\d+(\.\d+)?$/.test(text.trim()) ? Number(text) : text;
  const parts = text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');
  if (kind === 'list') return parts;
  if (kind === 'map') return Object.fromEntries(parts.map(entryOf));
  return text;
}

/** False: to type in the line would change parts of the value that nobody has touched, such as a comma in a header. */
export function fitsInLine(kind: FieldKind, value: unknown): boolean {
  if ((kind !== 'list' && kind !== 'map') || value === undefined || value === null) return true;
  return JSON.stringify(typedValue(kind, shownText(kind, value)) ?? emptyOf(kind)) === JSON.stringify(value);
}

export function textOf(value: unknown): string {
  if (value === undefined || value === null) return '';
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

function emptyOf(kind: FieldKind): unknown {
  return kind === 'list' ? [] : {};
}

/** The name ends at the first `=`; the value may have more of them. */
function entryOf(part: string): [string, string] {
  const at = part.indexOf('=');
  return at < 0 ? [part, ''] : [part.slice(0, at).trim(), part.slice(at + 1).trim()];
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
