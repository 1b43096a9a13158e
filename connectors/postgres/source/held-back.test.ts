import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import pg from 'pg';
import type { Clock } from '../../../core/clock.ts';
import type { ReadRequest } from '../../../core/connector.ts';
import type { Column } from '../../../core/values.ts';
import { until } from '../../../e2e/kit/wait.ts';
import { readerName } from '../connection/open.ts';
import { connector } from '../connector.ts';
import { Session } from '../session.ts';
import { Passes, type TestDatabase, testDatabase } from '../test-harness.ts';
import { LateRowBound } from './late-row-bound.ts';

/** Each sleep ends at once, and the clock advances by its duration. */
class HastyClock implements Clock {
  #sleptMs = 0;

  now(): number {
    return Date.now() + this.#sleptMs;
  }

  monotonicMs(): number {
    return performance.now() + this.#sleptMs;
  }

  async sleep(ms: number): Promise<void> {
    this.#sleptMs += ms;
  }
}

const signal = new AbortController().signal;
const byTime = { mode: 'Timestamp', timestampField: 'at' } as const;
const byId = { mode: 'Id', idField: 'id', writeMode: 'Append' } as const;
let database: TestDatabase;
before(async () => {
  database = await testDatabase();
});
after(() => database.stop());

test('a session that streams the log holds nothing back', async () => {
  const passes = await Passes.open(database, 'at timestamptz NOT NULL DEFAULT now()', byTime);
  await database.query('CREATE PUBLICATION streamed FOR ALL TABLES');
  const stream = new pg.Client({
    connectionString: database.adminUrl,
    replication: 'database',
  } as pg.ClientConfig);
  stream.on('error', () => {});
  await stream.connect();
  await stream.query('CREATE_REPLICATION_SLOT idra_test TEMPORARY LOGICAL pgoutput');
  const streaming = stream
    .query("START_REPLICATION SLOT idra_test LOGICAL 0/0 (proto_version '1', publication_names 'streamed')")
    .catch(() => {});
  const isStreaming = async () =>
    (await database.query("SELECT 1 FROM pg_stat_replication WHERE state = 'streaming'")).length > 0;
  await until(isStreaming, { what: 'the log to stream' });
  await database.run(`INSERT INTO ${passes.table} DEFAULT VALUES`);
  const end = await passes.pass();
  assert.deepEqual([await passes.ids(), end.isHeldBack, end.bound.heldBackBy], ['1', false, undefined]);
  await stream.end().catch(() => {});
  await streaming;
  await passes.complete();
});

describe('a first pass by id', () => {
  test('continues on a server that is never idle', async () => {
    const passes = await Passes.open(database, 'n int', byId);
    await database.run(`INSERT INTO ${passes.table} (n) VALUES (1)`);
    let isBusy = true;
    // Two overlapping transactions at a time, each longer than a pass waits for those that it found.
    const busy = async (delay: number) => {
      const client = await database.client();
      await client.query(`SELECT pg_sleep(${delay})`);
      while (isBusy)
        await client.query(`BEGIN; INSERT INTO ${passes.table} (n) VALUES (2); SELECT pg_sleep(1); COMMIT`);
    };
    const running = [busy(0), busy(0.5)];
    const isOpen = async () =>
      (
        await database.run(
          "SELECT 1 FROM pg_stat_activity WHERE query ~ 'VALUES .2.' AND pid <> pg_backend_pid()",
        )
      ).length === 2;
    await until(isOpen, { what: 'both to be busy' });
    await passes.pass();
    assert.match(await passes.ids(), /^1/);
    isBusy = false;
    await Promise.all(running);
    await passes.complete();
  });

  test('reads nothing, and reports why, where one lasts longer than it waits', async () => {
    const passes = await Passes.open(database, 'n int', byId);
    const long = await database.client();
    await database.run(`INSERT INTO ${passes.table} (n) VALUES (1)`);
    await long.query('BEGIN');
    const running = long.query(`INSERT INTO ${passes.table} (n) VALUES (2) RETURNING pg_sleep(600)`);
    running.catch(() => {});
    const isOpen = async () =>
      (
        await database.run(
          "SELECT 1 FROM pg_stat_activity WHERE query ~ 'RETURNING pg_sleep.600' AND pid <> pg_backend_pid()",
        )
      ).length > 0;
    await until(isOpen, { what: 'the transaction to be busy' });
    const session = await Session.open(database.access, readerName, signal);
    const bound = new LateRowBound(new HastyClock());
    const take = () =>
      bound.take(
        {
          session,
          request: { mode: 'Id' } as ReadRequest,
          field: { name: 'id' } as Column,
          largest: async () =>
            (await session.query(`SELECT max(id)::text FROM public.${passes.table}`))[0]?.[0] ?? undefined,
          elsewhere: async () => undefined,
          has: async () => false,
        },
        signal,
      );
    try {
      const held = await take();
      assert.deepEqual([held.upTo, held.report.heldBackBy?.what.startsWith('transaction')], ['none', true]);
    } finally {
      await database.query(
        `SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE query ~ 'RETURNING pg_sleep.600' AND pid <> pg_backend_pid()`,
      );
      await running.catch(() => {});
      await long.query('ROLLBACK');
    }
    const { upTo } = await take();
    assert.deepEqual(upTo, { text: '1', isInclusive: true });
    await session.close();
    await passes.complete();
  });

  test('does not wait long for an idle one', async () => {
    const passes = await Passes.open(database, 'n int', byId);
    const idle = await database.client();
    await idle.query('BEGIN; SELECT now()');
    await database.run(`INSERT INTO ${passes.table} (n) VALUES (1)`);
    const startMs = performance.now();
    const { bound, isHeldBack } = await passes.pass();
    assert.ok(performance.now() - startMs < 15_000);
    assert.deepEqual([isHeldBack, bound.heldBackBy?.what.startsWith('transaction')], [true, true]);
    await idle.query('COMMIT');
    await passes.complete();
  });
});

describe('waiting rows are reported even if no transaction holds them back', () => {
  const open = (type: string, more = {}) =>
    Passes.open(database, `at ${type} NOT NULL DEFAULT now()`, { ...byTime, ...more });

  test('by the lag', async () => {
    const passes = await open('timestamptz', { safetyLagMs: 3_000 });
    await database.run(`INSERT INTO ${passes.table} DEFAULT VALUES`);
    const { isHeldBack, bound } = await passes.pass();
    assert.deepEqual(
      [isHeldBack, bound.heldBackBy?.what, await passes.ids()],
      [true, 'safetyLag of 3000 ms', ''],
    );
    await passes.complete();
  });

  test('by a lag of ids', async () => {
    const passes = await Passes.open(database, 'n int', { ...byId, safetyLagMs: 500 });
    await database.run(`INSERT INTO ${passes.table} (n) VALUES (1)`);
    await passes.pass();
    await database.run(`INSERT INTO ${passes.table} (n) VALUES (2)`);
    const { isHeldBack, bound } = await passes.pass();
    assert.deepEqual([isHeldBack, bound.heldBackBy?.what], [true, 'safetyLag of 500 ms']);
    await passes.complete();
  });

  test('by a time in the future', async () => {
    const passes = await open('timestamp');
    await database.run(`INSERT INTO ${passes.table} (at) VALUES (now() + interval '9 hours')`);
    const { isHeldBack, bound } = await passes.pass();
    assert.deepEqual([isHeldBack, bound.heldBackBy?.what], [true, 'values of at in the future']);
    await database.run(`UPDATE ${passes.table} SET at = now() - interval '1 hour'`);
    await passes.complete();
  });

  test('by a day that has not ended', async () => {
    const passes = await open('date');
    await database.run(`INSERT INTO ${passes.table} DEFAULT VALUES`);
    const { isHeldBack, bound } = await passes.pass();
    assert.deepEqual([isHeldBack, bound.heldBackBy?.what], [true, 'the precision of at']);
    await passes.flow.close();
  });

  test('rows of a moment ago do not count as held back', async () => {
    const passes = await open('timestamptz');
    await database.run(`INSERT INTO ${passes.table} DEFAULT VALUES`);
    const { isHeldBack, bound } = await passes.pass();
    assert.deepEqual([isHeldBack, bound.heldBackBy, await passes.ids()], [false, undefined, '1']);
    await passes.flow.close();
  });
});

describe('the zone of a column without one', () => {
  const zoneOf = async () => {
    const source = await connector.openSource(database.access, { query: 'SELECT 1 AS id' }, signal);
    try {
      return await source.timeZone(signal);
    } finally {
      await source.close();
    }
  };
  const setZone = (zone: string) => database.query(`ALTER ROLE "${database.user}" SET TimeZone = '${zone}'`);
  after(() => database.query(`ALTER ROLE "${database.user}" RESET TimeZone`));

  test('is the one that the server gives to new sessions of this user', async () => {
    for (const [zone, expected] of [
      ['America/New_York', 'America/New_York'],
      ['Etc/GMT-9', 'Etc/GMT-9'],
      ['<+0530>-05:30', '+05:30'],
      ['+03:00', '-03:00'],
      ['UTC', 'UTC'],
    ] as const) {
      await setZone(zone);
      assert.equal(await zoneOf(), expected);
    }
  });

  test('late rows are held back in it, by name and by distance', async () => {
    for (const zone of ['America/New_York', 'Asia/Tokyo', '<+0530>-05:30']) {
      await setZone(zone);
      const timeZone = await zoneOf();
      const passes = await Passes.open(database, 'at timestamp NOT NULL', { ...byTime, timeZone });
      const late = await database.client();
      await late.query(`BEGIN; SELECT now()`);
      const writer = await database.client();
      await writer.query(`INSERT INTO ${passes.table} (at) VALUES (now())`);
      const { isHeldBack } = await passes.pass();
      assert.deepEqual([isHeldBack, await passes.ids()], [true, '']);
      await late.query(`INSERT INTO ${passes.table} (at) VALUES (now()); COMMIT`);
      await passes.complete();
    }
  });

  test('other zones than ours are reported', async () => {
    await setZone('UTC');
    await database.query(`CREATE ROLE tokyo_writer; ALTER ROLE tokyo_writer SET TimeZone = 'Asia/Tokyo'`);
    try {
      await database.run('CREATE TABLE zoned (id int PRIMARY KEY, at timestamp, with_zone timestamptz)');
      const findings = async (timestampField: string, timeZone?: string) => {
        const object = { table: 'zoned', timestampField, ...(timeZone !== undefined && { timeZone }) };
        const source = await connector.openSource(database.access, object, signal);
        await source.describe(signal);
        const found = await source.check('Timestamp', signal);
        await source.close();
        return found.map((each) => each.message);
      };
      assert.match((await findings('at')).join(), /role tokyo_writer \(Asia\/Tokyo\)/);
      assert.deepEqual(await findings('with_zone'), []);
      assert.deepEqual(await findings('at', 'UTC'), []);
    } finally {
      await database.query('DROP ROLE tokyo_writer');
    }
  });
});

test('a field without order is refused by check', async () => {
  await database.run('CREATE TABLE unordered (id json, at timestamptz)');
  const source = await connector.openSource(
    database.access,
    { query: 'SELECT * FROM unordered', key: ['id'] },
    signal,
  );
  await source.describe(signal);
  assert.deepEqual(
    (await source.check('Snapshot', signal)).map((each) => each.code),
    ['FieldNotOrdered'],
  );
  await source.close();
});
