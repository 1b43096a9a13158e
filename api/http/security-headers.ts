/** Of every answer. The documents that the server sends need no scripts but their own, which carry the nonce. */
export function securityHeaders(
  nonce: string | undefined,
  isSecure: boolean,
): Readonly<Record<string, string>> {
  const script = nonce === undefined ? "'none'" : `'nonce-${nonce}'`;
  const policy = [
    "default-src 'none'",
    `script-src ${script}`,
    `style-src ${script}`,
    "img-src 'self' data:",
    "font-src 'self'",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'self'",
    "frame-ancestors 'none'",
    "object-src 'none'",
    "require-trusted-types-for 'script'",
  ];
  return {
    'content-security-policy': policy.join('; '),
    'x-content-type-options': 'nosniff',
    'x-frame-options': 'DENY',
    'referrer-policy': 'no-referrer',
    'cross-origin-opener-policy': 'same-origin',
    'cross-origin-resource-policy': 'same-origin',
    'permissions-policy': 'camera=(), geolocation=(), microphone=(), payment=(), usb=()',
    'cache-control': 'no-store',
    ...(isSecure && { 'strict-transport-security': 'max-age=31536000; includeSubDomains' }),
  };
}
