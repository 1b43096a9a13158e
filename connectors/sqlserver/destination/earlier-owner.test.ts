import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Session } from '../session.ts';
import { mayEndSessions, ownerLock, takeOver } from './earlier-owner.ts';

const lock = ownerLock('uid-1', 'dbo', 'orders');

/** A session at a server where another session holds the lock until it is ended. `holders`: what the server shows of it. */
function serverWith(holders: () => unknown[][]) {
  const sent: string[] = [];
  let isHeld = true;
  const session = {
    where: 'db:1433/shop',
    async run(sql: string) {
      sent.push(sql);
      if (sql.startsWith('KILL')) isHeld = false;
      if (sql.includes('dm_tran_locks')) return [{ fields: [], rows: holders() }];
      return [{ fields: [], rows: [[isHeld ? -1 : 0]] }];
    },
  } as unknown as Session;
  return { session, sent, kills: () => sent.filter((sql) => sql.startsWith('KILL')) };
}

test('the session that holds the lock of an earlier owner is ended, and then waited for', async () => {
  const { session, sent, kills } = serverWith(() => [[57]]);
  await takeOver(session, lock);
  assert.deepEqual(kills(), ['KILL 57']);
  assert.match(sent.at(-1) ?? '', /sp_getapplock .*@LockTimeout = 30000/);
});

test('a session that still holds the lock after it was ended is reported, and the claim is retried', async () => {
  const { session } = serverWith(() => [[57]]);
  const stubborn = { ...session, run: (sql: string) => (sql.startsWith('KILL') ? [] : session.run(sql)) };
  await assert.rejects(takeOver(stubborn as unknown as Session, lock), {
    code: 'ClaimBusy',
    disposition: 'transient',
  });
});

test('without the right to see or end sessions the claim goes on: the token refuses what they send', async () => {
  const refused = () => {
    throw Object.assign(new Error('VIEW SERVER STATE permission was denied'), { number: 300 });
  };
  for (const holders of [refused, () => []]) {
    const { session, kills } = serverWith(holders);
    await takeOver(session, lock);
    assert.deepEqual(kills(), []);
  }
});

test('at a server that does not show locks the session that claimed last is ended, if it is one of Idra', async () => {
  const missing = () => {
    throw Object.assign(new Error('no such view'), { number: 208 });
  };
  const { session, sent, kills } = serverWith(missing);
  const withSessions = {
    ...session,
    run: async (sql: string) => {
      if (!sql.includes('dm_exec_sessions')) return await session.run(sql);
      sent.push(sql);
      return [{ fields: [], rows: [[57]] }];
    },
  } as unknown as Session;
  await takeOver(withSessions, lock, '57/6f1c');
  assert.deepEqual(kills(), ['KILL 57']);
  assert.match(
    sent.find((sql) => sql.includes('dm_exec_sessions')) ?? '',
    /session_id = 57 .*program_name = N?'idra'/s,
  );
  const unknown = serverWith(missing);
  await takeOver(unknown.session, lock, 'x');
  assert.deepEqual(unknown.kills(), []);
});

test('whether sessions may be ended is asked as rights of the server, in Azure also of the database', async () => {
  const asked = async (version: string, may: number) => {
    let sql = '';
    const session = {
      facts: { version },
      async query(text: string) {
        sql = text;
        return [[may]];
      },
    } as unknown as Session;
    return { mayEnd: await mayEndSessions(session, new AbortController().signal), sql };
  };
  const server = await asked('SQL Server 16.0', 1);
  assert.equal(server.mayEnd, true);
  assert.match(server.sql, /'ALTER ANY CONNECTION'.* AND .*'VIEW SERVER STATE'/);
  assert.doesNotMatch(server.sql, /DATABASE/);
  const azure = await asked('Azure SQL 12.0', 0);
  assert.equal(azure.mayEnd, false);
  assert.match(azure.sql, /'KILL DATABASE CONNECTION'.* AND .*'VIEW DATABASE STATE'/);
});

test('a lock is of one Sync and one table', () => {
  const others = [ownerLock('uid-2', 'dbo', 'orders'), ownerLock('uid-1', 'dbo', 'lines')];
  assert.ok(others.every((each) => each.slice(0, 34) !== lock.slice(0, 34)));
});
