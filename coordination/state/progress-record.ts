import type { KnownEnds, SyncProgress } from '../../core/sync-store.ts';

type EndsRecord = Omit<KnownEnds, 'fingerprint'> & { readonly meaning: string };

/**
 * SyncProgress as etcd and the state file store it: the offset fingerprint is under the key `meaning`, which agents of earlier versions
 * read and write.
 */
export type ProgressRecord = Omit<SyncProgress, 'fingerprint' | 'ends'> & {
  readonly meaning?: string;
  readonly ends?: EndsRecord;
};

export function progressOf({ meaning, ends, ...rest }: ProgressRecord): SyncProgress {
  return {
    ...rest,
    ...(meaning !== undefined && { fingerprint: meaning }),
    ...(ends && { ends: endsOf(ends) }),
  };
}

export function progressRecord({ fingerprint, ends, ...rest }: SyncProgress): ProgressRecord {
  return {
    ...rest,
    ...(fingerprint !== undefined && { meaning: fingerprint }),
    ...(ends && { ends: recordOf(ends) }),
  };
}

function endsOf({ meaning, ...ends }: EndsRecord): KnownEnds {
  return { ...ends, fingerprint: meaning };
}

function recordOf({ fingerprint, ...ends }: KnownEnds): EndsRecord {
  return { ...ends, meaning: fingerprint };
}
