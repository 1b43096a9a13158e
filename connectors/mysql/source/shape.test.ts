import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { ReadRequest } from '../../../core/connector.ts';
import { until } from '../../../e2e/kit/wait.ts';
import { connector } from '../connector.ts';
import { onEachServer } from '../test-harness.ts';

const signal = new AbortController().signal;

onEachServer((database) => {
  const run = (sql: string) => database.run(sql);

  describe('a source that changes between two pages', () => {
    const changes: Readonly<Record<string, string>> = {
      'a column is widened': 'MODIFY body VARCHAR(80) NOT NULL',
      'a column may be NULL': 'MODIFY body VARCHAR(40) NULL',
      'another collation': 'MODIFY body VARCHAR(40) CHARACTER SET latin1 NOT NULL',
      'another order': 'MODIFY body VARCHAR(40) NOT NULL FIRST',
      'the key has another type': 'MODIFY id INT',
    };
    for (const [what, change] of Object.entries(changes)) {
      test(what, async () => {
        await run('DROP TABLE IF EXISTS moving');
        await database.fill('moving', 3);
        const flow = await database.flow({ from: 'moving', to: 'never', maxRows: 1, uid: what });
        const reading = flow.source.read(
          { ...flow.request, after: { mode: 'Snapshot', pass: 1, key: null, isComplete: false } },
          signal,
        );
        assert.equal((await reading.next()).done, false);
        await run(`ALTER TABLE moving ${change}`);
        await assert.rejects(reading.next(), { code: 'SchemaChanged', disposition: 'transient' });
        await flow.close();
      });
    }

    test('swapped names, a rebuilt table, and a table that is gone', async () => {
      await database.fill('swap_a', 3);
      await run('CREATE TABLE swap_b (body VARCHAR(40) NOT NULL, id BIGINT PRIMARY KEY)');
      const flow = await database.flow({ from: 'swap_a', to: 'never', maxRows: 1 });
      await run('RENAME TABLE swap_a TO swap_c, swap_b TO swap_a');
      const request: ReadRequest = {
        ...flow.request,
        after: { mode: 'Snapshot', pass: 1, key: null, isComplete: false },
      };
      await assert.rejects(flow.source.read(request, signal).next(), { code: 'SchemaChanged' });
      await run('RENAME TABLE swap_a TO swap_b, swap_c TO swap_a');
      const { value } = await flow.source.read(request, signal).next();
      assert.ok(value && 'rowCount' in value && value.rowCount === 1);
      await run('DROP TABLE swap_a');
      await assert.rejects(flow.source.read(request, signal).next(), { code: 'TableNotFound' });
      await flow.close();
    });

    test('a view whose table changes', async () => {
      await database.fill('under', 3);
      await run('CREATE VIEW over_it AS SELECT id, body FROM under');
      const flow = await database.flow({ from: 'over_it', to: 'never', maxRows: 1, sourceKey: ['id'] });
      const reading = flow.read();
      assert.equal((await reading.next()).done, false);
      await run('ALTER TABLE under MODIFY body VARCHAR(60)');
      await assert.rejects(reading.next(), { code: 'SchemaChanged' });
      await flow.close();
    });

    test('a user with rights on columns only', async () => {
      await database.fill('columns_only', 2);
      const other = await database.userWith(`SELECT (id, body) ON ${database.name}.columns_only`);
      const flow = await database.flow(
        { from: 'columns_only', to: 'never', maxRows: 1 },
        database.access,
        other,
      );
      const reading = flow.source.read(
        { ...flow.request, after: { mode: 'Snapshot', pass: 1, key: null, isComplete: false } },
        signal,
      );
      assert.equal((await reading.next()).done, false);
      await run('ALTER TABLE columns_only MODIFY body VARCHAR(60)');
      await assert.rejects(reading.next(), { code: 'SchemaChanged' });
      await flow.close();
    });

    test('no DDL runs between the check of the shape and the rows', async () => {
      await run(`CREATE TABLE slow (id INT PRIMARY KEY, pad LONGTEXT);
          INSERT INTO slow WITH RECURSIVE n AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM n WHERE i < 200) SELECT i, REPEAT('x', 100000) FROM n`);
      const source = await connector.openSource(database.access, { table: 'slow' }, signal);
      const relation = await source.describe(signal);
      const reading = source.read(
        {
          relation,
          columns: relation.columns.map((column) => ({ column })),
          mode: 'Snapshot',
          key: [],
          timeZone: 'UTC',
          after: { mode: 'Snapshot', pass: 1, key: null, isComplete: false },
          limits: { maxRows: 10, maxBytes: 1_000_000 },
          rowFormat: { format: 'values' },
        },
        signal,
      );
      const { value: first } = await reading.next();
      const altering = database.client().then((client) => client.query('ALTER TABLE slow ADD n INT'));
      await until(
        async () =>
          (await database.server.query('SHOW FULL PROCESSLIST')).some((row) =>
            /metadata lock/.test(String(row.State)),
          ),
        { what: 'the ALTER to wait' },
      );
      let rows = first && 'rowCount' in first ? first.rowCount : 0;
      for await (const batch of reading) rows += batch.rowCount;
      assert.equal(rows, 200);
      await altering;
      await source.close();
    });
  });
});
