import type { AnyDestination, Source } from '../../core/connector.ts';
import type { Sync } from '../../core/sync-spec.ts';
import type { KnownEnd, KnownEnds, SyncProgress } from '../../core/sync-store.ts';
import { isSameSystem } from '../../core/system-identity.ts';
import { addressesOf, fieldHashes, inferredFingerprint, offsetFingerprint } from './offset-fingerprint.ts';

/** How the two systems of a Sync have changed since its last claim. */
export interface SystemChange {
  /** Earlier offset fingerprints, from when the same systems had other addresses. */
  readonly formerFingerprints: readonly string[];
  /** From when the columns that the Sync names now were inferred: valid with an offset that has just these columns. */
  readonly inferredFingerprints?: readonly string[];
  readonly isOtherSource: boolean;
  readonly isOtherDestination: boolean;
}

export const sameSystems: SystemChange = {
  formerFingerprints: [],
  isOtherSource: false,
  isOtherDestination: false,
};

interface Ends {
  readonly source: Source;
  readonly destination: Pick<AnyDestination, 'identity'>;
}

/** The current identities and addresses of both systems, for SyncProgress.ends. */
export async function endsNow(
  sync: Sync,
  systems: Parameters<typeof addressesOf>[0],
  { source, destination }: Ends,
  signal: AbortSignal,
): Promise<KnownEnds> {
  const ofSource = (await source.identity?.(signal)) ?? [];
  const ofDestination = (await destination.identity?.(signal)) ?? [];
  const addresses = addressesOf(systems);
  return {
    fingerprint: offsetFingerprint(sync, addresses),
    source: { address: addresses.source, identity: ofSource },
    destination: { address: addresses.destination, identity: ofDestination },
    fields: fieldHashes(sync, addresses),
  };
}

/** Pure. Unknown identities, as with an offset stored by an older version, are recorded without drawing conclusions. */
export function systemChange(sync: Sync, progress: SyncProgress, now: KnownEnds): SystemChange {
  const before = knownEnds(progress);
  if (!before) return { ...sameSystems, ...inferred(sync, [now.source.address], [now.destination.address]) };
  const sources = formerAddresses(before.source, now.source);
  const destinations = formerAddresses(before.destination, now.destination);
  const fingerprints = sources.flatMap((source) =>
    destinations.map((destination) => offsetFingerprint(sync, { source, destination })),
  );
  return {
    formerFingerprints: fingerprints.filter((fingerprint) => fingerprint !== now.fingerprint),
    ...inferred(sync, sources, destinations),
    isOtherSource: isSameSystem(before.source.identity, now.source.identity) === false,
    isOtherDestination: isSameSystem(before.destination.identity, now.destination.identity) === false,
  };
}

type AddressOf = KnownEnd['address'];

function inferred(
  sync: Sync,
  sources: readonly AddressOf[],
  destinations: readonly AddressOf[],
): Pick<SystemChange, 'inferredFingerprints'> {
  const inferredFingerprints = sources.flatMap((source) =>
    destinations.flatMap((destination) => inferredFingerprint(sync, { source, destination }) ?? []),
  );
  return inferredFingerprints.length === 0 ? {} : { inferredFingerprints };
}

/** The values to record: if a system reports no identity this time, the last known one is kept. */
export function learned(progress: SyncProgress, now: KnownEnds): KnownEnds {
  const before = knownEnds(progress);
  const keep = (known: KnownEnd | undefined, end: KnownEnd): KnownEnd =>
    known && end.identity.length === 0 && isSameAddress(known, end) ? known : end;
  return {
    fingerprint: now.fingerprint,
    source: keep(before?.source, now.source),
    destination: keep(before?.destination, now.destination),
    ...(now.fields && { fields: now.fields }),
  };
}

function knownEnds({ ends, fingerprint }: SyncProgress): KnownEnds | undefined {
  return ends?.fingerprint === fingerprint ? ends : undefined;
}

function formerAddresses(before: KnownEnd, now: KnownEnd): readonly KnownEnd['address'][] {
  return isSameSystem(before.identity, now.identity) ? [now.address, before.address] : [now.address];
}

function isSameAddress(before: KnownEnd, now: KnownEnd): boolean {
  return JSON.stringify(before.address) === JSON.stringify(now.address);
}
