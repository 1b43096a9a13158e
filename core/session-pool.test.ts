import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { queryObjects } from 'node:v8';
import { ManualClock } from '../e2e/kit/engine-run.ts';
import { ConnectionRoom } from './connection-room.ts';
import { IdraError, transient } from './errors.ts';
import { ServerSessions } from './session-pool.ts';
import type { PooledSession } from './sessions.ts';

const never = new AbortController().signal;
const reader = { server: 'db:5432', identity: 'reader', dataSource: 'default/shop' };
const writer = { ...reader, identity: 'writer' };

class Fake implements PooledSession {
  isLost = false;
  isClosed = false;
  resets = 0;
  async reset(): Promise<void> {
    this.resets += 1;
  }
  async close(): Promise<void> {
    this.isClosed = true;
  }
}

function pool() {
  const opened: Fake[] = [];
  const clock = new ManualClock('2026-11-26T08:00:00Z');
  const sessions = new ServerSessions(clock);
  const open = async () => {
    const session = new Fake();
    opened.push(session);
    return session;
  };
  return { opened, clock, sessions, lend: (key = reader) => sessions.lend(key, open, never) };
}

test('a returned session is reused, the last one first, in the state after its opening', async () => {
  const { opened, sessions, lend } = pool();
  const [one, two] = [await lend(), await lend()];
  await one.giveBack(true);
  await two.giveBack(true);
  assert.equal((await lend()).session, two.session);
  assert.equal(two.session.resets, 1);
  assert.notEqual((await lend(writer)).session, one.session);
  assert.equal(opened.length, 3);
  await sessions.closeIdle();
  assert.equal(one.session.isClosed, true);
});

test('a session that is busy, lost or cannot be reset is closed and not reused', async () => {
  const { opened, lend } = pool();
  const cases: ((session: Fake) => boolean)[] = [
    () => false,
    (session) => {
      session.isLost = true;
      return true;
    },
    (session) => {
      session.reset = () => Promise.reject(new Error('gone'));
      return true;
    },
  ];
  for (const spoil of cases) {
    const { session, giveBack } = await lend();
    await giveBack(spoil(session));
    assert.equal(session.isClosed, true);
  }
  await lend();
  assert.equal(opened.length, 4);
});

test('after a server had no free connection, nobody tries to connect for a while', async () => {
  const { clock, sessions } = pool();
  let asked = 0;
  const full = async (): Promise<Fake> => {
    asked += 1;
    throw transient('TooManyConnections', 'sorry, too many clients already');
  };
  const isRefused = (error: unknown) => error instanceof IdraError && error.code === 'TooManyConnections';
  await assert.rejects(sessions.lend(reader, full, never), isRefused);
  await assert.rejects(sessions.lend(writer, full, never), isRefused);
  assert.equal(asked, 1);
  clock.advance(1_000);
  await assert.rejects(sessions.lend(writer, full, never), isRefused);
  assert.equal(asked, 2);
});

test('a login that has reached its own limit does not delay other logins of the same server', async () => {
  const { sessions, lend } = pool();
  const full = async (): Promise<Fake> => {
    throw transient('TooManyConnections', 'too many connections for role "shop"');
  };
  await assert.rejects(sessions.lend(reader, full, never));
  await lend({ ...reader, identity: 'other', dataSource: 'default/other' });
  await assert.rejects(lend(), {
    code: 'TooManyConnections',
    message: /too many connections for role "shop"/,
  });
});

test('only a few sessions are opened at a time', async () => {
  const { sessions } = pool();
  const opening: (() => void)[] = [];
  const slow = async () => {
    await new Promise<void>((resolve) => opening.push(resolve));
    return new Fake();
  };
  const lent = Array.from({ length: 10 }, () => sessions.lend(reader, slow, never));
  await setImmediate();
  assert.equal(opening.length, 3);
  for (let index = 0; index < 10; index++) {
    opening[index]?.();
    await setImmediate();
  }
  await Promise.all(lent);
});

test('with sixteen connections the next caller waits until one is returned or closed', async () => {
  const { opened, clock, lend } = pool();
  const lent = await Promise.all(Array.from({ length: 16 }, () => lend()));
  const [same, other] = [lend(), lend(writer)];
  await setImmediate();
  assert.equal(opened.length, 16);
  await lent[0]?.giveBack(true);
  assert.equal((await same).session, lent[0]?.session);
  // A session of another login frees its connection only once it is closed at the server.
  const closing = Promise.withResolvers<void>();
  const left = lent[1]?.session as Fake;
  left.close = async () => {
    await closing.promise;
    left.isClosed = true;
  };
  await lent[1]?.giveBack(true);
  await setImmediate();
  assert.equal(opened.length, 16);
  closing.resolve();
  assert.equal((await other).session, opened[16]);
  assert.equal(left.isClosed, true);
  // The holder of a session may be waiting for this one.
  const late = lend(writer);
  await setImmediate();
  assert.equal(opened.length, 17);
  clock.advance(5_000);
  assert.equal((await late).session, opened[17]);
});

test('while sessions are returned, callers wait for a minute before another one is opened for one of them', async () => {
  const { opened, clock, lend } = pool();
  const lent = await Promise.all(Array.from({ length: 16 }, () => lend()));
  const waiting = Array.from({ length: 25 }, () => lend());
  await setImmediate();
  for (let returned = 0; returned < 19; returned++) {
    clock.advance(3_000);
    await lent[returned]?.giveBack(true);
    lent.push(await (waiting.shift() ?? lend()));
    assert.equal(opened.length, 16);
  }
  clock.advance(3_000);
  await setImmediate();
  assert.equal(opened.length, 16 + 1);
  clock.advance(5_000);
  await setImmediate();
  assert.equal(opened.length, 16 + 2);
});

test('of many callers for which no session is returned, one at a time gets a further connection', async () => {
  const { opened, clock, lend } = pool();
  await Promise.all(Array.from({ length: 16 }, () => lend()));
  const waiting = Array.from({ length: 4 }, () => lend(writer));
  await setImmediate();
  for (const further of [1, 2, 3, 4]) {
    clock.advance(5_000);
    await setImmediate();
    assert.equal(opened.length, 16 + further);
  }
  await Promise.all(waiting);
});

test('a caller that stops waiting passes its turn on', async () => {
  const { opened, sessions, lend } = pool();
  const lent = await Promise.all(Array.from({ length: 16 }, () => lend()));
  const stop = new AbortController();
  const stopped = sessions.lend(writer, async () => new Fake(), stop.signal);
  const next = lend(writer);
  await setImmediate();
  stop.abort(new Error('stopped'));
  await lent[0]?.giveBack(false);
  await assert.rejects(stopped, /stopped/);
  await next;
  assert.equal(opened.length, 17);
});

const [hog, victim] = [
  { ...reader, identity: 'hog', dataSource: 'hog/shop' },
  { ...reader, identity: 'victim', dataSource: 'victim/shop' },
];

test('a namespace does not wait for all that another one waits for', async () => {
  const { clock, lend } = pool();
  const served: string[] = [];
  const lendTo = (key: typeof hog) => void lend(key).then(() => served.push(key.identity));
  for (let count = 0; count < 120; count++) lendTo(hog);
  await setImmediate();
  for (let count = 0; count < 2; count++) lendTo(victim);
  for (let turn = 0; turn < 6; turn++) {
    clock.advance(5_000);
    await setImmediate();
  }
  assert.deepEqual(served.slice(16), ['hog', 'hog', 'victim', 'victim', 'hog', 'hog']);
});

test('a returned session is given to the namespace whose turn it is, not to the caller that comes first', async () => {
  const { opened, lend } = pool();
  const lent = await Promise.all(Array.from({ length: 16 }, () => lend(hog)));
  const ofVictim = lend(victim);
  await setImmediate();
  const returned = lent[0]?.giveBack(true);
  const late = lend(hog);
  assert.equal((await ofVictim).session, opened[16]);
  await returned;
  await lent[1]?.giveBack(true);
  assert.equal((await late).session, lent[1]?.session);
});

test('one pass at a time of the namespace with most sessions makes way for another namespace that waits', async () => {
  const { clock, sessions, lend } = pool();
  const other = { ...reader, dataSource: 'other/shop' };
  await Promise.all(Array.from({ length: 12 }, () => lend(hog)));
  await Promise.all(Array.from({ length: 4 }, () => lend(other)));
  void lend(hog);
  await setImmediate();
  assert.equal(sessions.mustMakeWay('hog/shop'), false, 'its own namespace waits');
  const ofVictim = lend(victim);
  await setImmediate();
  assert.equal(sessions.mustMakeWay('other/shop', 'other/files'), false, 'it has less');
  assert.equal(sessions.mustMakeWay('hog/files', 'hog/elsewhere'), false, 'it has none of this server');
  assert.equal(sessions.mustMakeWay('hog/files', 'hog/shop'), true);
  assert.equal(sessions.mustMakeWay('hog/shop'), false, 'one has just made way');
  clock.advance(1_000);
  assert.equal(sessions.mustMakeWay('hog/shop'), true);
  for (let turn = 0; turn < 2; turn++) {
    clock.advance(5_000);
    await setImmediate();
  }
  await ofVictim;
  assert.equal(sessions.mustMakeWay('hog/shop'), false, 'nobody waits');
});

test('a pass makes way for another namespace that the server has refused, for as long as that one pauses', async () => {
  const { clock, sessions, lend } = pool();
  await Promise.all(Array.from({ length: 5 }, () => lend(hog)));
  const full = async (): Promise<Fake> => {
    throw transient('TooManyConnections', 'sorry, too many clients already');
  };
  await assert.rejects(sessions.lend(victim, full, never));
  assert.equal(sessions.mustMakeWay('hog/shop'), true);
  clock.advance(60_000);
  assert.equal(sessions.mustMakeWay('hog/shop'), false);
});

test('a login that is never answered keeps no other namespace from the server', async () => {
  const { clock, sessions, lend } = pool();
  const silent = () => Promise.withResolvers<Fake>().promise;
  for (let count = 0; count < 6; count++) void sessions.lend(hog, silent, never);
  let isServed = false;
  void lend(victim).then(() => {
    isServed = true;
  });
  for (let turn = 0; turn < 3; turn++) {
    clock.advance(5_000);
    await setImmediate();
  }
  assert.equal(isServed, true);
});

test('servers to which nobody is connected any more are forgotten', async () => {
  const { clock, sessions, lend } = pool();
  const before = queryObjects(ConnectionRoom, { format: 'count' });
  const refuse = async (): Promise<Fake> => {
    throw transient('TooManyConnections', 'sorry, too many clients already');
  };
  for (let port = 0; port < 20; port++) {
    await assert.rejects(sessions.lend({ ...reader, server: `db:${port}` }, refuse, never));
    clock.advance(2_000);
  }
  const { giveBack } = await lend();
  await giveBack(false);
  assert.ok(queryObjects(ConnectionRoom, { format: 'count' }) <= before + 2);
});
