import { isDue, type KeyPair, lifeLeft } from './certificate.ts';

/**
 * The authorities in force. One signs. Before another takes its place everybody must trust it, so the next one is published first;
 * the one before stays trusted as long as certificates of it may be in use.
 */
export interface Authorities {
  readonly signing: KeyPair;
  readonly next?: KeyPair;
  /** The certificate alone: nothing is signed with it any more. */
  readonly previous?: string;
}

/** etcd reads its file of authorities only when it starts: until then it has had years to be restarted once. */
const takeOverShare = 1 / 6;

export interface AuthorityChange {
  readonly authorities: Authorities;
  /** Empty where nothing has changed. */
  readonly did: string;
}

/** Made, published, used, forgotten: at most one step at a time. `isForced` goes one step on, whatever the dates say. */
export async function advanceAuthorities(
  stored: Authorities | undefined,
  make: () => Promise<KeyPair>,
  now: number,
  isForced: boolean,
): Promise<AuthorityChange> {
  if (!stored) return { authorities: { signing: await make() }, did: 'made an authority' };
  const { signing, next, previous } = stored;
  const left = lifeLeft(signing.certificate, now);
  if (next) {
    if (!isForced && left >= takeOverShare) return { authorities: stored, did: '' };
    return {
      authorities: { signing: next, previous: signing.certificate },
      did: 'the next authority signs now',
    };
  }
  if (previous !== undefined && (isForced || lifeLeft(previous, now) <= 0))
    return { authorities: { signing }, did: 'the authority before is trusted no more' };
  if (previous === undefined && (isForced || isDue(signing.certificate, now)))
    return {
      authorities: { signing, next: await make() },
      did: 'made the next authority, which is trusted from now on',
    };
  return { authorities: stored, did: '' };
}

/** What servers and clients trust, as one file of PEM. */
export function bundleOf({ signing, next, previous }: Authorities): string {
  return [signing.certificate, next?.certificate, previous].filter((each) => each !== undefined).join('');
}
