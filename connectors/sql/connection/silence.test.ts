import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { after, before, test } from 'node:test';
import { type IdraError, permanent, transient } from '../../../core/errors.ts';
import { watchSilence } from './silence.ts';

const server = createServer(() => {});
let socket: Socket;

before(async () => {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  socket = connect((server.address() as { port: number }).port, '127.0.0.1');
  await once(socket, 'connect');
});
after(() => {
  socket.destroy();
  server.close();
});

const enoughProbes = 5;

/** The error that ends the wait for a silent server; undefined if the given number of probes were made and the wait goes on. */
async function ended(server: string, attempt: () => Promise<void>): Promise<IdraError | undefined> {
  const { promise, resolve } = Promise.withResolvers<IdraError | undefined>();
  let probes = 0;
  const connectOnce = async () => {
    if (++probes >= enoughProbes) resolve(undefined);
    await attempt();
  };
  const probe = { server, everyMs: 5, connect: connectOnce };
  const stop = watchSilence(socket, { where: 'test', limitMs: 60_000, probe }, resolve);
  const late = setTimeout(() => resolve(permanent('Unreachable', 'nothing was asked')), 2_000);
  try {
    return await promise;
  } finally {
    clearTimeout(late);
    stop();
  }
}

test('a silent server that does not answer another connection is abandoned', async () => {
  const error = await ended('gone', async () => {
    throw transient('HostUnreachable', 'no answer within 1 s');
  });
  assert.equal(error?.code, 'HostUnreachable');
  assert.match(error.message, /has sent no part of its answer .* does not answer another connection/);
});

test('one that answers, even with an error, is waited for', async () => {
  assert.equal(await ended('well', async () => {}), undefined);
  const full = async () => {
    throw transient('TooManyConnections', 'too many');
  };
  assert.equal(await ended('full', full), undefined);
});
