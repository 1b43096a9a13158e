import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Batch } from '../../../core/batch.ts';
import { removeFolder, tempFolder } from '../../../e2e/kit/temp.ts';
import { claimOf, execute, openDestination, planFor, query, signal, source } from '../test-harness.ts';

test('a deletion that a trigger ignores is refused, or left out and counted', async () => {
  const folder = await tempFolder('deletions');
  const file = join(folder, 'd.db');
  execute(
    file,
    `CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT); INSERT INTO t VALUES (1, 'a'), (2, 'b');
     CREATE TRIGGER keep BEFORE DELETE ON t WHEN old.id = 2 BEGIN SELECT RAISE(IGNORE); END`,
  );
  const batch: Batch = {
    rows: {
      format: 'values',
      rows: [
        [1n, null],
        [2n, null],
        [9n, null],
      ],
      deletions: [0, 1, 2],
    },
    rowCount: 3,
    byteCount: 10,
    offset: { mode: 'Stream', token: '1' },
  };
  try {
    for (const onError of ['Stop', 'Skip'] as const) {
      const destination = await openDestination(file);
      const plan = await planFor(source, destination, { onError });
      await destination.claim(claimOf({ ...plan, deletes: 'Hard' }), signal);
      const writing = destination.write(batch, signal);
      if (onError === 'Stop')
        await assert.rejects(writing, { code: 'ConstraintViolated', message: /row id 2: a trigger/ });
      else {
        const { deleted, rejected } = await writing;
        assert.deepEqual([deleted, rejected], [1, 1]);
      }
      await destination.close();
      const left = onError === 'Stop' ? [[1], [2]] : [[2]];
      assert.deepEqual(
        query(file, 'SELECT id FROM t ORDER BY id').map(([id]) => [Number(id)]),
        left,
      );
    }
  } finally {
    await removeFolder(folder);
  }
});
