import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BSON, type Document } from 'mongodb';
import type { Session } from '../session.ts';
import { runBulk, type Statement } from './bulk-load.ts';

const statements = [0, 1, 2].map(
  (row): Statement => ({ row, bytes: Buffer.from(BSON.serialize({ _id: row })) }),
);

/** A server that gives these answers, one after the other. */
function targetWith(answers: Document[], maxWrites = 2, isTransaction = false) {
  const session = {
    facts: { maxWrites, maxMessageBytes: 48_000_000 },
    database: { command: async () => answers.shift() ?? assert.fail('it asked too often') },
  } as unknown as Session;
  return { session, collection: 'c', client: isTransaction ? ({} as never) : undefined };
}

test('documents that a majority does not have are not written', async () => {
  const answer = { n: 2, writeConcernError: { code: 64, errmsg: 'waiting for replication timed out' } };
  await assert.rejects(runBulk(targetWith([answer]), 'insert', statements), /not durable on a majority/);
});

test('refused documents are named by their rows, whatever message they were in', async () => {
  const refused = (index: number) => ({ n: 1, writeErrors: [{ index, code: 11_000 }] });
  const result = await runBulk(targetWith([refused(1), refused(0)]), 'insert', statements);
  assert.deepEqual(result.refused, [
    { row: 1, code: 11_000 },
    { row: 2, code: 11_000 },
  ]);
  const inTransaction = await runBulk(targetWith([refused(0)], 2, true), 'insert', statements);
  assert.deepEqual(inTransaction.refused, [{ row: 0, code: 11_000 }]);
});
