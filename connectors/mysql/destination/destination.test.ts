import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { IdraError } from '../../../core/errors.ts';
import { claimUnplanned, onEachServer } from '../test-harness.ts';

const signal = new AbortController().signal;

onEachServer((database) => {
  const run = (sql: string) => database.run(sql);
  const commitRow = (table: string) => database.commitRow(table);

  describe('Upsert', () => {
    test('a key of which only the case has changed is updated, also with another unique index', async () => {
      await run(`CREATE TABLE case_from (k VARCHAR(9) COLLATE utf8mb4_general_ci PRIMARY KEY, n INT, UNIQUE KEY by_n (n));
          INSERT INTO case_from VALUES ('abc', 1), ('d', 2); CREATE TABLE case_to LIKE case_from`);
      const flow = await database.flow({ from: 'case_from', to: 'case_to' });
      await flow.claim();
      await flow.pass();
      await run("UPDATE case_from SET k = 'ABC', n = 3 WHERE n = 1");
      await flow.pass({ mode: 'Snapshot', pass: 2, key: null, isComplete: false });
      const rows = (table: string) => run(`SELECT * FROM ${table} ORDER BY 1`);
      assert.deepEqual(await rows('case_to'), await rows('case_from'));
      await flow.close();
    });

    test('never writes over a row of another key that shares a value of a second unique index', async () => {
      await run(`CREATE TABLE second_from (id INT PRIMARY KEY, mail VARCHAR(20) NOT NULL); INSERT INTO second_from VALUES (1, 'a'), (2, 'b');
          CREATE TABLE second_to (id INT PRIMARY KEY, mail VARCHAR(20) NOT NULL UNIQUE); INSERT INTO second_to VALUES (1, 'old'), (9, 'b')`);
      const flow = await database.flow({ from: 'second_from', to: 'second_to' });
      await flow.claim();
      await assert.rejects(flow.pass(), { code: 'ConstraintViolated' });
      assert.deepEqual(await run('SELECT * FROM second_to ORDER BY id'), [
        ['1', 'old'],
        ['9', 'b'],
      ]);
      await run("UPDATE second_to SET mail = 'c' WHERE id = 9");
      await flow.pass();
      assert.deepEqual(await run('SELECT * FROM second_to ORDER BY id'), [
        ['1', 'a'],
        ['2', 'b'],
        ['9', 'c'],
      ]);
      await flow.close();
    });

    test('keys that differ in a trailing space or in case are two rows', async () => {
      await run(`CREATE TABLE blanks (k VARBINARY(10) PRIMARY KEY, v INT);
          INSERT INTO blanks VALUES ('a', 1), ('a ', 2), ('A', 3)`);
      const query = 'SELECT CONVERT(k USING utf8mb4) AS k, v FROM blanks';
      const flow = await database.flow({
        from: '',
        query,
        to: 'blanks_to',
        sourceKey: ['k'],
        maxRows: 1,
        writeMode: 'Append',
        mode: 'Id',
        idField: 'v',
      });
      await flow.claim();
      await flow.pass();
      assert.deepEqual(await run('SELECT v FROM blanks_to ORDER BY v'), [['1'], ['2'], ['3']]);
      await flow.close();
    });

    test('an id of 0 stays 0, generated columns are left out, and a table of key columns only is accepted', async () => {
      await run(`CREATE TABLE zero (id INT PRIMARY KEY); INSERT INTO zero VALUES (0), (5);
          CREATE TABLE zero_to (id INT PRIMARY KEY AUTO_INCREMENT, a INT NOT NULL DEFAULT 4, twice INT AS (a * 2) STORED); INSERT INTO zero_to (id) VALUES (5)`);
      const flow = await database.flow({ from: 'zero', to: 'zero_to' });
      await flow.claim();
      await flow.pass();
      assert.deepEqual(await run('SELECT * FROM zero_to ORDER BY id'), [
        ['0', '4', '8'],
        ['5', '4', '8'],
      ]);
      await flow.close();
    });
  });

  describe('rows that the table cannot keep', () => {
    const query =
      "SELECT i AS id, IF(i = 7, NULL, IF(i = 30, 'much too long', 'x')) AS body, CAST(i + IF(i = 20, 0.001, 0) AS DECIMAL(10,3)) AS amount FROM (WITH RECURSIVE n AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM n WHERE i < 40) SELECT i FROM n) AS t";
    const wide = 'id BIGINT PRIMARY KEY, body VARCHAR(40), amount DECIMAL(10,3)';
    const narrow = 'id BIGINT PRIMARY KEY, body VARCHAR(5) NOT NULL, amount DECIMAL(10,2)';

    /** The columns are narrowed after planning, so that the server itself refuses the rows. */
    async function openNarrowed(writeMode: 'Append' | 'Upsert', onError: 'Stop' | 'Skip') {
      const to = `misfits_${writeMode}_${onError}`.toLowerCase();
      await run(`CREATE TABLE ${to} (${wide})`);
      const flow = await database.flow({
        from: '',
        query,
        to,
        sourceKey: ['id'],
        writeMode,
        onError,
        maxRows: 16,
      });
      await run(`DROP TABLE ${to}; CREATE TABLE ${to} (${narrow})`);
      await claimUnplanned(flow);
      return { flow, to };
    }

    for (const writeMode of ['Append', 'Upsert'] as const) {
      test(`${writeMode}: Stop writes nothing of the batch and names the column`, async () => {
        const { flow, to } = await openNarrowed(writeMode, 'Stop');
        await assert.rejects(flow.pass(), (error: IdraError) => {
          assert.equal(error.code, 'ConstraintViolated');
          assert.match(error.message, /row id 7: .*\bbody\b.*the first one of a batch of 16/);
          return true;
        });
        assert.deepEqual(await run(`SELECT COUNT(*) FROM ${to}`), [['0']]);
        await flow.close();
      });

      test(`${writeMode}: Skip leaves them out, and counts them`, async () => {
        const { flow, to } = await openNarrowed(writeMode, 'Skip');
        if (writeMode === 'Upsert') await run(`INSERT INTO ${to} VALUES (3, 'old', 0)`);
        const start = { mode: 'Snapshot', pass: 1, key: null, isComplete: false } as const;
        await flow.destination.beginPass({ pass: 1, isResumed: false, isAtomic: false }, signal);
        const seen: string[] = [];
        for await (const batch of flow.source.read({ ...flow.request, after: start }, signal)) {
          const { rejections } = await flow.destination.write(batch, signal);
          seen.push(...rejections.map((each) => `${each.code} ${each.column} ${each.row}`));
        }
        assert.deepEqual(seen.sort(), [
          'ConstraintViolated body id 7',
          'ValueNotKept amount id 20',
          'ValueNotKept body id 30',
        ]);
        const wanted = Array.from({ length: 40 }, (_, i) => i + 1).filter((i) => ![7, 20, 30].includes(i));
        assert.deepEqual(await run(`SELECT GROUP_CONCAT(id ORDER BY id) FROM ${to} WHERE body = 'x'`), [
          [wanted.join()],
        ]);
        assert.equal((await commitRow(to))[0]?.[2], '37');
        await flow.close();
      });
    }
  });

  test('rows larger than max_allowed_packet, as bytes and as text', async () => {
    await run(`CREATE TABLE large (id INT PRIMARY KEY, b LONGBLOB, t LONGTEXT);
        INSERT INTO large VALUES (1, REPEAT(x'00ff', 5000000), NULL), (2, NULL, REPEAT('long\\n', 2000000))`);
    const flow = await database.flow({ from: 'large', to: 'large_to' });
    await flow.claim();
    await flow.pass();
    await flow.pass({ mode: 'Snapshot', pass: 2, key: null, isComplete: false });
    const sums = (table: string) => run(`SELECT id, SHA2(b, 256), SHA2(t, 256) FROM ${table} ORDER BY id`);
    assert.deepEqual(await sums('large_to'), await sums('large'));
  });
});
