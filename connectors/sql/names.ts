import { permanent } from '../../core/errors.ts';

/** Splits `sales."odd.name"` at dots outside double quotes; case is kept; `""` within quotes is one quote. */
export function splitName(name: string, path: string): string[] {
  const parts: string[] = [];
  let part = '';
  let isQuoted = false;
  for (let at = 0; at < name.length; at++) {
    const char = name[at];
    if (char === '"') {
      if (isQuoted && name[at + 1] === '"') {
        part += '"';
        at++;
      } else isQuoted = !isQuoted;
    } else if (char === '.' && !isQuoted) {
      parts.push(part);
      part = '';
    } else part += char;
  }
  parts.push(part);
  if (isQuoted || parts.some((each) => each === '')) {
    throw permanent('NameInvalid', `"${name}" is not a table name`, {
      path,
      mend: 'write schema.table, with double quotes around a part that has a dot',
    });
  }
  return parts;
}

/** The name as splitName reads it back. */
export function joinName(parts: readonly string[]): string {
  return parts.map((part) => (/[."]/.test(part) ? `"${part.replaceAll('"', '""')}"` : part)).join('.');
}

/** For NameRules. */
export function nameParts(name: string): readonly string[] {
  return splitName(name, 'spec.destination.table');
}

/** PostgreSQL, SQLite, SQL Server (QUOTED_IDENTIFIER) and the standard. */
export function quoteDouble(identifier: string): string {
  return `"${identifier.replaceAll('"', '""')}"`;
}

export function quoteBacktick(identifier: string): string {
  return `\`${identifier.replaceAll('`', '``')}\``;
}
