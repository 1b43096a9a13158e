import type { Rejection } from './connector.ts';

/** How messages name a row: `id 42`, `(id, region) (42, "EU")`; with redactKeys the values are hidden. Long values are truncated. */
export interface RowKey {
  readonly columns: readonly string[];
  /** Canonical texts; null for NULL. */
  readonly values: readonly (string | null)[];
}

const maxValueLength = 64;

/** Undefined: the row has no key. */
export function nameRow(key: RowKey | undefined, isRedacted: boolean): string | undefined {
  if (!key || key.columns.length === 0) return undefined;
  if (isRedacted) return `${list(key.columns)} (hidden by redactKeys)`;
  return `${list(key.columns)} ${list(key.values.map(shown))}`;
}

function list(parts: readonly string[]): string {
  return parts.length === 1 ? (parts[0] ?? '') : `(${parts.join(', ')})`;
}

function shown(value: string | null): string {
  if (value === null) return 'NULL';
  if (/^-?\d+(\.\d+)?$/.test(value)) return value;
  const cut = value.length > maxValueLength ? `${value.slice(0, maxValueLength)}…` : value;
  return JSON.stringify(cut);
}

/** `row id 42, column total: out of range`; a message that names its column already is left unchanged. */
export function describeRejection({ row, column, message }: Rejection): string {
  const isNamed = column === undefined || message.includes(`column ${column}`);
  const what = [row && `row ${row}`, !isNamed && `column ${column}`].filter(Boolean).join(', ');
  return what === '' ? message : `${what}: ${message}`;
}
