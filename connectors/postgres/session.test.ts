import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { test } from 'node:test';
import pg from 'pg';
import { Stopped } from '../../core/errors.ts';
import { Secret } from '../../core/secret.ts';
import { ServerSessions } from '../../core/session-pool.ts';
import { faultProxy } from '../../e2e/kit/proxy.ts';
import { postgres } from '../../e2e/kit/servers.ts';
import { writerName } from './connection/open.ts';
import { Session } from './session.ts';
import { accessOf, testDatabase } from './test-harness.ts';

test('a connect that is aborted half-way ends immediately', async () => {
  const sockets: Socket[] = [];
  const silent = createServer((socket) => sockets.push(socket));
  silent.listen(0, '127.0.0.1');
  await once(silent, 'listening');
  const { port } = silent.address() as { port: number };
  const config = { host: '127.0.0.1', port, database: 'd', user: 'u', tls: { mode: 'Disable' } };
  const access = { dataSource: 'test/silent', config, secret: () => new Secret('p') };
  const stop = new AbortController();
  const opening = Session.open(access, writerName, stop.signal);
  await once(silent, 'connection');
  stop.abort(new Stopped('drain'));
  await assert.rejects(opening, { name: 'Stopped' });
  for (const socket of sockets) socket.destroy();
  silent.close();
});

test('an unreachable server does not prevent a session from closing', async () => {
  const database = await testDatabase();
  const proxy = await faultProxy(database.host, database.port);
  try {
    const access = accessOf({ ...database, port: proxy.port });
    const session = await Session.open(access, writerName, new AbortController().signal);
    proxy.pause();
    await session.close();
    assert.ok(session.isLost);
  } finally {
    await proxy.stop();
    await database.stop();
  }
});

test('a role that locks its own database for logins keeps no other namespace from the server', async () => {
  const server = await postgres();
  const [own, other] = [await server.createDatabase(), await server.createDatabase()];
  await server.query(`ALTER ROLE "${own.user}" CREATEDB`);
  const { host, port, user, password } = own;
  const locker = new pg.Client({ host, port, user, password, database: 'postgres' });
  locker.on('error', () => {});
  const stop = new AbortController();
  try {
    await locker.connect();
    await locker.query(`BEGIN; ALTER DATABASE "${own.database}" RENAME TO "${own.database}_locked"`);
    const sessions = new ServerSessions();
    const { config, ...patient } = accessOf(own);
    const stuck = { ...patient, sessions, config: { ...config, parameters: { connect_timeout: '999999' } } };
    const opening = [1, 2, 3, 4].map((at) =>
      Session.open({ ...stuck, dataSource: `own/${at}` }, writerName, stop.signal),
    );
    const stopped = Promise.allSettled(opening);
    const access = { ...accessOf(other), sessions, dataSource: 'other/shop' };
    const session = await Session.open(access, writerName, AbortSignal.timeout(60_000));
    await session.close();
    await sessions.closeIdle();
    stop.abort(new Stopped('drain'));
    await stopped;
  } finally {
    stop.abort(new Stopped('drain'));
    await locker.end();
    await server.stop();
  }
});
