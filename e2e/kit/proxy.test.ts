import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { after, afterEach, before, beforeEach, describe, test } from 'node:test';
import { type FaultProxy, faultProxy } from './proxy.ts';
import { until } from './wait.ts';

describe('fault proxy', () => {
  let server: Server;
  let proxy: FaultProxy;
  /** Everything that was sent to the server. */
  let heard: string;

  before(async () => {
    server = createServer((socket) => {
      socket.on('error', () => {});
      socket.on('data', (chunk) => {
        heard += chunk;
        socket.write(`<${chunk}>`);
      });
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
  });
  after(() => server.close());
  beforeEach(async () => {
    heard = '';
    proxy = await faultProxy('127.0.0.1', (server.address() as { port: number }).port);
  });
  afterEach(() => proxy.stop());

  test('carries both directions, and the end', async () => {
    const client = await open(proxy);
    client.socket.write('hello');
    await until(() => client.received === '<hello>', { what: 'the echo' });
    client.socket.end();
    await until(() => client.isClosed, { what: 'the end' });
    assert.equal(client.error, undefined);
    await until(() => proxy.connections === 0, { what: 'the pair to be forgotten' });
  });

  test('cut resets open connections and accepts new ones', async () => {
    const client = await open(proxy);
    proxy.cut();
    await until(() => client.isClosed, { what: 'the reset' });
    assert.equal(client.error, 'ECONNRESET');
    const next = await open(proxy);
    next.socket.write('again');
    await until(() => next.received === '<again>', { what: 'the echo' });
    assert.equal(proxy.accepted, 2);
  });

  test('refuse resets new ones too, until heal', async () => {
    proxy.refuse();
    // The reset may come before or after the client sees its connection established.
    const refused = await open(proxy).catch((error: NodeJS.ErrnoException) => error);
    if (!(refused instanceof Error)) await until(() => refused.isClosed, { what: 'the reset' });
    assert.equal(refused instanceof Error ? refused.code : refused.error, 'ECONNRESET');
    assert.equal(proxy.connections, 0);
    proxy.heal();
    const next = await open(proxy);
    next.socket.write('x');
    await until(() => next.received === '<x>', { what: 'the echo' });
  });

  test('pause holds bytes back in one direction, resume releases them', async () => {
    const client = await open(proxy);
    proxy.pause('toClient');
    client.socket.write('held');
    await until(() => heard === 'held', { what: 'the request to arrive' });
    // A second connection has been opened and closed through the same proxy, so the answer had enough time.
    proxy.pause('toServer');
    client.socket.write('also');
    const other = await open(proxy);
    other.socket.write('other');
    await until(() => proxy.connections === 2, { what: 'the second connection' });
    assert.equal(client.received + other.received, '');
    assert.equal(heard, 'held');
    proxy.resume();
    await until(() => client.received === '<held><also>' && other.received === '<other>', {
      what: 'all of it',
    });
  });

  test('a listener can drop the answer, so that the server did what the client never learns', async () => {
    proxy.onServerData((chunk) => (chunk.includes('secret') ? 'drop' : undefined));
    const client = await open(proxy);
    client.socket.write('secret');
    await until(() => heard === 'secret', { what: 'the request to arrive' });
    client.socket.write('plain');
    await until(() => client.received === '<plain>', { what: 'the second answer' });
  });

  test('a listener can close between request and answer', async () => {
    proxy.onServerData(() => 'close');
    const client = await open(proxy);
    client.socket.write('commit');
    await until(() => client.isClosed, { what: 'the reset' });
    assert.deepEqual([heard, client.received, client.error], ['commit', '', 'ECONNRESET']);
  });

  test('a listener can close before the server receives the request', async () => {
    proxy.onClientData((chunk, connection) =>
      connection === 1 && chunk.includes('commit') ? 'close' : 'forward',
    );
    const client = await open(proxy);
    client.socket.write('commit');
    await until(() => client.isClosed, { what: 'the reset' });
    assert.equal(heard, '');
  });

  test('cutAfterBytes passes exactly this many bytes, in pieces or at once', async () => {
    proxy.cutAfterBytes(6, 'toServer');
    const client = await open(proxy);
    client.socket.write('abcd');
    await until(() => heard === 'abcd', { what: 'the first piece' });
    client.socket.write('efgh');
    await until(() => client.isClosed, { what: 'the reset' });
    await until(() => heard === 'abcdef', { what: 'the half of the second piece' });
  });

  test('large data passes whole, with backpressure', async () => {
    const client = await open(proxy);
    const big = 'x'.repeat(8 << 20);
    client.socket.write(big);
    await until(() => heard.length === big.length, { what: 'all of it' });
    await until(() => client.received.replaceAll(/[<>]/g, '').length === big.length, {
      what: 'the echo of it',
    });
  });
});

interface Client {
  readonly socket: Socket;
  received: string;
  isClosed: boolean;
  error: string | undefined;
}

async function open(proxy: FaultProxy): Promise<Client> {
  const socket = connect(proxy.port, proxy.host);
  const client: Client = { socket, received: '', isClosed: false, error: undefined };
  socket.on('data', (chunk) => (client.received += chunk));
  socket.on('error', (error: NodeJS.ErrnoException) => (client.error = error.code));
  socket.on('close', () => (client.isClosed = true));
  await once(socket, 'connect');
  return client;
}
