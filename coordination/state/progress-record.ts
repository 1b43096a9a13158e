import type { KnownEnds, SyncProgress } from '../../core/sync-store.ts';

/**
 * SyncProgress as etcd and the state file store it: the offset fingerprint is under the key `meaning`, which agents of earlier versions
 * read and write.
 */
export type ProgressRecord = Omit<SyncProgress, 'fingerprint' | 'ends'> & {
  readonly meaning?: string;
  readonly ends?: Omit<KnownEnds, 'fingerprint'> & { readonly meaning: string };
};

export function progressOf({ meaning, ends, ...rest }: ProgressRecord): SyncProgress {
  return {
    ...rest,
    ...(meaning !== undefined && { fingerprint: meaning }),
    ...(ends && { ends: { fingerprint: ends.meaning, source: ends.source, destination: ends.destination } }),
  };
}

export function progressRecord({ fingerprint, ends, ...rest }: SyncProgress): ProgressRecord {
  return {
    ...rest,
    ...(fingerprint !== undefined && { meaning: fingerprint }),
    ...(ends && { ends: { meaning: ends.fingerprint, source: ends.source, destination: ends.destination } }),
  };
}
