import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { after, before, test } from 'node:test';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import { TestClock } from '../../../e2e/kit/test-clock.ts';
import { until } from '../../../e2e/kit/wait.ts';
import { type SafeCall, Session, type SessionOptions } from '../session.ts';
import { access, signal } from '../test-harness.ts';
import { usualLimits } from './answer-body.ts';

/** What a server writes that ends no answer, or too much of it. Each is bounded, and its connection is closed. */
let behave: (socket: Socket) => void;
let server: Server;
const sockets = new Set<Socket>();
before(async () => {
  server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => sockets.delete(socket));
    socket.once('data', () => behave(socket));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
});
after(() => {
  for (const socket of sockets) socket.destroy();
  server.close();
});

const mebibyte = 1_024 ** 2;
const limits = { ...usualLimits, maxBytes: 4 * mebibyte, maxWholeBytes: mebibyte };

async function read(options: SessionOptions = {}): Promise<number> {
  const address = server.address();
  const url = `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`;
  const session = new Session(access(url), { limits, ...options });
  const call: SafeCall = { method: 'GET', url: new URL(url), name: 'GET /', isRepeatable: false };
  try {
    const answer = await session.send(call, signal);
    let bytes = 0;
    for await (const chunk of answer.body()) bytes += chunk.length;
    return bytes;
  } finally {
    session.close();
  }
}

async function refuses(code: string, options: SessionOptions = {}): Promise<void> {
  await assert.rejects(read(options), { code });
  await until(async () => sockets.size === 0, { what: 'the connection to be closed' });
}

/** Writes as long as the other end reads. */
function endless(socket: Socket, chunk: string | Buffer): void {
  const more = () => {
    while (!socket.destroyed && socket.write(chunk));
  };
  socket.on('drain', more);
  more();
}

const head = (...headers: readonly string[]) =>
  `HTTP/1.1 200 OK\r\n${headers.map((each) => `${each}\r\n`).join('')}\r\n`;

test('an endless body', async () => {
  behave = (socket) => {
    socket.write(head());
    endless(socket, 'x'.repeat(65_536));
  };
  await refuses('AnswerTooLarge');
});

test('an endless chunked body', async () => {
  behave = (socket) => {
    socket.write(head('transfer-encoding: chunked'));
    endless(socket, `10000\r\n${'x'.repeat(65_536)}\r\n`);
  };
  await refuses('AnswerTooLarge');
});

test('very many chunks of one byte', async () => {
  behave = (socket) => {
    socket.write(head('transfer-encoding: chunked'));
    endless(socket, '1\r\nx\r\n'.repeat(10_000));
  };
  await refuses('ProtocolBroken');
});

test('endless headers', async () => {
  behave = (socket) => {
    socket.write('HTTP/1.1 200 OK\r\n');
    endless(socket, `x-h: ${'x'.repeat(1_000)}\r\n`);
  };
  await refuses('ProtocolBroken');
});

test('an endless header line', async () => {
  behave = (socket) => {
    socket.write('HTTP/1.1 200 OK\r\nx-h: ');
    endless(socket, 'x'.repeat(65_536));
  };
  await refuses('ProtocolBroken');
});

test('interim answers without end', async () => {
  behave = (socket) => endless(socket, 'HTTP/1.1 100 Continue\r\n\r\n'.repeat(100));
  await refuses('ProtocolBroken');
  behave = (socket) => endless(socket, 'HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n'.repeat(100));
  await refuses('ProtocolBroken');
});

test('endless trailers', async () => {
  behave = (socket) => {
    socket.write(`${head('transfer-encoding: chunked')}1\r\nx\r\n0\r\n`);
    endless(socket, `x-h: ${'x'.repeat(1_000)}\r\n`);
  };
  await refuses('ProtocolBroken');
});

test('a small compressed body that becomes very large', async () => {
  const zeros = Buffer.alloc(64 * mebibyte);
  for (const [encoding, body] of [
    ['gzip', gzipSync(zeros)],
    ['br', brotliCompressSync(zeros)],
  ] as const) {
    assert.ok(body.length < mebibyte);
    behave = (socket) => {
      socket.write(head(`content-encoding: ${encoding}`, `content-length: ${body.length}`));
      socket.write(body);
    };
    await refuses('AnswerTooLarge');
  }
});

test('a compressed body that is damaged, cut, or of another encoding', async () => {
  const body = gzipSync('x'.repeat(10_000));
  const answers: readonly (readonly [Buffer, string, string])[] = [
    [Buffer.from('not gzip at all'), 'gzip', 'ProtocolBroken'],
    [body.subarray(0, body.length - 10), 'gzip', 'ConnectionLost'],
    [body, 'br', 'ProtocolBroken'],
    [body, 'compress', 'AnswerInvalid'],
  ];
  for (const [bytes, encoding, code] of answers) {
    behave = (socket) => {
      socket.write(head(`content-encoding: ${encoding}`, `content-length: ${bytes.length}`));
      socket.end(bytes);
    };
    await refuses(code);
  }
});

test('silence in the middle of a body, and a body of some bytes now and then', async () => {
  behave = (socket) => void socket.write(`${head()}[1,`);
  await refuses('SystemTimeout', { limits: { ...limits, silenceMs: 50 } });
  behave = (socket) => {
    socket.write(head());
    const timer = setInterval(() => socket.write('x'), 10);
    socket.on('close', () => clearInterval(timer));
  };
  await refuses('SystemTimeout', { limits: { ...limits, patienceMs: 200 } });
});

test('silence before the answer is waited for once, also by a call that may be repeated', async () => {
  let connections = 0;
  behave = () => {
    connections += 1;
  };
  const address = server.address();
  const url = `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`;
  const session = new Session(access(url, { config: { requestTimeout: '50ms' } }), { limits });
  const call: SafeCall = { method: 'GET', url: new URL(url), name: 'GET /', isRepeatable: true };
  await assert.rejects(session.send(call, signal), { code: 'SystemTimeout', disposition: 'transient' });
  assert.equal(connections, 1);
  session.close();
});

test('what is not HTTP', async () => {
  behave = (socket) => socket.end('SSH-2.0-OpenSSH_9.2\r\n');
  await refuses('ProtocolBroken');
  behave = (socket) => socket.end('HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab');
  await refuses('ProtocolBroken');
});

test('a slow destination is not a slow server', async () => {
  behave = (socket) => socket.end(`${head('content-length: 6')}[1,2,]`);
  const address = server.address();
  const url = `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`;
  const clock = new TestClock();
  const session = new Session(access(url), { limits, clock });
  const call: SafeCall = { method: 'GET', url: new URL(url), name: 'GET /', isRepeatable: false };
  const body = (await session.send(call, signal)).body();
  assert.equal((await body.next()).done, false);
  await clock.advance(10 * limits.silenceMs);
  assert.equal((await body.next()).done, true);
  session.close();
});
