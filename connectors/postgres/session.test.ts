import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { test } from 'node:test';
import { Stopped } from '../../core/errors.ts';
import { Secret } from '../../core/secret.ts';
import { faultProxy } from '../../e2e/kit/proxy.ts';
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
