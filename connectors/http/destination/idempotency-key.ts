import { createHash } from 'node:crypto';

export interface KeyParts {
  readonly uid: string;
  /** The stored offset before the batch; null: there was none. */
  readonly after: string | null;
  /** Number of the first row of the call since that offset. */
  readonly row: number;
  readonly body: string;
}

/**
 * The same for a call that is repeated, also by another process: a batch is read again from the offset that was stored before it. The body
 * is part of it, because a row may have changed since, and APIs refuse a key that comes back with another body. It has the form of a UUID,
 * which some APIs require.
 */
export function idempotencyKey({ uid, after, row, body }: KeyParts): string {
  const hash = createHash('sha256')
    .update(JSON.stringify([uid, after, row]))
    .update(body)
    .digest('hex');
  // Version 8, variant 1 (RFC 9562): the bits are those of a hash.
  const variant = ((Number.parseInt(hash[16] ?? '0', 16) & 3) | 8).toString(16);
  return [
    hash.slice(0, 8),
    hash.slice(8, 12),
    `8${hash.slice(13, 16)}`,
    `${variant}${hash.slice(17, 20)}`,
    hash.slice(20, 32),
  ].join('-');
}
