import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { MongoNetworkError, MongoServerError } from 'mongodb';
import type { Session } from '../session.ts';
import { WriteTransactions } from './write-transaction.ts';

/** A server that answers each COMMIT with the next of these, and counts what it was asked. */
function scripted(commits: readonly (Error | undefined)[]) {
  const counts = { begun: 0, commits: 0, aborted: 0 };
  let isOpen = false;
  const client = {
    id: undefined,
    inTransaction: () => isOpen,
    startTransaction() {
      counts.begun += 1;
      isOpen = true;
    },
    async commitTransaction() {
      isOpen = false;
      const error = commits[counts.commits];
      counts.commits += 1;
      if (error) throw error;
    },
    async abortTransaction() {
      counts.aborted += 1;
      isOpen = false;
    },
    async endSession() {},
  };
  const session = { isLost: false, where: 'test', startSession: () => client } as unknown as Session;
  return { transactions: new WriteTransactions(session), counts };
}

function failure(code: number, ...labels: readonly string[]): MongoServerError {
  const error = new MongoServerError({ message: 'x', code });
  for (const label of labels) error.addErrorLabel(label);
  return error;
}

const unknown = 'UnknownTransactionCommitResult';
const transientLabel = 'TransientTransactionError';

describe('a COMMIT that fails', () => {
  const cases: readonly (readonly [
    what: string,
    commits: readonly (Error | undefined)[],
    wasCommitted: boolean,
    expected: object,
  ])[] = [
    ['succeeds at once', [undefined], false, { begun: 1, commits: 1, written: 1 }],
    [
      'with an unknown result is repeated in its own transaction',
      [failure(91, unknown), undefined],
      false,
      { begun: 1, commits: 2, written: 1 },
    ],
    [
      'by the network is repeated in its own transaction',
      [new MongoNetworkError('cut'), undefined],
      false,
      { begun: 1, commits: 2, written: 1 },
    ],
    [
      'with NoSuchTransaction after it was committed writes nothing again',
      [failure(251)],
      true,
      { begun: 1, commits: 1, written: 1 },
    ],
    [
      'with NoSuchTransaction that was not committed is another transaction',
      [failure(251), undefined],
      false,
      { begun: 2, commits: 2, written: 2 },
    ],
    [
      'with a repeated COMMIT that ends in NoSuchTransaction is looked for',
      [failure(91, unknown), failure(251)],
      true,
      { begun: 1, commits: 2, written: 1 },
    ],
    [
      'with a label that nothing was committed is another transaction',
      [failure(112, transientLabel), undefined],
      true,
      { begun: 2, commits: 2, written: 2 },
    ],
    [
      'with a conflict without a label is looked for',
      [failure(112)],
      true,
      { begun: 1, commits: 1, written: 1 },
    ],
    [
      'with a serialization failure that was not committed is another transaction',
      [failure(16_777_220), undefined],
      false,
      { begun: 2, commits: 2, written: 2 },
    ],
  ];
  for (const [what, commits, wasCommitted, expected] of cases) {
    test(what, async () => {
      const { transactions, counts } = scripted(commits);
      let written = 0;
      await transactions.run(
        async () => {
          written += 1;
        },
        async () => wasCommitted,
      );
      assert.deepEqual({ begun: counts.begun, commits: counts.commits, written }, expected);
    });
  }
});

describe('a statement that fails', () => {
  for (const [what, error] of [
    ['a label', failure(251, transientLabel)],
    ['the code of a write conflict', failure(112)],
    ['the code of a serialization failure', failure(16_777_220)],
  ] as const) {
    test(`with ${what} begins again in another transaction`, async () => {
      const { transactions, counts } = scripted([undefined]);
      let attempts = 0;
      const result = await transactions.run(
        async () => {
          attempts += 1;
          if (attempts < 3) throw error;
          return 'done';
        },
        async () => assert.fail('it was not committed'),
      );
      assert.deepEqual([result, counts.begun, counts.aborted, counts.commits], ['done', 3, 2, 1]);
    });
  }
  test('for another reason is not tried again', async () => {
    const { transactions, counts } = scripted([]);
    const refused = failure(121);
    await assert.rejects(
      transactions.run(
        async () => Promise.reject(refused),
        async () => false,
      ),
      (thrown) => thrown === refused,
    );
    assert.deepEqual([counts.begun, counts.aborted, counts.commits], [1, 1, 0]);
  });
});
