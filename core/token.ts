/**
 * Fencing token: (epoch, revision) in one integer, so that "older" is `<` in every database. 15 bits of epoch above 48 bits of etcd
 * revision fit a signed 64-bit column. Single mode has no etcd: its tokens are the destination's stored one plus one.
 */
export type Token = bigint;

const revisionBits = 48n;
const maxRevision = (1n << revisionBits) - 1n;
export const maxEpoch = 32_767;

export function makeToken(epoch: number, revision: bigint): Token {
  if (epoch < 0 || epoch > maxEpoch || !Number.isInteger(epoch))
    throw new RangeError(`epoch ${epoch} is not in 0..${maxEpoch}`);
  if (revision < 0n || revision > maxRevision)
    throw new RangeError(`revision ${revision} is not in 0..2^48-1`);
  return (BigInt(epoch) << revisionBits) | revision;
}

export function tokenEpoch(token: Token): number {
  return Number(token >> revisionBits);
}

export function tokenRevision(token: Token): bigint {
  return token & maxRevision;
}

/** `3.1842` in status and messages. */
export function formatToken(token: Token): string {
  return `${tokenEpoch(token)}.${tokenRevision(token)}`;
}
