import assert from 'node:assert/strict';
import { after, afterEach, before, describe, test } from 'node:test';
import type { PassEnd } from '../../../core/connector.ts';
import type { Offset } from '../../../core/offset.ts';
import type { SqlServerSession } from '../../../e2e/kit/servers.ts';
import { until } from '../../../e2e/kit/wait.ts';
import type { Flow, FlowOptions } from '../../sql/test-flow.ts';
import { TestDatabase } from '../test-harness.ts';

/**
 * In each case somebody takes a time or a number and commits it after others have passed. Without the tested part of the bound, the late
 * row would be lost.
 */
const byTime = { mode: 'Timestamp', timestampField: 'at' } as const;
const byId = { mode: 'Id', idField: 'id', writeMode: 'Append' } as const;
const byVersion = { mode: 'Id', idField: 'rv', key: ['id'] } as const;
const clocked = 'at datetime2(7) NOT NULL DEFAULT SYSUTCDATETIME()';

describe('late rows', () => {
  let database: TestDatabase;
  const open: SqlServerSession[] = [];
  let tables = 0;

  before(async () => {
    // An open transaction on a server holds back all who read there, so the test has its own server.
    database = await TestDatabase.create({ own: true });
  });
  afterEach(async () => {
    await Promise.allSettled(open.splice(0).map((each) => each.close()));
  });
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

    static async open(columns: string, options: Partial<FlowOptions>): Promise<Passes> {
      const table = `dbo.late_${++tables}`;
      await run(`CREATE TABLE ${table} (id bigint IDENTITY PRIMARY KEY, ${columns})`);
      const flow = await database.flow({ from: table, to: `${table}_to`, maxRows: 3, ...options });
      await flow.claim();
      return new Passes(table, flow);
    }

    async insert(session: { query(sql: string): Promise<unknown> } = { query: run }): Promise<void> {
      await session.query(`INSERT INTO ${this.table} (body) VALUES ('x')`);
    }

    async pass(): Promise<PassEnd> {
      const { end, batches } = await this.flow.pass(this.#offset);
      this.#offset = batches.at(-1)?.offset ?? this.#offset;
      return end;
    }

    async ids(): Promise<string> {
      return (await run(`SELECT id FROM ${this.table}_to ORDER BY id`)).join();
    }

    async arrive(ids: string): Promise<void> {
      const hasCome = async () => (await this.pass()) && (await this.ids()) === ids;
      await until(hasCome, { what: `${ids} of ${this.table}` });
    }
  }

  async function begin(): Promise<SqlServerSession> {
    const session = await database.client();
    open.push(session);
    await session.query('BEGIN TRANSACTION');
    return session;
  }

  for (const [what, columns, options] of [
    ['Timestamp', `body varchar(9), ${clocked}`, byTime],
    [
      'Timestamp of whole seconds',
      'body varchar(9), at datetime2(0) NOT NULL DEFAULT SYSUTCDATETIME()',
      byTime,
    ],
    ['Id by an identity column', 'body varchar(9)', byId],
    ['Id by a rowversion', 'body varchar(9), rv rowversion', byVersion],
  ] as const) {
    test(`${what}: rows behind an open transaction wait for it, and it is named`, async () => {
      const passes = await Passes.open(columns, options);
      await passes.insert();
      await passes.arrive('1');
      const late = await begin();
      await passes.insert(late);
      await passes.insert();
      await passes.insert();
      const end = await passes.pass();
      assert.deepEqual([await passes.ids(), end.isHeldBack], ['1', true]);
      assert.match(end.bound.heldBackBy?.what ?? '', /^session \d+ of \w+/);
      await late.query('COMMIT TRANSACTION');
      await passes.arrive('1,2,3,4');
    });
  }

  test('a rowversion is also read again after an update, and not before its transaction has ended', async () => {
    const passes = await Passes.open('body varchar(9), rv rowversion', byVersion);
    await passes.insert();
    await passes.insert();
    await passes.arrive('1,2');
    const late = await begin();
    await late.query(`UPDATE ${passes.table} SET body = 'late' WHERE id = 1`);
    await run(`UPDATE ${passes.table} SET body = 'y' WHERE id = 2`);
    await passes.pass();
    const bodies = () => run(`SELECT body FROM ${passes.table}_to ORDER BY id`);
    assert.deepEqual(await bodies(), [['x'], ['x']]);
    await late.query('COMMIT TRANSACTION');
    const hasBoth = async () => (await passes.pass()) && (await bodies()).join() === 'late,y';
    await until(hasBoth, { what: 'both updates' });
  });

  test('a transaction that has not written yet holds rows back as well', async () => {
    const passes = await Passes.open(`body varchar(9), ${clocked}`, byTime);
    await passes.insert();
    await passes.arrive('1');
    const late = await begin();
    const [[taken] = []] = await late.query('SELECT CONVERT(varchar(27), SYSUTCDATETIME(), 121)');
    await passes.insert();
    await passes.pass();
    assert.equal(await passes.ids(), '1');
    await late.query(
      `INSERT INTO ${passes.table} (body, at) VALUES ('late', '${taken}'); COMMIT TRANSACTION`,
    );
    await passes.arrive('1,2,3');
  });

  test("Idra's own readers hold back nobody", async () => {
    const passes = await Passes.open(`body varchar(9), ${clocked}`, byTime);
    await passes.insert();
    const other = await database.flow({ from: passes.table, to: 'dbo.other_to', ...byTime, maxRows: 1 });
    const reading = other.read();
    await reading.next();
    await passes.arrive('1');
    await reading.return({ bound: { kind: 'none' }, isHeldBack: false });
  });
});
