import type { Guard } from './guard.ts';

/** Each of them prevents rows of objects from being lost, doubled or mixed. */
export const ofS3: readonly Guard[] = [
  {
    name: 'S3: an upload that was open is read although its time is settled',
    file: 'connectors/s3/source/stream-state.ts',
    from: 'return this.uploads.mayHaveMade(object);',
    to: 'return false;',
    caughtBy: { test: 'connectors/s3/source/ledger.test.ts', only: 'uploads that were open' },
  },
  {
    name: 'S3: nothing within the horizon is settled while open uploads are not known',
    file: 'connectors/s3/source/stream-state.ts',
    from: 'if (horizon.isFixed || !scan.uploads) throw new LedgerFull();',
    to: '',
    caughtBy: { test: 'connectors/s3/source/ledger.test.ts', only: 'nothing within the horizon' },
  },
  {
    name: 'S3: content that is written again has its new time in the ledger',
    file: 'connectors/s3/source/ledger.ts',
    from: 'this.#put(secondOf(version.modified), print);',
    to: '',
    caughtBy: { test: 'connectors/s3/source/ledger.test.ts', only: 'written again' },
  },
  {
    name: 'S3: objects of the last seconds are not settled',
    file: 'connectors/s3/source/stream-state.ts',
    from: 'return secondOf(startedMs) - unsettledSeconds;',
    to: 'return secondOf(startedMs) + 10;',
    caughtBy: { test: 'connectors/s3/source/ledger.test.ts', only: 'last seconds' },
  },
  {
    name: 'a Sync does not read the prefix that it writes',
    file: 'agent/engine/capabilities.ts',
    from: 'if (!isSameAddress || ',
    to: 'if (isSameAddress || ',
    caughtBy: { test: 'agent/engine/capabilities.test.ts', only: 'contains that of the other end' },
  },
  {
    name: 'S3: a part of an object is of the version that was listed',
    file: 'connectors/s3/connection/object-contents.ts',
    from: '...(etag !== undefined && { IfMatch: etag }),',
    to: '',
    caughtBy: { test: 'connectors/s3/source/change-stream.test.ts', only: 'replaced while it is read' },
  },
  {
    name: 'S3: content that was requested ahead is of the version that was listed',
    file: 'connectors/s3/source/objects-ahead.ts',
    from: 'one.key === other.key && one.etag === other.etag',
    to: 'one.key === other.key',
    caughtBy: { test: 'connectors/s3/source/objects-ahead.test.ts', only: 'what was requested is there' },
  },
  {
    name: 'S3: a whole object of an owner with a higher token is not replaced',
    file: 'connectors/s3/destination/raw-objects.ts',
    from: 'await this.#requireOwner(signal);',
    to: 'await Promise.resolve();',
    caughtBy: { test: 'connectors/s3/destination/raw-objects.test.ts', only: 'higher token' },
  },
  {
    name: 'S3: a whole object with the content of an earlier version is read again',
    file: 'connectors/s3/source/ledger.ts',
    from: '(isTimed && secondOf(version.modified) > known)',
    to: 'false',
    caughtBy: { test: 'connectors/s3/destination/raw-objects.test.ts', only: 'earlier content again' },
  },
  {
    name: 'S3: an intent names all objects of a batch',
    file: 'connectors/s3/destination/claim.ts',
    from: 'if (isStored) return;',
    to: 'if (names.stored.length > 0) return;',
    caughtBy: { test: 'connectors/s3/destination/claim.test.ts', only: 'more objects than its size' },
  },
  {
    name: 'S3: frames of Zstd reach the decoder one by one',
    file: 'connectors/s3/formats/decoded-stream.ts',
    from: 'zstdFrames(chunks)',
    to: 'chunks',
    caughtBy: { test: 'connectors/s3/formats/decoded-stream.test.ts', only: 'several compressed parts' },
  },
  {
    name: 'S3: a whole object is replaced only if it is the one that was looked at',
    file: 'connectors/s3/destination/raw-objects.ts',
    from: "there?.etag ?? 'none'",
    to: 'undefined',
    caughtBy: {
      test: 'connectors/s3/destination/raw-objects.test.ts',
      only: 'between the look and the write',
    },
  },
];
