import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { installCrashHook } from '../../../core/crash-points.ts';
import type { IdraError } from '../../../core/errors.ts';
import { decodeOffset } from '../../../core/offset.ts';
import { isFenced } from '../../sql/test-flow.ts';
import { claimUnplanned, servers, TestDatabase } from '../test-harness.ts';

const signal = new AbortController().signal;

for (const [name, start] of servers) {
  describe(name, () => {
    let database: TestDatabase;
    before(async () => {
      database = await TestDatabase.create(start);
    });
    after(() => database?.stop());

    const run = (sql: string) => database.run(sql);
    const commitRow = (table: string) => database.commitRow(table);

    const fill = (table: string, rows: number) => database.fill(table, rows);

    async function equal(from: string, to: string): Promise<void> {
      const rows = (table: string) => run(`SELECT * FROM ${table} ORDER BY 1`);
      assert.deepEqual(await rows(to), await rows(from));
    }

    describe('Upsert', () => {
      test('a snapshot creates the table with its key, keeps the offset with each batch, and its second pass changes what has changed', async () => {
        await fill('up_from', 100);
        const flow = await database.flow({ from: 'up_from', to: 'up_to', maxRows: 30 });
        const claim = await flow.claim();
        assert.deepEqual([claim.token, claim.offset, claim.rows], [1n, null, 0]);
        const { batches } = await flow.pass();
        assert.deepEqual(
          batches.map((batch) => batch.rowCount),
          [30, 30, 30, 10],
        );
        await equal('up_from', 'up_to');
        const [[, offset, rows] = []] = await commitRow('up_to');
        assert.deepEqual(decodeOffset(offset ?? ''), {
          mode: 'Snapshot',
          pass: 1,
          key: null,
          isComplete: true,
        });
        assert.equal(rows, '100');
        await run(
          "UPDATE up_from SET body = 'changed' WHERE id % 7 = 0; INSERT INTO up_from VALUES (1000, 'new')",
        );
        await flow.pass({ mode: 'Snapshot', pass: 2, key: null, isComplete: false });
        await equal('up_from', 'up_to');
        assert.equal((await commitRow('up_to'))[0]?.[2], '201');
        await flow.close();
      });

      for (const more of ['', ', UNIQUE KEY by_n (n)']) {
        test(`a key of which only the case has changed arrives as it is${more && ', with another unique index beside'}`, async () => {
          const [from, to] = more ? ['case_from2', 'case_to2'] : ['case_from', 'case_to'];
          await run(`CREATE TABLE ${from} (k VARCHAR(9) COLLATE utf8mb4_general_ci PRIMARY KEY, n INT${more}); INSERT INTO ${from} VALUES ('abc', 1), ('d', 2);
            CREATE TABLE ${to} LIKE ${from}`);
          const flow = await database.flow({ from, to, uid: to });
          await flow.claim();
          await flow.pass();
          await run(`UPDATE ${from} SET k = 'ABC', n = 3 WHERE n = 1`);
          await flow.pass({ mode: 'Snapshot', pass: 2, key: null, isComplete: false });
          await equal(from, to);
          await flow.close();
        });
      }

      test('of several rows of one key the last in read order wins', async () => {
        await fill('twice', 40);
        await run(
          'ALTER TABLE twice ADD k INT AS (id % 5) STORED; CREATE TABLE twice_to (id BIGINT, body VARCHAR(40), k INT PRIMARY KEY)',
        );
        const flow = await database.flow({ from: 'twice', to: 'twice_to', key: ['k'], maxRows: 15 });
        await flow.claim();
        await flow.pass();
        const rows = await run('SELECT k, body FROM twice_to ORDER BY k');
        assert.deepEqual(rows, [
          ['0', 'row 40'],
          ['1', 'row 36'],
          ['2', 'row 37'],
          ['3', 'row 38'],
          ['4', 'row 39'],
        ]);
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

      test('keys that differ in a blank at the end, or in case, are two rows', async () => {
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

      test('an id of 0 stays 0, generated columns are left out, and a column of the key alone is enough', async () => {
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

      /** The columns become too narrow behind the plan's back: the server's own word is what counts. */
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

    describe('Append', () => {
      test('by id goes on after the last one, and counts what it wrote', async () => {
        await fill('log_from', 10);
        const flow = await database.flow({
          from: 'log_from',
          to: 'log_to',
          mode: 'Id',
          idField: 'id',
          writeMode: 'Append',
        });
        await flow.claim();
        const { batches } = await flow.pass();
        await run("INSERT INTO log_from VALUES (11, 'later')");
        await flow.pass(batches.at(-1)?.offset);
        await equal('log_from', 'log_to');
        assert.equal((await commitRow('log_to'))[0]?.[2], '11');
        await flow.close();
      });

      test('a table without a key is one transaction, of which nothing is seen before its end', async () => {
        await run("CREATE TABLE keyless (body VARCHAR(10)); INSERT INTO keyless VALUES ('a'), ('a'), ('b')");
        const flow = await database.flow({
          from: 'keyless',
          to: 'keyless_to',
          writeMode: 'Append',
          maxRows: 2,
        });
        await flow.claim();
        const request = {
          ...flow.request,
          after: { mode: 'Snapshot', pass: 1, key: null, isComplete: false },
        } as const;
        await flow.destination.beginPass({ pass: 1, isResumed: false, isAtomic: true }, signal);
        for await (const batch of flow.source.read(request, signal)) {
          await flow.destination.write(batch, signal);
          assert.deepEqual(await run('SELECT COUNT(*) FROM keyless_to'), [['0']]);
        }
        await flow.destination.endPass({ ...request.after, isComplete: true }, signal);
        assert.deepEqual(await run('SELECT * FROM keyless_to ORDER BY body'), [['a'], ['a'], ['b']]);
        assert.equal((await commitRow('keyless_to'))[0]?.[2], '3');
        await flow.close();
      });
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

    describe('the fence', () => {
      async function openOwner(to: string) {
        const flow = await database.flow({ from: 'fence_from', to, maxRows: 10 });
        return flow;
      }
      before(() => fill('fence_from', 40));

      test('a lower token is refused, at the claim and at the commit', async () => {
        const old = await openOwner('fence_to');
        await old.claim({ token: 5n });
        const [first] = await readBatches(old);
        const newer = await openOwner('fence_to');
        await newer.claim({ token: 7n });
        await assert.rejects(old.destination.write(first!, signal));
        const late = await openOwner('fence_to');
        await assert.rejects(late.claim({ token: 6n }), isFenced);
        assert.deepEqual(await run('SELECT COUNT(*) FROM fence_to'), [['0']]);
        await Promise.all([old.close(), newer.close(), late.close()]);
      });

      test('an owner that is stopped before its COMMIT, holding locks, is ended by the claimant and writes nothing', async () => {
        const old = await openOwner('held_to');
        await old.claim({ token: 1n });
        const [first] = await readBatches(old);
        let release: () => void = () => {};
        const reached = new Promise<void>((resolve) => {
          installCrashHook((point) => {
            if (point !== 'commit:before') return;
            resolve();
            return new Promise<void>((go) => {
              release = go;
            });
          });
        });
        const writing = old.destination.write(first!, signal);
        await reached;
        installCrashHook(undefined);
        const newer = await openOwner('held_to');
        await newer.claim({ token: 2n });
        await newer.pass();
        await equal('fence_from', 'held_to');
        release();
        await assert.rejects(writing);
        await equal('fence_from', 'held_to');
        assert.equal((await commitRow('held_to'))[0]?.[2], '40');
        await Promise.all([old.close(), newer.close()]);
      });

      test('the check of the token and COMMIT are one message: a row that is not there under the token ends it', async () => {
        const flow = await openOwner('gone_to');
        await flow.claim({ token: 3n });
        const [first] = await readBatches(flow);
        await run("UPDATE _idra_commits SET token = 4 WHERE `table` = 'gone_to'");
        await assert.rejects(flow.destination.write(first!, signal), isFenced);
        assert.deepEqual(await run('SELECT COUNT(*) FROM gone_to'), [['0']]);
        await flow.close();
      });

      async function readBatches(flow: Awaited<ReturnType<typeof openOwner>>) {
        const batches = [];
        const after = { mode: 'Snapshot', pass: 1, key: null, isComplete: false } as const;
        for await (const batch of flow.source.read({ ...flow.request, after }, signal)) batches.push(batch);
        return batches;
      }
    });
  });
}
