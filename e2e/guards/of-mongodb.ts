import type { Guard } from './guard.ts';

const stream = 'connectors/mongodb/source/change-stream.test.ts';
const commits = 'connectors/mongodb/destination/commit-rows.test.ts';
const hostile = 'e2e/mongodb-hostile.test.ts';

const order = 'connectors/mongodb/source/key-order.test.ts';

/** Each is detected without a server that has transactions. */
export const ofMongodb: readonly Guard[] = [
  {
    name: 'MongoDB: a document whose id is within an array holds up no other',
    file: 'connectors/mongodb/source/key-order.ts',
    from: "const names = path.split('.');",
    to: 'const names = [path];',
    caughtBy: { test: order, only: 'anywhere on the path' },
  },
  {
    name: 'MongoDB: an array is no proof that a source has reached the offset',
    file: 'connectors/mongodb/source/key-order.ts',
    from: '...(isCursor ? withoutArrays(path) : [])',
    to: '',
    caughtBy: { test: order, only: 'anywhere on the path' },
  },
  {
    name: 'MongoDB: every document of a Snapshot has a position',
    file: 'connectors/mongodb/source/collection-reader.ts',
    from: 'this.#requirePositions(page);',
    to: '',
    caughtBy: { test: order, only: 'stops a Snapshot' },
  },
  {
    name: 'MongoDB: documents without a key are read by a Snapshot',
    file: 'connectors/mongodb/source/key-order.ts',
    from: 'isEverything && !isCursor ? {} :',
    to: "isEverything && path === '_id' ? {} :",
    caughtBy: { test: order, only: 'stops a Snapshot' },
  },
  {
    name: 'MongoDB: a row that is larger than a document is not sent',
    file: 'connectors/mongodb/destination/batch-writer.ts',
    from: 'if (isTooLarge) rejections.push(',
    to: 'if (isTooLarge && row < 0) rejections.push(',
    caughtBy: { test: 'connectors/mongodb/destination/destination.test.ts', only: 'larger than a document' },
  },
  {
    name: 'MongoDB: fragments of an event are joined only if none is missing',
    file: 'connectors/mongodb/source/change-events.ts',
    from: 'fragment !== this.#fragments.length || ',
    to: '',
    caughtBy: { test: hostile, only: 'without what they must have' },
  },
  {
    name: 'MongoDB: rows are written only while the commit document is that of the claim',
    file: 'connectors/mongodb/destination/claim.ts',
    from: 'if (!client) await this.#held.require();',
    to: '',
    caughtBy: { test: commits, only: 'writes no row' },
  },
  {
    name: 'MongoDB: the commit document changes only under token, session and offset of its holder',
    file: 'connectors/mongodb/destination/commit-rows.ts',
    from: 'return { token: Long.fromBigInt(token), session, attempt, offset, closed: false };',
    to: 'return token && session && attempt && offset === undefined ? { offset } : {};',
    caughtBy: { test: commits, only: 'begins no pass of Replace' },
  },
  {
    name: 'MongoDB: an offset that somebody else has moved is not overwritten',
    file: 'connectors/mongodb/destination/held-commit.ts',
    from: '!this.#isOurs(found) || found?.attempt !== attempt || found.offset !== offset',
    to: '!this.#isOurs(found) || found?.attempt !== attempt || offset === undefined',
    caughtBy: { test: commits, only: 'somebody else has moved' },
  },
  {
    name: 'MongoDB: a claim replaces the document that it has read',
    file: 'connectors/mongodb/destination/commit-rows.ts',
    from: '? { attempt: before.attempt, token: Long.fromBigInt(before.token) }',
    to: '? {}',
    caughtBy: { test: commits, only: 'of two claimants' },
  },
  {
    name: 'MongoDB: a standalone server is written at least once',
    file: 'connectors/mongodb/connection/server-facts.ts',
    from: "hasTransactions: hasSessions && kind !== 'standalone',",
    to: 'hasTransactions: true,',
    caughtBy: { test: 'connectors/mongodb/destination/destination.test.ts', only: 'the guarantee is that' },
  },
  {
    name: 'MongoDB: a batch that is written again has the ids of the first time',
    file: 'connectors/mongodb/destination/claim.ts',
    from: 'transactions ? {} : { repeatedFrom: this.#held.beginOfBatch() }',
    to: '{}',
    caughtBy: { test: commits, only: 'equal rows without a key' },
  },
  {
    name: 'MongoDB: equal rows of two batches have different ids',
    file: 'connectors/mongodb/destination/held-commit.ts',
    from: '? this.#begun.number + 1 : 0;',
    to: '? 0 : 0;',
    caughtBy: { test: commits, only: 'equal rows without a key' },
  },
  {
    name: 'MongoDB: a COMMIT whose result is not known is looked for before rows are written again',
    file: 'connectors/mongodb/destination/write-transaction.ts',
    from: 'return await wasCommitted();',
    to: 'return false;',
    caughtBy: {
      test: 'connectors/mongodb/destination/write-transaction.test.ts',
      only: 'writes nothing again',
    },
  },
  {
    name: 'MongoDB: the collection of commit documents is one that Idra could have created',
    file: 'connectors/mongodb/destination/own-tables.ts',
    from: 'faults.push(...(await indexFaults(session, signal)));',
    to: 'faults.push();',
    caughtBy: {
      test: 'connectors/mongodb/destination/destination.test.ts',
      only: 'a commit collection with a unique index',
    },
  },
  {
    name: 'MongoDB: a token that is not ahead is refused',
    file: 'connectors/mongodb/source/stream-token.ts',
    from: 'return second > first;',
    to: 'return second !== undefined;',
    caughtBy: { test: 'connectors/mongodb/source/stream-token.test.ts' },
  },
  {
    name: 'MongoDB: a position that the log has lost stops the Sync',
    file: 'connectors/mongodb/source/change-events.ts',
    from: 'if (isCode(thrown, ...historyCodes))',
    to: 'if (historyCodes.length === 0)',
    caughtBy: { test: stream, only: 'no longer has' },
  },
  {
    name: 'MongoDB: the stream begins before the first document was read',
    file: 'connectors/mongodb/source/change-stream.ts',
    from: 'yield* this.#changes(start.from, isStored, signal);',
    to: 'yield* this.#changes((await this.#begin(true, signal)).from, isStored, signal);',
    caughtBy: {
      test: 'connectors/mongodb/conformance.test.ts',
      only: 'everything that is there comes first',
    },
  },
  {
    name: 'MongoDB: a batch ends where a transaction of the source ends',
    file: 'connectors/mongodb/source/change-stream.ts',
    from: 'return this.endsBefore(event) || this.#transactionBytes > mostTransactionBytes;',
    to: 'return true;',
    caughtBy: { test: stream, only: 'changes of one transaction' },
  },
  {
    name: 'MongoDB: an event whose last fragment has not arrived is not passed on',
    file: 'connectors/mongodb/source/change-events.ts',
    from: 'if (fragment !== of) return undefined;',
    to: '',
    caughtBy: { test: stream, only: 'arrives in fragments' },
  },
  {
    name: 'MongoDB: a stream that has ended is not continued as if nothing happened',
    file: 'connectors/mongodb/source/change-stream.ts',
    from: 'throw this.#ended(event.type);',
    to: 'return;',
    caughtBy: { test: stream, only: 'a dropped collection' },
  },
  {
    name: 'MongoDB: times that may not be final are held back',
    file: 'connectors/mongodb/source/late-row-bound.ts',
    from: '(await ask.serverTime()) - BigInt(lagMs);',
    to: '(await ask.serverTime()) + BigInt(lagMs);',
    caughtBy: { test: 'connectors/mongodb/source/late-row-bound.test.ts', only: 'a time is final' },
  },
  {
    name: 'MongoDB: an id is read when it is final',
    file: 'connectors/mongodb/source/late-row-bound.ts',
    from: 'if (lagMs === 0) return',
    to: 'if (lagMs >= 0) return',
    caughtBy: { test: 'connectors/mongodb/source/late-row-bound.test.ts', only: 'an id is final' },
  },
  {
    name: 'MongoDB: a filter runs no code at the server',
    file: 'connectors/mongodb/source/filter.ts',
    from: 'if (refused.has(name))',
    to: 'if (refused.size === 0)',
    caughtBy: { test: 'connectors/mongodb/source/filter.test.ts' },
  },
  {
    name: 'MongoDB: a message that announces too much is not waited for',
    file: 'connectors/mongodb/connection/message-limits.ts',
    from: 'if (length < headerBytes || length > limit)',
    to: 'if (length < 4)',
    caughtBy: { test: hostile, only: 'announces messages of a wrong length during' },
  },
  {
    name: 'MongoDB: a server does not decide how long a login is computed',
    file: 'connectors/mongodb/connection/message-limits.ts',
    from: 'if (Number(digits) > maxIterations)',
    to: 'if (maxIterations === 0)',
    caughtBy: { test: hostile, only: 'very many iterations' },
  },
];
