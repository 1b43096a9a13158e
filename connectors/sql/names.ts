import { permanent } from '../../core/errors.ts';

/** Splits `sales."odd.name"` at dots outside double quotes. Case is preserved; `""` within quotes is one quote. */
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
      fix: 'write schema.table, with double quotes around a part that has a dot',
    });
  }
  return parts;
}

export interface TableName {
  readonly schema: string;
  readonly table: string;
}

/** Schema and table. `form` is the system's term for a complete name. Throws NameInvalid. */
export function splitTable(
  name: string,
  path: string,
  { title, form }: { readonly title: string; readonly form: string },
): { readonly schema: string | undefined; readonly table: string } {
  const parts = splitName(name, path);
  const [table = '', schema] = parts.toReversed();
  if (parts.length <= 2) return { schema, table };
  throw permanent(
    'NameInvalid',
    `"${joinName(parts)}" has ${parts.length} parts, and ${title} knows ${form}`,
    {
      path,
      fix: `write ${form}, or the table alone`,
    },
  );
}

/** Writes the name so that splitName can read it. */
export function joinName(parts: readonly string[]): string {
  return parts.map((part) => (/[."]/.test(part) ? `"${part.replaceAll('"', '""')}"` : part)).join('.');
}

/** Implements NameRules. */
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
