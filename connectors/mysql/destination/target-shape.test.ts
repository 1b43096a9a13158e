import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { installCrashHook } from '../../../core/crash-points.ts';
import { onEachServer } from '../test-harness.ts';

const signal = new AbortController().signal;
const start2 = { mode: 'Snapshot', pass: 2, key: null, isComplete: false } as const;

onEachServer((database) => {
  const run = (sql: string) => database.run(sql);

  describe('a target that changes under a claim', () => {
    const changes: Readonly<Record<string, string>> = {
      'a column is narrowed': 'ALTER TABLE target MODIFY body VARCHAR(6) NOT NULL',
      'another collation': 'ALTER TABLE target MODIFY body VARCHAR(40) COLLATE utf8mb4_unicode_ci NOT NULL',
    };
    for (const [what, change] of Object.entries(changes)) {
      test(what, async () => {
        await run('DROP TABLE IF EXISTS origin, target, _idra_commits');
        await database.fill('origin', 3);
        const flow = await database.flow({ from: 'origin', to: 'target', uid: what });
        await flow.claim();
        await flow.pass();
        await run(`${change}; UPDATE origin SET body = 'changed'`);
        const before = await database.commitRow('target');
        await assert.rejects(flow.pass(start2), { code: 'SchemaChanged', disposition: 'transient' });
        assert.deepEqual(await run("SELECT COUNT(*) FROM target WHERE body = 'changed'"), [['0']]);
        assert.deepEqual(await database.commitRow('target'), before);
        await flow.close();
      });
    }

    test('no DDL runs between the check of the target and COMMIT', async () => {
      await database.fill('held', 3);
      const flow = await database.flow({ from: 'held', to: 'held_to' });
      await flow.claim();
      let altering: Promise<unknown> | undefined;
      const other = await database.client();
      installCrashHook(async (point) => {
        if (point !== 'commit:before' || altering) return;
        altering = other.query('ALTER TABLE held_to ADD n INT');
        await waitForLock();
      });
      const waitForLock = async () => {
        for (;;) {
          const rows = await database.server.query('SHOW FULL PROCESSLIST');
          if (rows.some((row) => /metadata lock/.test(String(row.State)))) return;
        }
      };
      try {
        await flow.pass();
      } catch (error) {
        assert.equal((error as { code?: string }).code, 'SchemaChanged');
      } finally {
        installCrashHook(undefined);
      }
      await altering;
      assert.deepEqual(await run('SELECT COUNT(*), COUNT(n) FROM held_to'), [['3', '0']]);
      await flow.close();
    });
  });

  describe('one transaction', () => {
    /** From a table without a key into one with a key: the pass is one transaction of several batches. */
    async function openAtomic(to: string, onError: 'Stop' | 'Skip' = 'Stop') {
      await run(`DROP TABLE IF EXISTS loose, ${to}; CREATE TABLE loose (id INT NOT NULL, v VARCHAR(20));
          INSERT INTO loose VALUES (1, 'a'), (2, 'b'), (3, 'c'), (4, 'd'), (5, 'e'), (6, 'f');
          CREATE TABLE ${to} (id INT PRIMARY KEY, v VARCHAR(20), CHECK (v <> 'bad'))`);
      const flow = await database.flow({ from: 'loose', to, key: ['id'], maxRows: 2, onError, uid: to });
      await flow.claim();
      const request = {
        ...flow.request,
        after: { mode: 'Snapshot', pass: 1, key: null, isComplete: false },
      } as const;
      await flow.destination.beginPass({ pass: 1, isResumed: false, isAtomic: true }, signal);
      return { flow, request };
    }

    for (const onError of ['Stop', 'Skip'] as const) {
      test(`an upsert in one transaction commits nothing in the middle (${onError})`, async () => {
        const to = `atomic_${onError.toLowerCase()}`;
        const { flow, request } = await openAtomic(to, onError);
        await run(
          `INSERT INTO ${to} VALUES (4, 'old')${onError === 'Skip' ? "; UPDATE loose SET v = 'bad' WHERE id = 5" : ''}`,
        );
        let rejected = 0;
        for await (const batch of flow.source.read(request, signal)) {
          rejected += (await flow.destination.write(batch, signal)).rejected;
          assert.deepEqual(await run(`SELECT id, v FROM ${to}`), [['4', 'old']]);
        }
        await flow.destination.endPass({ ...request.after, isComplete: true }, signal);
        const kept = onError === 'Skip' ? '1a,2b,3c,4d,6f' : '1a,2b,3c,4d,5e,6f';
        assert.deepEqual(await run(`SELECT GROUP_CONCAT(id, v ORDER BY id) FROM ${to}`), [[kept]]);
        assert.equal(rejected, onError === 'Skip' ? 1 : 0);
        assert.equal((await database.commitRow(to))[0]?.[2], String(6 - rejected));
        await flow.close();
      });
    }

    test('a session that is killed in the middle leaves nothing', async () => {
      const { flow, request } = await openAtomic('atomic_killed');
      await run("INSERT INTO atomic_killed VALUES (2, 'old')");
      let batches = 0;
      await assert.rejects(async () => {
        for await (const batch of flow.source.read(request, signal)) {
          await flow.destination.write(batch, signal);
          if (++batches < 2) continue;
          const [owner] = await run("SELECT session FROM _idra_commits WHERE `table` = 'atomic_killed'");
          await database.server.query(`KILL ${owner?.[0]}`);
        }
      });
      assert.deepEqual(await run('SELECT id, v FROM atomic_killed'), [['2', 'old']]);
      await flow.close();
    });

    test('rows of a transaction that the server has ended by itself are not committed in part', async () => {
      const { flow, request } = await openAtomic('atomic_ended');
      const reading = flow.source.read(request, signal);
      const { value: first } = await reading.next();
      assert.ok(first && 'rows' in first);
      await flow.destination.write(first, signal);
      // As after an implicit commit or a deadlock: the session is no longer in a transaction, but does not know it.
      await endTransactionOf('atomic_ended');
      const { value: second } = await reading.next();
      assert.ok(second && 'rows' in second);
      await assert.rejects(
        async () => {
          await flow.destination.write(second, signal);
          await flow.destination.endPass({ ...request.after, isComplete: true }, signal);
        },
        { disposition: 'transient' },
      );
      assert.deepEqual(await run('SELECT * FROM atomic_ended'), []);
      assert.equal((await database.commitRow('atomic_ended'))[0]?.[1], null);
      await reading.return({ bound: { kind: 'none' }, isHeldBack: false });
      await flow.close();
    });

    /** A deadlock with another transaction. The writer is the victim because it has changed fewer rows. */
    async function endTransactionOf(table: string): Promise<void> {
      const other = await database.client();
      await other.query(`CREATE TABLE IF NOT EXISTS heavy (i INT PRIMARY KEY); START TRANSACTION; INSERT INTO heavy WITH RECURSIVE n AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM n WHERE i < 500) SELECT i FROM n;
          INSERT INTO ${table} VALUES (3, 'other')`);
      const waiting = other.query(`INSERT INTO ${table} VALUES (1, 'other')`).catch(() => {});
      // The connection may be closed by then.
      void waiting.then(() => other.query('ROLLBACK')).catch(() => {});
    }
  });
});
