import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type pg from 'pg';
import { until } from '../../../e2e/kit/wait.ts';
import { type FlowOptions, openFlow, Passes, type TestDatabase, testDatabase } from '../test-harness.ts';

/**
 * Each case opens a transaction that takes its time or id first, lets others pass it, reads, lets it commit and reads again. Without the
 * tested bound the late row would be lost.
 */
let database: TestDatabase;
before(async () => {
  database = await testDatabase();
});
after(() => database.stop());

const openPasses = (columns: string, options: Partial<FlowOptions>, on = database) =>
  Passes.open(on, columns, options);

const byTime = { mode: 'Timestamp', timestampField: 'at' } as const;
const byId = { mode: 'Id', idField: 'id', writeMode: 'Append' } as const;
const clocked = 'at timestamptz NOT NULL DEFAULT now()';

async function begin(...statements: readonly string[]): Promise<pg.Client> {
  const client = await database.client();
  await client.query('BEGIN');
  for (const sql of statements) await client.query(sql);
  return client;
}

describe('Timestamp, below the oldest open transaction', () => {
  test('two of different ages, the older of which ends first', async () => {
    const passes = await openPasses(clocked, byTime);
    const older = await begin('SELECT now()');
    await database.run(`INSERT INTO ${passes.table} VALUES (100)`);
    const younger = await begin('SELECT now()');
    await database.run(`INSERT INTO ${passes.table} VALUES (200)`);
    await older.query(`INSERT INTO ${passes.table} VALUES (50); COMMIT`);
    await passes.pass();
    assert.equal(await passes.ids(), '50,100');
    await younger.query(`INSERT INTO ${passes.table} VALUES (150); COMMIT`);
    await passes.complete();
  });

  test('the second of one message, whose now() is the time of the message', async () => {
    const passes = await openPasses(clocked, byTime);
    const late = await database.client();
    // The first one waits until the pass is over, for a session that has no open transaction.
    const gate = await database.client();
    await gate.query('SELECT pg_advisory_lock(1)');
    const running = late.query(
      `SELECT pg_advisory_xact_lock(1); COMMIT; BEGIN; INSERT INTO ${passes.table} VALUES (1); COMMIT`,
    );
    await untilWaiting('advisory', '');
    await database.run(`INSERT INTO ${passes.table} VALUES (2)`);
    const { isHeldBack } = await passes.pass();
    assert.deepEqual([isHeldBack, await passes.ids()], [true, '']);
    await gate.query('SELECT pg_advisory_unlock(1)');
    await running;
    await passes.complete();
  });

  test('a prepared one of unknown start: the bound from before it appeared', async () => {
    const passes = await openPasses(clocked, byTime);
    await database.run(`INSERT INTO ${passes.table} VALUES (1)`);
    await passes.pass();
    assert.equal(await passes.ids(), '1');
    const late = await begin(`INSERT INTO ${passes.table} VALUES (2)`, "PREPARE TRANSACTION 'late'");
    await database.run(`INSERT INTO ${passes.table} VALUES (3)`);
    const end = await passes.pass();
    assert.equal(await passes.ids(), '1');
    assert.equal(end.bound.heldBackBy?.what, 'prepared transaction "late"');
    await passes.pass();
    assert.equal(await passes.ids(), '1');
    await late.query("COMMIT PREPARED 'late'");
    await passes.complete();
  });

  test('a column that rounds to whole seconds', async () => {
    const passes = await openPasses('at timestamptz(0) NOT NULL DEFAULT now()', byTime);
    // A time taken in the lower half of a second is stored as earlier than it was taken.
    const late = await lowerHalf();
    await database.run(`INSERT INTO ${passes.table} (id, at) SELECT 5, date_trunc('second', xact_start) + interval '1 microsecond'
      FROM pg_stat_activity WHERE pid = ${await pidOf(late)}`);
    await passes.pass();
    assert.equal(await passes.ids(), '');
    await late.query(`INSERT INTO ${passes.table} VALUES (4); COMMIT`);
    await passes.complete();
  });

  test('a column without zone is read in the zone of the source', async () => {
    const options = { ...byTime, timeZone: 'Asia/Kolkata' };
    const passes = await openPasses(
      "at timestamp NOT NULL DEFAULT (now() AT TIME ZONE 'Asia/Kolkata')",
      options,
    );
    const late = await begin('SELECT now()');
    await database.run(
      `INSERT INTO ${passes.table} (id, at) VALUES (3, now() AT TIME ZONE 'Asia/Kolkata' - interval '1 minute'), (4, DEFAULT)`,
    );
    await passes.pass();
    assert.equal(await passes.ids(), '3');
    await late.query(`INSERT INTO ${passes.table} VALUES (2); COMMIT`);
    await passes.complete();
  });

  test('our own readers do not hold it back, and rows without a time are counted', async () => {
    const passes = await openPasses('at timestamptz DEFAULT now()', byTime);
    const other = await openPasses(clocked, {
      from: '',
      query: 'SELECT i AS id, pg_sleep(1) IS NULL AS x FROM generate_series(1, 2) i',
      sourceKey: ['id'],
      mode: 'Snapshot',
    });
    const reading = other.pass();
    await untilWaiting('PgSleep', 'idra-reader');
    await database.run(`INSERT INTO ${passes.table} VALUES (1, DEFAULT), (2, NULL)`);
    const end = await passes.pass();
    assert.deepEqual([end.isHeldBack, end.nullRows, await passes.ids()], [false, 1, '1']);
    await reading;
    await Promise.all([passes.flow.close(), other.flow.close()]);
  });

  test('without the right to see others, and with an own safetyLag, the clock minus the lag', async () => {
    const limited = await testDatabase(false);
    try {
      await limited.run(
        `CREATE TABLE lagged (id int PRIMARY KEY, ${clocked}); INSERT INTO lagged VALUES (1, now() - interval '1 minute'), (2, now())`,
      );
      for (const [safetyLagMs, expected] of [
        [undefined, '1'],
        [60_000_000, ''],
      ] as const) {
        await limited.run('DROP TABLE IF EXISTS lagged_to, _idra_commits');
        const flow = await openFlow(limited, {
          ...byTime,
          from: 'lagged',
          to: 'lagged_to',
          ...(safetyLagMs && { safetyLagMs }),
        });
        await flow.claim();
        const { end } = await flow.pass();
        assert.deepEqual(end.bound, { kind: 'safetyLag', because: 'needs pg_read_all_stats' });
        assert.equal((await limited.run('SELECT id FROM lagged_to')).join(), expected);
        const findings = await flow.source.check('Timestamp', new AbortController().signal);
        assert.match(findings[0]?.fix ?? '', /^GRANT pg_read_all_stats TO "t_/);
        await flow.close();
      }
    } finally {
      await limited.stop();
    }
  });

  test('a session that hides its activity leaves only safetyLag', async () => {
    const passes = await openPasses(clocked, byTime);
    await database.query(`ALTER ROLE "${database.user}" SET track_activities = off`);
    try {
      const hidden = await database.client();
      await hidden.query('SELECT 1');
      await database.query(`ALTER ROLE "${database.user}" RESET track_activities`);
      const end = await passes.pass();
      assert.equal(end.bound.kind, 'safetyLag');
      await hidden.end();
    } finally {
      await database.query(`ALTER ROLE "${database.user}" RESET track_activities`);
    }
    await passes.flow.close();
  });
});

describe('Id, when all that was open has ended', () => {
  test('rows that were final before are read while other transactions are open, and each ends in its own time', async () => {
    const passes = await openPasses('body text', byId);
    await database.run(`INSERT INTO ${passes.table} VALUES (1), (2)`);
    await passes.pass();
    const first = await begin(`INSERT INTO ${passes.table} VALUES (3)`);
    await database.run(`INSERT INTO ${passes.table} VALUES (4)`);
    await passes.pass();
    const second = await begin(`INSERT INTO ${passes.table} VALUES (5)`);
    await database.run(`INSERT INTO ${passes.table} VALUES (6)`);
    await first.query('COMMIT');
    await passes.pass();
    assert.equal(await passes.ids(), '1,2,3,4');
    await second.query('COMMIT');
    await passes.complete();
    assert.equal(await passes.ids(), '1,2,3,4,5,6');
  });

  test('one that was prepared has ended for the list of locks, and is waited for', async () => {
    const passes = await openPasses('body text', byId);
    const late = await begin(`INSERT INTO ${passes.table} VALUES (1)`);
    await database.run(`INSERT INTO ${passes.table} VALUES (2)`);
    await passes.pass();
    await late.query("PREPARE TRANSACTION 'prepared id'");
    const end = await passes.pass();
    assert.deepEqual(
      [end.bound.heldBackBy?.what, await passes.ids()],
      ['prepared transaction "prepared id"', ''],
    );
    await late.query("COMMIT PREPARED 'prepared id'");
    await passes.complete();
  });

  test('needs no right', async () => {
    const limited = await testDatabase(false);
    try {
      await limited.run('CREATE TABLE ids (id int PRIMARY KEY); INSERT INTO ids VALUES (1), (2)');
      const flow = await openFlow(limited, { from: 'ids', to: 'ids_to', ...byId });
      await flow.claim();
      const { end } = await flow.pass();
      assert.deepEqual(end.bound, { kind: 'transactions' });
      assert.deepEqual(await limited.run('SELECT count(*) FROM ids_to'), [['2']]);
      assert.deepEqual(await flow.source.check('Id', new AbortController().signal), []);
      await flow.close();
    } finally {
      await limited.stop();
    }
  });

  test('safetyLag uses the largest id of that time ago', async () => {
    const passes = await openPasses('body text', { ...byId, safetyLagMs: 400 });
    await database.run(`INSERT INTO ${passes.table} VALUES (1), (2)`);
    const reading = passes.pass();
    await database.run(`SELECT pg_sleep(0.2); INSERT INTO ${passes.table} VALUES (9)`);
    await reading;
    assert.equal(await passes.ids(), '1,2');
    await passes.flow.close();
  });
});

/** Waits until a statement of a session with this application name is running and sleeping. */
async function untilWaiting(event: string, application: string): Promise<void> {
  const waiting = `SELECT 1 FROM pg_stat_activity WHERE wait_event = '${event}' AND application_name = '${application}' AND datname = '${database.database}'`;
  await until(async () => (await database.query(waiting)).length > 0, {
    what: `a statement to wait (${event})`,
    everyMs: 5,
  });
}

async function pidOf(client: pg.Client): Promise<string> {
  return String((await client.query('SELECT pg_backend_pid() AS pid')).rows[0]?.pid);
}

/** A transaction that began in the lower half of a second. */
async function lowerHalf(): Promise<pg.Client> {
  for (;;) {
    const client = await begin();
    const { rows } = await client.query(
      'SELECT extract(microseconds FROM now())::int % 1000000 BETWEEN 1000 AND 400000 AS is_low',
    );
    if (rows[0]?.is_low === 't') return client;
    await client.query('ROLLBACK');
    await client.end();
  }
}
