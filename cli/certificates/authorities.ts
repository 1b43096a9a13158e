import { isDue, type KeyPair, lifeLeft } from './certificate.ts';

/**
 * The current authorities. One signs. Everyone must trust its successor before it is used, so the next one is published first; the
 * previous one stays trusted as long as its certificates may be in use.
 */
export interface Authorities {
  readonly signing: KeyPair;
  readonly next?: KeyPair;
  /** Only the certificate: nothing is signed with it any more. */
  readonly previous?: string;
}

/** etcd reads its file of authorities only at start: it has years to be restarted once before that. */
const takeOverShare = 1 / 6;

export interface AuthorityChange {
  readonly authorities: Authorities;
  /** Empty if nothing has changed. */
  readonly action: string;
}

/** Creates, publishes, uses and retires authorities: at most one step at a time. `isForced` takes one step regardless of the dates. */
export async function advanceAuthorities(
  stored: Authorities | undefined,
  make: () => Promise<KeyPair>,
  now: number,
  isForced: boolean,
): Promise<AuthorityChange> {
  if (!stored) return { authorities: { signing: await make() }, action: 'created an authority' };
  const { signing, next, previous } = stored;
  const left = lifeLeft(signing.certificate, now);
  if (next) {
    if (!isForced && left >= takeOverShare) return { authorities: stored, action: '' };
    return {
      authorities: { signing: next, previous: signing.certificate },
      action: 'the next authority now signs',
    };
  }
  if (previous !== undefined && (isForced || lifeLeft(previous, now) <= 0))
    return { authorities: { signing }, action: 'the previous authority is no longer trusted' };
  if (previous === undefined && (isForced || isDue(signing.certificate, now)))
    return {
      authorities: { signing, next: await make() },
      action: 'created the next authority, which is now trusted',
    };
  return { authorities: stored, action: '' };
}

/** The authorities that servers and clients trust, as one PEM file. */
export function bundleOf({ signing, next, previous }: Authorities): string {
  return [signing.certificate, next?.certificate, previous].filter((each) => each !== undefined).join('');
}
