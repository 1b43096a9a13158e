type Fields = Readonly<Record<string, unknown>>;

/** The patch that changes `from` to `to` (RFC 7386), or undefined if they are equal: lists are replaced as a whole, null deletes. */
export function mergePatch(from: Fields, to: Fields): Fields | undefined {
  const patch: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(to)) {
    const known = from[name];
    if (value === undefined || isSame(known, value)) continue;
    const part = isFields(known) && isFields(value) ? mergePatch(known, value) : value;
    if (part !== undefined) patch[name] = part;
  }
  for (const [name, known] of Object.entries(from)) {
    if (known !== undefined && known !== null && to[name] === undefined) patch[name] = null;
  }
  return Object.keys(patch).length > 0 ? patch : undefined;
}

function isSame(one: unknown, other: unknown): boolean {
  if (one === other) return true;
  if (Array.isArray(one) && Array.isArray(other)) {
    return one.length === other.length && one.every((each, index) => isSame(each, other[index]));
  }
  if (!isFields(one) || !isFields(other)) return false;
  return mergePatch(one, other) === undefined;
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
