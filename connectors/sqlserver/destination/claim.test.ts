import assert from 'node:assert/strict';
import { test } from 'node:test';
import { writeIsFenced } from '../../sql/destination/commit-table.ts';
import { isFenced } from '../../sql/test-flow.ts';
import type { Result } from '../connection/statements.ts';
import { onServer } from '../test-harness.ts';
import { ClaimedTable, type ClaimedTableInit } from './claim.ts';
import { shapeDiffers } from './target-shape.ts';

const signal = new AbortController().signal;

const refusedBy = (number: number) => Object.assign(new Error(`error ${number}`), { number });
const answer = (value: number): readonly Result[] => [{ fields: [], rows: [[value]] }];

interface Server {
  /** Into the table itself. */
  load?: () => number;
  begin?: () => readonly Result[];
  commit?: () => readonly Result[];
}

/** A claim whose rows may be loaded into the table itself, at a server that answers as it is told. `sent`: what it was asked to do. */
function claimOn(server: Server, { writeMode = 'Append', wasEmpty = false, canInsert = true } = {}) {
  const sent: string[] = [];
  const plan = { uid: 'u', key: [], columns: { columns: [] }, onError: 'Skip', writeMode };
  const writer = {
    staged: 1,
    next: 0,
    isEmpty: false,
    mergeSql: 'merge',
    empty: () => {},
    stage: async () => {
      sent.push('stage');
      return [];
    },
  };
  const session = {
    isLost: false,
    guard: (body: () => unknown) => body(),
    rollBack: async () => void sent.push('rollback'),
    load: async ({ table }: { table: string }) => {
      sent.push(`load ${table}`);
      return (server.load ?? (() => 1))();
    },
    async run(sql: string) {
      const isCommit = sql.endsWith('commit');
      sent.push(sql.replaceAll('\n', ' '));
      if (sql.includes('merge')) return answer(1);
      return isCommit ? (server.commit ?? (() => answer(1)))() : (server.begin ?? (() => []))();
    },
  };
  const claimed = new ClaimedTable({
    session,
    commits: {
      commitStatements: () => 'commit',
      requireCommitted: async (_: unknown, results: readonly Result[]) => {
        if (results.at(-1)?.rows[0]?.[0] !== 1) throw writeIsFenced(1n);
      },
      requireHeld: async () => {},
    },
    where: 'orders',
    request: { plan, keepsOffset: true },
    token: 1n,
    columns: [],
    writer,
    target: { entry: { name: { schema: 'dbo', table: 'orders' } }, requireSql: 'shape' },
    replacement: undefined,
    offset: null,
    totalRows: 0,
    canInsert,
    wasEmpty,
  } as unknown as ClaimedTableInit);
  const write = (pass = 1) =>
    claimed.write(
      {
        rows: { format: 'values', rows: [[]] },
        rowCount: 1,
        byteCount: 1,
        offset: { mode: 'Snapshot', pass, key: ['1'], isComplete: false },
      },
      signal,
    );
  return { write, sent };
}

const inserting = ['BEGIN TRANSACTION; shape', 'load [dbo].[orders]', 'shape; commit'];
const merging = ['stage', 'BEGIN TRANSACTION; shape; merge; shape; commit'];

test('new rows are loaded into the table itself, between two checks of its shape, and committed with the token', async () => {
  const { write, sent } = claimOn({});
  const { written, totalRows } = await write();
  assert.deepEqual(sent, inserting);
  assert.deepEqual([written, totalRows], [1, 1]);
});

test('an Upsert loads rows that may be new, until a key exists', async () => {
  const known = claimOn({}, { writeMode: 'Upsert' });
  await known.write(2);
  assert.deepEqual(known.sent, merging);
  const { write, sent } = claimOn(
    {
      load: () => {
        throw refusedBy(2_627);
      },
    },
    { writeMode: 'Upsert' },
  );
  await write();
  await write();
  assert.deepEqual(sent, [...inserting.slice(0, 2), 'rollback', ...merging, ...merging]);
});

test('a load that was refused is undone, and its rows are merged: that finds out which row or what else is the cause', async () => {
  const refusals: Readonly<Record<string, Server>> = {
    'a row is refused': {
      load: () => {
        throw refusedBy(547);
      },
    },
    'the load itself is refused': {
      load: () => {
        throw refusedBy(4_816);
      },
    },
    'rows are left out': { load: () => 0 },
    'the table is another one': { begin: () => answer(shapeDiffers) },
    'the table becomes another one': { commit: () => answer(shapeDiffers) },
  };
  for (const [what, server] of Object.entries(refusals)) {
    const { write, sent } = claimOn(server);
    await write();
    assert.deepEqual(sent.slice(-3), ['rollback', ...merging], what);
  }
});

test('what ends a write is not tried again in another way: a lost claim, a deadlock', async () => {
  const fenced = claimOn({ commit: () => answer(0) });
  await assert.rejects(fenced.write(), isFenced);
  const victim = claimOn({
    load: () => {
      throw refusedBy(1_205);
    },
  });
  await assert.rejects(victim.write(), { number: 1_205 });
  for (const { sent } of [fenced, victim]) assert.equal(sent.at(-1), 'rollback');
});

test('where the session of a stopped owner could not be ended, a transaction is one message', async () => {
  const { write, sent } = claimOn({}, { canInsert: false });
  await write();
  assert.deepEqual(sent, merging);
});

onServer((database) => {
  test('a session that its owner has abandoned writes nothing, although its token is the stored one', async () => {
    await database.fill('dbo.left_from', 3);
    const abandoned = await database.flow({ from: 'dbo.left_from', to: 'dbo.left_to' });
    await abandoned.claim({ token: 1n });
    const next = await database.flow({ from: 'dbo.left_from', to: 'dbo.left_to' });
    await next.claim({ token: 1n });
    await assert.rejects(abandoned.pass(), isFenced);
    assert.deepEqual(await database.run('SELECT COUNT(*) FROM dbo.left_to'), [['0']]);
    await next.pass();
    assert.deepEqual(await database.run('SELECT COUNT(*) FROM dbo.left_to'), [['3']]);
  });

  test('the largest values are canonical', async () => {
    await database.run(`CREATE TABLE dbo.last_from (id bigint PRIMARY KEY, at datetime2(6) NOT NULL);
      INSERT INTO dbo.last_from VALUES (9007199254740993, '2026-11-24 08:00:00.123456'), (2, '2026-11-24 08:00:00.123455')`);
    const flow = await database.flow({
      from: 'dbo.last_from',
      to: 'dbo.last_to',
      mode: 'Timestamp',
      timestampField: 'at',
      safetyLagMs: 0,
    });
    await flow.claim({ keepsOffset: false });
    await flow.pass();
    assert.deepEqual(await flow.destination.largest(['at', 'id'], signal), [
      '2026-11-24 08:00:00.123456',
      9007199254740993n,
    ]);
  });
});
