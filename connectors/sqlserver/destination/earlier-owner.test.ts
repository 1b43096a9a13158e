import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Session } from '../session.ts';
import { ownerLock, takeOver } from './earlier-owner.ts';

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

test('a lock is of one Sync and one table', () => {
  const others = [ownerLock('uid-2', 'dbo', 'orders'), ownerLock('uid-1', 'dbo', 'lines')];
  assert.ok(others.every((each) => each.slice(0, 34) !== lock.slice(0, 34)));
});
