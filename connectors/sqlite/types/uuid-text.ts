/** `{0A…}`, without dashes, in capital letters: canonical text, or the text as it is where it is no UUID. */
export function canonicalUuid(text: string): string {
  const digits = text.replaceAll(/^\{|\}$|-/g, '').toLowerCase();
  return /^[0-9a-f]{32}$/.test(digits)
    ? digits.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
    : text;
}
