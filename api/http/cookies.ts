/** The value of a cookie in the header of a request. The first one counts, as browsers send the most specific one first. */
export function readCookie(header: string | undefined, name: string): string | undefined {
  for (const part of (header ?? '').split(';')) {
    const at = part.indexOf('=');
    if (at > 0 && part.slice(0, at).trim() === name) return part.slice(at + 1).trim();
  }
  return undefined;
}

/** Secure, so that the prefix __Host- is accepted; browsers take loopback addresses for secure. */
export function cookieText(
  name: string,
  value: string,
  {
    sameSite = 'Strict',
    maxAgeSeconds,
  }: { readonly sameSite?: 'Strict' | 'Lax'; readonly maxAgeSeconds?: number } = {},
): string {
  const age = maxAgeSeconds === undefined ? '' : `; Max-Age=${maxAgeSeconds}`;
  return `${name}=${value}; Path=/; HttpOnly; Secure; SameSite=${sameSite}${age}`;
}
