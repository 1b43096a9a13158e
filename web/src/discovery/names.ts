/** A name as a system writes it, in its parts: `sales."Order.Items"` is `sales` and `"Order.Items"`. */
export function partsOf(name: string): { readonly schema: string; readonly table: string } {
  const parts = name.match(/(?:"(?:[^"]|"")*"|[^."])+/g) ?? [];
  return { schema: parts.slice(0, -1).join('.'), table: parts.at(-1) ?? name };
}

/** Fills `{schema}` and `{table}` in. Without a schema, the separator beside `{schema}` is left out too. */
export function filled(template: string, name: string): string {
  const parts = partsOf(name);
  const withSchema = parts.schema === '' ? template.replaceAll(/\{schema\}[-._]?/g, '') : template;
  return withSchema
    .split('.')
    .map((segment) => filledSegment(segment, parts))
    .join('.');
}

/** What is within quotes goes on to be within quotes: `copy_{table}` of `"Order Items"` is `"copy_Order Items"`. */
function filledSegment(segment: string, { schema, table }: ReturnType<typeof partsOf>): string {
  if (segment === '{schema}') return schema;
  if (segment === '{table}') return table;
  const used = [
    ...(segment.includes('{schema}') ? [schema] : []),
    ...(segment.includes('{table}') ? [table] : []),
  ];
  const text = segment.replaceAll('{schema}', unquoted(schema)).replaceAll('{table}', unquoted(table));
  return used.some((part) => part.includes('"')) ? `"${text.replaceAll('"', '""')}"` : text;
}

function unquoted(part: string): string {
  return part.replaceAll(/"((?:[^"]|"")*)"/g, (_all, inner: string) => inner.replaceAll('""', '"'));
}

const mostCharacters = 253;

/** As a name of a Sync: `public."Order Items"` becomes `public-order-items`. */
export function objectName(text: string): string {
  return text
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .slice(0, mostCharacters)
    .replaceAll(/^-+|-+$/g, '');
}
