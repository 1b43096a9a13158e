import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Session } from '../session.ts';
import { onEachServer } from '../test-harness.ts';
import { TargetShape } from './target-shape.ts';
import { WriteTransaction } from './write-transaction.ts';

const { signal } = new AbortController();

onEachServer((database) => {
  test('a transaction that was committed implicitly commits nothing more', async () => {
    await database.run('CREATE TABLE t (id INT PRIMARY KEY); CREATE TABLE offsets (at INT)');
    const session = await Session.open(database.access, 'writer', signal);
    await session.allowWrites(signal);
    try {
      const schema = (await database.run('SELECT DATABASE()'))[0]?.[0] ?? '';
      const target = await TargetShape.read(
        session,
        { schema, table: 't' },
        'spec.destination.table',
        signal,
      );
      assert.ok(target);
      const transaction = new WriteTransaction(session, target);
      await transaction.run(['INSERT INTO t VALUES (1)']);
      await session.run('COMMIT');
      await transaction.run(['INSERT INTO t VALUES (2)']);
      await assert.rejects(transaction.commit('INSERT INTO offsets VALUES (2); COMMIT'), {
        code: 'TransactionRolledBack',
        disposition: 'transient',
      });
      assert.deepEqual(await database.run('SELECT * FROM offsets'), []);
    } finally {
      // Otherwise dropping the database waits for its locks.
      await session.close();
    }
  });
});
