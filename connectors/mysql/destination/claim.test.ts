import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { until } from '../../../e2e/kit/wait.ts';
import { isFenced } from '../../sql/test-flow.ts';
import { servers, TestDatabase } from '../test-harness.ts';

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

    test('restart, adoption of another uid, closing and setting by hand', async () => {
      await fill('claim_from', 5);
      const options = { from: 'claim_from', to: 'claim_to', mode: 'Id', idField: 'id' } as const;
      const flow = await database.flow({ ...options, uid: 'one' });
      await flow.claim();
      await flow.pass();
      const other = await database.flow({ ...options, uid: 'two' });
      const adopted = await other.claim({ adoptFrom: 'one' });
      assert.deepEqual([adopted.token, adopted.rows, adopted.offset], [2n, 5, '{"mode":"Id","id":"5"}']);
      const rows = await other.destination.commitRows('two', signal);
      assert.deepEqual(rows.map((row) => [row.uid, row.isClosed]).sort(), [
        ['one', true],
        ['two', false],
      ]);
      assert.deepEqual(
        rows.map((row) => row.token),
        [2n, 2n],
        'the adopted row has the new token too, so that its old owner is fenced whatever becomes of it',
      );
      const late = await database.flow({ ...options, uid: 'three' });
      const nothing = await late.claim({ adoptFrom: 'one' });
      assert.deepEqual([nothing.offset, nothing.rows], [null, 0], 'a closed row is not there to be adopted');
      await late.close();
      const change = { uid: 'two', expected: adopted.offset, offset: '{"mode":"Id","id":"2"}', token: 2n };
      assert.equal((await other.destination.setOffset(change, signal)).offset, '{"mode":"Id","id":"2"}');
      await assert.rejects(other.destination.setOffset(change, signal), { code: 'OffsetMoved' });
      await assert.rejects(other.destination.setOffset({ ...change, token: 1n }, signal), isFenced);
      const restarted = await other.claim({ offset: 'restart' });
      assert.deepEqual([restarted.token, restarted.rows, restarted.offset], [3n, 0, null]);
      await assert.rejects(other.destination.closeRows('two', 2n, signal), isFenced);
      await other.destination.closeRows('two', 3n, signal);
      assert.deepEqual(await run("SELECT closed FROM _idra_commits WHERE uid = 'two'"), [['1']]);
      await Promise.all([flow.close(), other.close()]);
    });

    test('a commit table of a newer layout is left as it is', async () => {
      await fill('newer_from', 2);
      const flow = await database.flow({ from: 'newer_from', to: 'newer_to', mode: 'Id', idField: 'id' });
      await flow.claim();
      await run("UPDATE _idra_commits SET layout = 99 WHERE `table` = 'newer_to'");
      await assert.rejects(flow.claim(), { code: 'CommitTableNewer' });
      assert.deepEqual(await run('SELECT token FROM _idra_commits WHERE layout = 99'), [['1']]);
      await flow.close();
    });

    test('LastDestination keeps token and rows, and no offset; the largest values are canonical', async () => {
      await run(`CREATE TABLE last_from (id BIGINT PRIMARY KEY, at TIMESTAMP(6) NOT NULL);
        INSERT INTO last_from VALUES (9007199254740993, '2026-11-24 08:00:00.123400'), (2, '2026-11-24 08:00:00.1234')`);
      const flow = await database.flow({
        from: 'last_from',
        to: 'last_to',
        mode: 'Timestamp',
        timestampField: 'at',
      });
      await flow.claim({ keepsOffset: false });
      assert.equal(await flow.destination.largest(['at', 'id'], signal), null);
      await flow.pass();
      assert.deepEqual(await flow.destination.largest(['at', 'id'], signal), [
        '2026-11-24 08:00:00.1234Z',
        9007199254740993n,
      ]);
      const [[, offset, rows] = []] = await commitRow('last_to');
      assert.deepEqual([offset, rows], [null, '2']);
      await flow.close();
    });

    test('columns that are missing are added', async () => {
      await run(
        "CREATE TABLE add_from (id INT PRIMARY KEY, body VARCHAR(9), more JSON); INSERT INTO add_from VALUES (1, 'b', '[1]'); CREATE TABLE add_to (id INT PRIMARY KEY)",
      );
      const flow = await database.flow({ from: 'add_from', to: 'add_to' });
      await flow.claim();
      await flow.pass();
      assert.deepEqual(await run('SELECT * FROM add_to'), [['1', 'b', '[1]']]);
      await flow.close();
    });

    test('a session that the claim ended is rolled back, whatever it held', async () => {
      await fill('rolled_from', 3);
      const flow = await database.flow({ from: 'rolled_from', to: 'rolled_to' });
      await flow.claim({ token: 1n });
      const holders = () => run("SELECT session FROM _idra_commits WHERE `table` = 'rolled_to'");
      const [[first] = []] = await holders();
      const next = await database.flow({ from: 'rolled_from', to: 'rolled_to' });
      await next.claim({ token: 2n });
      assert.notEqual((await holders())[0]?.[0], first);
      await until(async () => (await run('SHOW PROCESSLIST')).every(([id]) => id !== first), {
        what: 'the first session to end',
      });
      await Promise.all([flow.close(), next.close()]);
    });
  });
}
