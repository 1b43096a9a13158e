import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { installCrashHook } from '../../../core/crash-points.ts';
import { decodeOffset, encodeOffset } from '../../../core/offset.ts';
import { servers, TestDatabase } from '../test-harness.ts';

const signal = new AbortController().signal;
const start2 = { mode: 'Snapshot', pass: 2, key: null, isComplete: false } as const;

for (const [name, start] of servers) {
  describe(name, () => {
    let database: TestDatabase;
    before(async () => {
      database = await TestDatabase.create(start);
    });
    after(() => database?.stop());

    const run = (sql: string) => database.run(sql);

    describe('a target that changes under a claim', () => {
      const changes: Readonly<Record<string, string>> = {
        'a column is added': 'ALTER TABLE target ADD n INT',
        'a column is narrowed': 'ALTER TABLE target MODIFY body VARCHAR(6) NOT NULL',
        'a column is retyped': 'ALTER TABLE target MODIFY body VARBINARY(80) NOT NULL',
        'a column is renamed': 'ALTER TABLE target RENAME COLUMN body TO words',
        'another collation': 'ALTER TABLE target MODIFY body VARCHAR(40) COLLATE utf8mb4_unicode_ci NOT NULL',
        'the key is dropped': 'ALTER TABLE target DROP PRIMARY KEY',
        'it is made again': 'DROP TABLE target; CREATE TABLE target LIKE kept',
        'another one has its name': 'RENAME TABLE target TO gone, kept TO target',
      };
      for (const writeMode of ['Append', 'Upsert', 'Replace'] as const) {
        for (const [what, change] of Object.entries(changes)) {
          test(`${writeMode}: ${what}`, async () => {
            await run('DROP TABLE IF EXISTS origin, target, kept, gone, _idra_commits');
            await database.fill('origin', 3);
            const flow = await database.flow({ from: 'origin', to: 'target', writeMode, uid: what });
            await flow.claim();
            await flow.pass();
            // Tables are told apart by the second in which they were made.
            if (what.includes('again') || what.includes('another one')) await run('SELECT SLEEP(1.1)');
            await run('CREATE TABLE kept LIKE target');
            await run(`${change}; UPDATE origin SET body = 'changed'`);
            const before = await database.commitRow('target');
            await assert.rejects(flow.pass(start2), { code: 'SchemaChanged', disposition: 'transient' });
            assert.deepEqual(
              await run(
                "SELECT COUNT(*) FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = 'target'",
              ),
              [[what.includes('added') ? '3' : '2']],
            );
            if (!what.includes('renamed'))
              assert.deepEqual(await run("SELECT COUNT(*) FROM target WHERE body = 'changed'"), [['0']]);
            if (writeMode !== 'Replace') assert.deepEqual(await database.commitRow('target'), before);
            await flow.close();
          });
        }
      }

      test('an index or a comment is no reason to stop', async () => {
        await database.fill('quiet', 3);
        const flow = await database.flow({ from: 'quiet', to: 'quiet_to' });
        await flow.claim();
        await run('ALTER TABLE quiet_to ADD INDEX (body)');
        await flow.pass().catch((error: { code?: string }) => {
          // Where an index makes the table's file again it looks like another table: the Sync opens anew, and goes on.
          assert.equal(error.code, 'SchemaChanged');
        });
        await flow.close();
      });

      test('no DDL comes between the look at the target and COMMIT', async () => {
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

      test('a table that somebody makes between plan and claim', async () => {
        await database.fill('raced', 3);
        const flow = await database.flow({ from: 'raced', to: 'raced_to' });
        await run('CREATE TABLE raced_to (id INT PRIMARY KEY, body VARCHAR(2))');
        await assert.rejects(flow.claim(), { code: 'SchemaChanged' });
        await flow.close();
        const again = await database.flow({ from: 'raced', to: 'raced_new', uid: 'again' });
        await again.claim();
        await again.close();
        const third = await database.flow({ from: 'raced', to: 'raced_new', uid: 'again' });
        await run('ALTER TABLE raced_new ADD extra INT');
        await assert.rejects(third.claim(), { code: 'SchemaChanged' });
        await third.close();
      });
    });

    describe('one transaction', () => {
      /** A table without a key into one with a key: the pass is one transaction of several batches. */
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
        test(`an upsert whose pass is one commits nothing in the middle (${onError})`, async () => {
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
        // As an implicit commit or a deadlock would: the session is in no transaction any more, and does not know.
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

      /** A deadlock with another transaction, of which the writer is the victim: it has changed fewer rows. */
      async function endTransactionOf(table: string): Promise<void> {
        const other = await database.client();
        await other.query(`CREATE TABLE IF NOT EXISTS heavy (i INT PRIMARY KEY); START TRANSACTION; INSERT INTO heavy WITH RECURSIVE n AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM n WHERE i < 500) SELECT i FROM n;
          INSERT INTO ${table} VALUES (3, 'other')`);
        void other.query(`INSERT INTO ${table} VALUES (1, 'other')`).then(
          () => other.query('ROLLBACK'),
          () => other.query('ROLLBACK'),
        );
      }
    });

    test('an offset that somebody else has moved is not moved on, nor back', async () => {
      await database.fill('moved', 3);
      const flow = await database.flow({ from: 'moved', to: 'moved_to', maxRows: 1 });
      await flow.claim();
      const reading = flow.source.read({ ...flow.request, after: { ...start2, pass: 1 } }, signal);
      await flow.destination.beginPass({ pass: 1, isResumed: false, isAtomic: false }, signal);
      const { value: first } = await reading.next();
      assert.ok(first && 'rows' in first);
      await flow.destination.write(first, signal);
      const other = encodeOffset({ mode: 'Snapshot', pass: 1, key: ['3'], isComplete: false });
      await run(`UPDATE _idra_commits SET \`offset\` = '${other}' WHERE \`table\` = 'moved_to'`);
      const { value: second } = await reading.next();
      assert.ok(second && 'rows' in second);
      await assert.rejects(flow.destination.write(second, signal), {
        code: 'OffsetMoved',
        disposition: 'transient',
      });
      const [[, offset] = []] = await database.commitRow('moved_to');
      assert.deepEqual(decodeOffset(offset ?? ''), decodeOffset(other));
      assert.deepEqual(await run('SELECT COUNT(*) FROM moved_to'), [['1']]);
      await reading.return({ bound: { kind: 'none' }, isHeldBack: false });
      await flow.close();
    });
  });
}
