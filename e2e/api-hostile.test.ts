import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { TestStream } from '../api/test-live.ts';
import { type Served, serve } from './api/serve.ts';
import { until } from './kit/wait.ts';
import { byId, ends, ShopFolder, shop, sync } from './single-mode/shop-folder.ts';

/** Clients that want to harm the server: it refuses or bounds what they do, goes on serving, and its memory stays flat. */
describe('the API server among hostile clients', () => {
  let folder: ShopFolder;
  let served: Served;
  let port: number;
  before(async () => {
    folder = await ShopFolder.make();
    folder.execute('shop.db', shop);
    await folder.manifests(ends + sync({ ...byId, schedule: { every: '10s' } }));
    served = await serve(['-f', 'shop.yaml', '--state', join(folder.path, 'state.db')], {}, folder.path);
    port = Number(new URL(served.client.url).port);
  });
  after(async () => {
    await served?.running.stop();
    await folder?.remove();
  });

  const open = async (): Promise<Socket> => {
    const socket = connect(port, '127.0.0.1');
    socket.on('error', () => {});
    // Without reading, the end of a connection is not noticed.
    socket.resume();
    await once(socket, 'connect');
    return socket;
  };
  const raw = async (text: string): Promise<string> => {
    const socket = await open();
    let answer = '';
    socket.on('data', (chunk) => {
      answer += chunk;
    });
    socket.write(text);
    await until(() => /^HTTP\/1.1 \d{3}/.test(answer) || socket.destroyed, { what: 'an answer' });
    socket.destroy();
    return answer.split('\r\n')[0] ?? '';
  };
  const get = (path: string) => raw(`GET ${path} HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n`);
  const memory = () =>
    Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${served.running.pid}/status`, 'utf8'))?.[1]) /
    1024;
  const isWell = async () => assert.equal((await served.client.call('/version')).status, 200);

  test('paths that climb, hide or confuse lead nowhere', async () => {
    const paths = [
      '/api/v1/../../../etc/passwd',
      '/api/v1/%2e%2e/%2e%2e/etc/passwd',
      '/api/v1/syncs/..%2f..%2fusers/x',
      '/api/v1//users',
      '//evil.example/api/v1/users',
      '/api/v1/syncs/%00/x',
      '/api/v1/syncs/%zz/x',
      '/API/V1/users',
      'http://evil.example/api/v1/users',
      `/api/v1/syncs/${'a'.repeat(2_000)}/x`,
    ];
    for (const path of paths) assert.match(await get(path), /^HTTP\/1.1 (400|401|403|404|414) /, path);
    await isWell();
  });

  test('another host name is refused: a page of a rebound name could use it', async () => {
    assert.match(await raw('GET /api/v1/version HTTP/1.1\r\nhost: evil.example\r\n\r\n'), / 403 /);
  });

  test('bodies and headers that are too large are refused before they are read', async () => {
    const { client } = served;
    const large = { values: { password: 'x'.repeat(2 << 20) } };
    await client.refused(413, 'BodyTooLarge', '/secrets/team-a/x', { method: 'PUT', body: large });
    const head = `GET /api/v1/version HTTP/1.1\r\nhost: 127.0.0.1\r\nx: ${'a'.repeat(40_000)}\r\n\r\n`;
    assert.match(await raw(head), / 431 /);
    assert.match(
      await raw(
        'POST /api/v1/session HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n',
      ),
      / 400 /,
      'two lengths',
    );
    await isWell();
  });

  test('hundreds of bodies and headers that never end are cut off, and take no memory', async () => {
    await isWell();
    const before = memory();
    const begin = async (text: string) => {
      const socket = await open();
      socket.write(text);
      return socket;
    };
    const head = 'host: 127.0.0.1\r\ncontent-type: application/json\r\ncontent-length: 1000000\r\n\r\n{';
    const slow = await Promise.all(
      Array.from({ length: 300 }, (_, index) =>
        begin(
          index % 2 === 0
            ? `POST /api/v1/session HTTP/1.1\r\n${head}`
            : 'GET /api/v1/version HTTP/1.1\r\nhost: 127.0.0.1\r\nx: ',
        ),
      ),
    );
    const drip = setInterval(() => {
      for (const each of slow) if (!each.destroyed) each.write('a');
    }, 1_000);
    try {
      await isWell();
      await until(() => slow.every((each) => each.destroyed), { what: 'all to be closed' });
    } finally {
      clearInterval(drip);
    }
    assert.ok(memory() - before < 100, `${Math.round(memory() - before)} MiB more`);
  });

  test('ten thousand connections, and hundreds of streams of one user, are bounded', async () => {
    await isWell();
    const before = memory();
    const sockets: (Socket | undefined)[] = [];
    // In portions: a queue of thousands of handshakes would be the limit of the kernel, not that of the server. Those that the server
    // closes cost this process no file descriptor, so about as many are open as the server permits.
    for (let portion = 0; portion < 100; portion++) {
      const opened = Array.from({ length: 100 }, () => open().catch(() => undefined));
      sockets.push(...(await Promise.all(opened)));
    }
    assert.equal(sockets.length, 10_000);
    const isOpen = (each: Socket | undefined) => each?.destroyed === false;
    await until(() => sockets.filter(isOpen).length <= 2_000, { what: 'those above the limit to be closed' });
    // They stay open and silent: the server ends them, and serves others.
    await until(
      () =>
        served.client.call('/version').then(
          ({ status }) => status === 200,
          () => false,
        ),
      {
        what: 'an answer',
      },
    );
    await until(() => !sockets.some(isOpen), { what: 'the silent ones to be closed' });
    const streams = await Promise.all(
      Array.from({ length: 80 }, () => TestStream.open(served.client, ['syncs'])),
    );
    const statuses = streams.map(({ status }) => status);
    assert.equal(statuses.filter((each) => each === 200).length, 50);
    assert.equal(statuses.filter((each) => each === 503).length, 30);
    for (const stream of streams) stream.close();
    await until(
      async () => {
        const stream = await TestStream.open(served.client, ['syncs']);
        stream.close();
        return stream.status === 200;
      },
      { what: 'room for a new stream' },
    );
    assert.ok(memory() - before < 150, `${Math.round(memory() - before)} MiB more`);
  });

  test('a client that does not read its stream costs no memory', async () => {
    const { cookie } = served.client;
    const socket = await open();
    socket.pause();
    socket.write(
      `GET /api/v1/live?topic=syncs HTTP/1.1\r\nhost: 127.0.0.1\r\ncookie: __Host-idra-session=${cookie}\r\n\r\n`,
    );
    await isWell();
    socket.destroy();
  });
});
