import assert from 'node:assert/strict';
import { after, afterEach, before, describe, test } from 'node:test';
import type { Connection } from 'mysql2/promise';
import type { PassEnd } from '../../../core/connector.ts';
import type { Offset } from '../../../core/offset.ts';
import { until } from '../../../e2e/kit/wait.ts';
import type { Flow, FlowOptions } from '../../sql/test-flow.ts';
import { servers, TestDatabase } from '../test-harness.ts';
import { TransactionWatch } from './open-transactions.ts';

/**
 * In each case somebody takes a time or an id and commits it after others have passed. Without the tested part of the bound, the late row
 * would be lost.
 */
const byTime = { mode: 'Timestamp', timestampField: 'at' } as const;
const byId = { mode: 'Id', idField: 'id', writeMode: 'Append' } as const;
const clocked = 'at DATETIME(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6)';
let tables = 0;

// Most of the time is spent waiting, so both servers are tested at the same time.
describe('late rows', { concurrency: servers.length }, () => {
  for (const [name, start] of servers) {
    describe(name, { concurrency: 1 }, () => {
      let database: TestDatabase;
      before(async () => {
        // An open transaction on a server holds back all who read there, so the test has its own server.
        database = await TestDatabase.create(() => start({ own: true }));
        await database.run('CREATE TABLE gate (id INT) ENGINE = InnoDB');
      });
      afterEach(() => database.disconnect());
      after(() => database?.stop());
      const run = (sql: string) => database.run(sql);

      /** A sync whose passes continue where the last one ended. */
      class Passes {
        readonly table: string;
        readonly flow: Flow;
        #offset: Offset | null = null;

        constructor(table: string, flow: Flow) {
          this.table = table;
          this.flow = flow;
        }

        static async open(columns: string, options: Partial<FlowOptions>, on = database): Promise<Passes> {
          const table = `late_${tables++}`;
          await run(
            `CREATE TABLE ${table} (id BIGINT AUTO_INCREMENT PRIMARY KEY, ${columns}) ENGINE = InnoDB`,
          );
          const flow = await on.flow({ from: table, to: `${table}_to`, maxRows: 3, ...options });
          await flow.claim();
          return new Passes(table, flow);
        }

        async pass(): Promise<PassEnd> {
          const { end, batches } = await this.flow.pass(this.#offset);
          this.#offset = batches.at(-1)?.offset ?? this.#offset;
          return end;
        }

        async ids(): Promise<string> {
          return (await run(`SELECT id FROM ${this.table}_to ORDER BY id`)).join();
        }

        /** Other tests may be using the server, too. */
        async arrive(ids: string): Promise<void> {
          const hasCome = async () => (await this.pass()) && (await this.ids()) === ids;
          await until(hasCome, { what: `${ids} of ${this.table}` });
        }

        /** Everything arrives once nothing is open. */
        async complete(): Promise<void> {
          const all = (await run(`SELECT id FROM ${this.table} ORDER BY id`)).join();
          const hasAll = async () => {
            await this.pass();
            const last = (await run(`SELECT MAX(at) FROM ${this.table}_to`)).join();
            return (
              (await this.ids()) === all || last === (await run(`SELECT MAX(at) FROM ${this.table}`)).join()
            );
          };
          await until(hasAll, { what: `the last row of ${this.table} to arrive` });
          assert.equal(await this.ids(), all);
          await this.flow.close();
        }
      }

      async function begin(...statements: readonly string[]): Promise<Connection> {
        const client = await database.client();
        await client.query('START TRANSACTION');
        for (const sql of statements) await client.query(sql);
        return client;
      }

      /** The row's time is taken, then the statement waits for the session that holds the gate's lock. */
      async function insertBehindGate(late: Connection, { table }: Passes) {
        const waiting = late.query(
          `INSERT INTO ${table} (id) SELECT 2 FROM (SELECT COUNT(*) FROM gate) AS g`,
        );
        const isWaiting = async () =>
          (await run('SHOW PROCESSLIST')).some(([, , , , , , state]) =>
            /^Waiting for table/.test(state ?? ''),
          );
        await until(isWaiting, { what: 'the insert to wait' });
        return { waiting };
      }

      test('Timestamp: a transaction that has written, and one that waited for a metadata lock and is idle since', async () => {
        const passes = await Passes.open(clocked, byTime);
        await run(`INSERT INTO ${passes.table} (id) VALUES (1)`);
        await passes.arrive('1');
        const locker = await database.client();
        await locker.query('LOCK TABLES gate WRITE');
        const late = await begin();
        const { waiting } = await insertBehindGate(late, passes);
        // Other rows are committed between the row's time and trx_started, and the gap exceeds one second of slack.
        await run(`INSERT INTO ${passes.table} (id) VALUES (3); SELECT SLEEP(1.6)`);
        await locker.query('UNLOCK TABLES');
        await waiting;
        await run(`SELECT SLEEP(1.2); INSERT INTO ${passes.table} (id) VALUES (4)`);
        const end = await passes.pass();
        assert.equal(await passes.ids(), '1');
        assert.equal(end.isHeldBack, true);
        assert.match(end.bound.heldBackBy?.what ?? '', /^a transaction of t_\w+@[\d.]+ \(connection \d+\)$/);
        await late.query('COMMIT');
        await passes.complete();
      });

      test('Timestamp: constant reads of innodb_trx by other users, which keep it from refreshing, are detected', async () => {
        const passes = await Passes.open(clocked, byTime);
        await passes.pass();
        let isPolling = true;
        const admin = database.server;
        const poller = (async () => {
          while (isPolling) await admin.query('SELECT COUNT(*) FROM information_schema.innodb_trx');
        })();
        await until(async () => (await admin.query('SELECT 1')).length > 0, { what: 'the poller' });
        const late = await begin(`INSERT INTO ${passes.table} (id) VALUES (1)`);
        await run(`INSERT INTO ${passes.table} (id) VALUES (2)`);
        const { bound } = await passes.pass().finally(() => {
          isPolling = false;
        });
        await poller;
        assert.equal(await passes.ids(), '');
        assert.ok(bound.heldBackBy || bound.kind === 'safetyLag', JSON.stringify(bound));
        await late.query('COMMIT');
        await passes.complete();
      });

      test('Timestamp: a running statement whose text is not UTF-8 does not fail the pass', async () => {
        const passes = await Passes.open(clocked, byTime);
        await passes.pass();
        const late = await database.client();
        // As the restore of a mysqldump does.
        await late.query('SET NAMES binary');
        await late.query('START TRANSACTION');
        await late.query(`INSERT INTO ${passes.table} (id) VALUES (1)`);
        const running = late.query("SELECT SLEEP(60), _binary'\u00ff\u00fe\u00e9\u0080'").catch(() => {});
        await run(`INSERT INTO ${passes.table} (id) VALUES (2)`);
        const passing = passes.pass();
        await Promise.allSettled([passing]);
        await database.server.query(`KILL QUERY ${late.threadId}`);
        await running;
        const { bound } = await passing;
        assert.equal(await passes.ids(), '');
        assert.ok(bound.heldBackBy || bound.kind === 'safetyLag', JSON.stringify(bound));
        await late.query('COMMIT');
        await passes.complete();
      });

      test('several processes that read all the time take turns', async () => {
        const signal = new AbortController().signal;
        const snapshots = await Promise.all(
          [1, 2, 3, 4].map(async () => {
            const watch = new TransactionWatch();
            watch.acquire();
            const seen = [];
            for (let count = 0; count < 5; count++) seen.push(await watch.snapshot(database.access, signal));
            await watch.release();
            return seen;
          }),
        );
        assert.deepEqual(
          snapshots.flat().filter((snapshot) => 'limitation' in snapshot),
          [],
        );
      });

      test('Timestamp: a column of whole seconds, and one of another zone', async () => {
        const passes = await Passes.open('at DATETIME NOT NULL DEFAULT CURRENT_TIMESTAMP, u DATETIME(6)', {
          ...byTime,
          timeZone: 'Asia/Kolkata',
        });
        const kolkata = 'CONVERT_TZ(UTC_TIMESTAMP(6), "+00:00", "+05:30")';
        const late = await begin(`INSERT INTO ${passes.table} (id, at) VALUES (1, ${kolkata})`);
        await run(
          `INSERT INTO ${passes.table} (id, at) VALUES (2, ${kolkata}), (3, ${kolkata} - INTERVAL 2 HOUR)`,
        );
        await passes.pass();
        assert.equal(await passes.ids(), '3');
        await late.query('COMMIT');
        await passes.complete();
      });

      test('Timestamp: open transactions without changes, and our own readers, hold nothing back', async () => {
        const passes = await Passes.open(clocked, byTime);
        const reader = await begin('SELECT COUNT(*) FROM gate');
        await run(`INSERT INTO ${passes.table} (id) VALUES (1)`);
        const end = await passes.pass();
        assert.deepEqual(
          [await passes.ids(), end.bound.kind, end.bound.heldBackBy],
          ['1', 'transactions', undefined],
        );
        await reader.query('ROLLBACK');
        await passes.flow.close();
      });

      test('Timestamp: a transaction that writes counts, even if it begins like our readers', async () => {
        const passes = await Passes.open(clocked, byTime);
        const late = await begin(`INSERT INTO ${passes.table} (id) VALUES (2)`);
        const marked = late.query('/* idra-reader */ SELECT SLEEP(60)').catch(() => {});
        const waiter = await database.client();
        await waiter.query('LOCK TABLES gate WRITE');
        // The mark is sent by another user.
        const insert = `/* idra-reader */ INSERT INTO ${passes.table} (id) SELECT 4 FROM (SELECT COUNT(*) FROM gate) AS g`;
        const other = database.server.query(insert, database.name);
        const isAtWork = async () =>
          (await database.server.query('SHOW FULL PROCESSLIST')).filter((row) =>
            String(row.Info).startsWith('/* idra-reader */ INSERT'),
          ).length === 1;
        await until(isAtWork, { what: 'the other one to wait' });
        await run(`SELECT SLEEP(1.5); INSERT INTO ${passes.table} (id) VALUES (3)`);
        assert.deepEqual([(await passes.pass()).isHeldBack, await passes.ids()], [true, '']);
        await database.server.query(`KILL QUERY ${late.threadId}`);
        await marked;
        await late.query('COMMIT');
        const end = await passes.pass();
        assert.match(end.bound.heldBackBy?.what ?? '', /^a statement of \w+@/);
        await waiter.query('UNLOCK TABLES');
        await other;
        await passes.complete();
      });

      test('Id: the largest id is final when all transactions that were open then have ended', async () => {
        const passes = await Passes.open(clocked, byId);
        const late = await begin(`INSERT INTO ${passes.table} VALUES ()`);
        await run(`INSERT INTO ${passes.table} VALUES ()`);
        const first = await passes.pass();
        assert.deepEqual([first.isHeldBack, await passes.ids()], [true, '']);
        await late.query('COMMIT');
        const next = await begin(`INSERT INTO ${passes.table} VALUES ()`);
        await passes.arrive('1,2');
        await run(`INSERT INTO ${passes.table} VALUES ()`);
        await passes.pass();
        assert.equal(await passes.ids(), '1,2');
        await next.query('COMMIT');
        await passes.complete();
      });

      test('without the right PROCESS: safetyLag, by time and by id, and check names the right', async () => {
        // On its own server, which is stopped later.
        const plain = await TestDatabase.create(
          async () => ({ ...database.server, stop: async () => {} }),
          [],
        );
        try {
          await plain.run(
            `CREATE TABLE lagged (id INT AUTO_INCREMENT PRIMARY KEY, ${clocked}); INSERT INTO lagged VALUES (1, UTC_TIMESTAMP(6) - INTERVAL 1 HOUR), (2, UTC_TIMESTAMP(6))`,
          );
          const signal = new AbortController().signal;
          const flow = await plain.flow({ from: 'lagged', to: 'lagged_to', ...byTime, safetyLagMs: 60_000 });
          const [finding] = await flow.source.check('Timestamp', signal);
          assert.equal(finding?.code, 'LateRowsBySafetyLag');
          assert.match(finding?.fix ?? '', /GRANT PROCESS/);
          await flow.claim();
          const { end } = await flow.pass();
          assert.deepEqual([end.bound.kind, end.bound.because], ['safetyLag', 'needs the right PROCESS']);
          assert.deepEqual(await plain.run('SELECT id FROM lagged_to'), [['1']]);
          const ids = await plain.flow({ from: 'lagged', to: 'lag_ids', ...byId, safetyLagMs: 300 });
          await ids.claim();
          await ids.pass();
          assert.deepEqual(await plain.run('SELECT id FROM lag_ids ORDER BY id'), [['1'], ['2']]);
        } finally {
          await plain.stop();
        }
      });
    });
  }
});
