import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Session as MysqlSession, type Role } from '../connectors/mysql/session.ts';
import { readerName } from '../connectors/postgres/connection/open.ts';
import { Session as PostgresSession } from '../connectors/postgres/session.ts';
import { answerMemory } from '../core/answer-memory.ts';
import type { SystemAccess } from '../core/connector.ts';
import { Stopped } from '../core/errors.ts';
import { Secret } from '../core/secret.ts';
import { type HeldAnswer, heldAnswers, holdingServer } from './hostile/held-answers.ts';
import { eof, type MysqlAttack, ok, packet, resultSet, rogueMysql } from './hostile/rogue-mysql.ts';
import {
  errorMessage,
  int32,
  message,
  type PostgresAttack,
  type Reply,
  ready,
  roguePostgres,
} from './hostile/rogue-postgres.ts';
import type { Answer } from './hostile/rogue-server.ts';
import { until } from './kit/wait.ts';

const never = new AbortController().signal;

function accessOf(port: number, parameters: Readonly<Record<string, string>> = {}): SystemAccess {
  const config = { host: '127.0.0.1', port, database: 'd', user: 'u', tls: { mode: 'Disable' }, parameters };
  return {
    dataSource: 'team/rogue',
    config,
    secret: (path) => (path === 'password' ? new Secret('p') : undefined),
  };
}

/** Checks the code of a read from an attacking PostgreSQL. Any exception outside of it fails the test. */
async function readPostgres(attack: PostgresAttack, parameters = {}): Promise<void> {
  const server = await roguePostgres(attack);
  try {
    await usePostgres(server.port, parameters);
  } finally {
    await server.stop();
  }
}

async function usePostgres(port: number, parameters: Readonly<Record<string, string>>): Promise<void> {
  const session = await PostgresSession.open(accessOf(port, parameters), readerName, never);
  try {
    const format = { limits: { maxRows: 5, maxBytes: 1_000 }, isBinary: true };
    const shape = {
      query: { lockSql: 'SELECT 2', fingerprintSql: 'SELECT 3', names: 'own' as const },
      text: '',
    };
    for await (const _ of session.copyOut('COPY (x) TO STDOUT', format, shape, never));
    await session.query('SELECT 1');
  } finally {
    await session.close();
  }
}

async function readMysql(attack: MysqlAttack, parameters = {}, role: Role = 'reader'): Promise<void> {
  const server = await rogueMysql(attack);
  try {
    await useMysql(server.port, parameters, role);
  } finally {
    await server.stop();
  }
}

async function useMysql(
  port: number,
  parameters: Readonly<Record<string, string>>,
  role: Role = 'reader',
): Promise<void> {
  const session = await MysqlSession.open(accessOf(port, parameters), role, never);
  try {
    await session.guard(() => session.stream('SELECT 1', { onFields() {}, onRow: () => false }));
    await session.query('SELECT 1');
  } finally {
    await session.close();
  }
}

const isCopy = (sql: string) => sql.includes('; COPY');
const toCopy = (reply: Buffer) => ({
  statement: (sql: string) => (isCopy(sql) ? reply : ('proper' as const)),
});
const copyStarts = message('H', Buffer.from([1, 0, 1, 0, 1]));
const withLength = (type: string, length: number, rest: Buffer) =>
  Buffer.concat([Buffer.from(type), int32(length), rest]);

/** Messages of a few bytes each, from which drivers create objects of some hundred bytes: counted as bytes they are few. */
const many = (message: Buffer) => Buffer.alloc(600_000 * message.length, message);

const brokenPostgres: Readonly<Record<string, PostgresAttack>> = {
  'COPY answered by EmptyQueryResponse': toCopy(message('I')),
  'COPY answered by PortalSuspended': toCopy(message('s')),
  'a CopyData of a negative length': toCopy(
    Buffer.concat([copyStarts, withLength('d', -1, Buffer.alloc(16))]),
  ),
  'a CopyData of no length': toCopy(Buffer.concat([copyStarts, withLength('d', 0, Buffer.alloc(16))])),
  'a CopyData of 2 GB': toCopy(Buffer.concat([copyStarts, withLength('d', 0x7f_ff_ff_ff, Buffer.alloc(16))])),
  'a binary COPY without its header': toCopy(Buffer.concat([copyStarts, message('d', 'xx'), ready])),
  'a message of 4 GB': toCopy(withLength('T', -1, Buffer.alloc(16))),
  'a message shorter than its length': toCopy(withLength('Z', 1, Buffer.alloc(16))),
  'an error without an end': toCopy(message('E', 'SERROR\0')),
  'results without end': toCopy(Buffer.concat([many(message('C', 'SET\0')), ready])),
  'a row whose fields point backwards': {
    statement: (sql) =>
      sql === 'SELECT 1'
        ? Buffer.concat([message('D', Buffer.concat([Buffer.from([0, 1]), int32(-9)])), ready])
        : isCopy(sql)
          ? Buffer.concat([message('C', 'COPY 0\0'), ready])
          : 'proper',
  },
};

for (const [name, attack] of Object.entries(brokenPostgres)) {
  test(`PostgreSQL: ${name} ends the connection and nothing else`, async () => {
    await assert.rejects(readPostgres(attack), { code: 'ProtocolBroken', disposition: 'permanent' });
  });
}

test('PostgreSQL: authentication that the driver does not know is named', async () => {
  const login = (method: number) => message('R', Buffer.concat([int32(method), Buffer.alloc(4)]));
  await assert.rejects(readPostgres({ login: login(7) }), {
    code: 'AuthenticationFailed',
    message: /authentication by GSSAPI/,
  });
  await assert.rejects(readPostgres({ login: login(99) }), {
    code: 'AuthenticationFailed',
    message: /type 99/,
  });
});

test('PostgreSQL: SQLSTATEs that are property names of every object count as unknown', async () => {
  for (const state of ['constructor', '__proto__', 'toString']) {
    await assert.rejects(readPostgres(toCopy(Buffer.concat([errorMessage(state, 'text'), ready]))), {
      code: 'ServerError',
    });
  }
});

/** A row with one int whose length is 2^53. */
const endlessInteger = Buffer.from([0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x0f, 0]);
const long = 0x03;
const toSelect = (reply: Buffer): MysqlAttack => ({
  statement: (sql) => (sql.includes('SELECT 1') ? reply : 'proper'),
});

/** Only for the first SELECT. */
function once(reply: Buffer): MysqlAttack {
  let isSent = false;
  return {
    statement: (sql) => {
      if (isSent || !sql.includes('SELECT 1')) return 'proper';
      isSent = true;
      return reply;
    },
  };
}

/** Many copies of a packet, then the last one, each with its sequence number. */
function withNumbers(each: Buffer, last: Buffer): Buffer {
  const all = Buffer.concat([many(each), last]);
  for (let at = 0; at * each.length < all.length; at++) all[at * each.length + 3] = (at + 1) % 256;
  return all;
}

const brokenMysql: Readonly<Record<string, MysqlAttack>> = {
  'an extra packet after the login': {
    login: (sequence) => Buffer.concat([packet(sequence, ok), packet(0, ok)]),
  },
  'extra packets after an answer': toSelect(Buffer.concat([packet(1, ok), packet(2, ok), packet(3, ok)])),
  'an integer of 2^53 digits': toSelect(resultSet([long], [endlessInteger])),
  'a result of 60,000 columns': toSelect(resultSet(Array(60_000).fill(long), [])),
  'a result that has no columns': toSelect(Buffer.concat([packet(1, Buffer.from([3])), packet(2, eof)])),
  'a row with bytes after its values': toSelect(resultSet([long], [Buffer.from([1, 0x31, 0x32])])),
  'results without end': once(withNumbers(packet(0, Buffer.from([0, 0, 0, 10, 0, 0, 0])), packet(0, ok))),
  'a key that is none': {
    login: (sequence) => packet(sequence, Buffer.from('\x01nokey')),
  },
  'an unknown plugin': {
    login: (sequence) => packet(sequence, Buffer.from('\xfe__proto__\0x\0', 'latin1')),
  },
  'an empty packet': { login: (sequence) => packet(sequence, Buffer.alloc(0)) },
  'a greeting of zeros': { greeting: packet(0, Buffer.alloc(40)) },
};

for (const [name, attack] of Object.entries(brokenMysql)) {
  test(`MySQL: ${name} ends the connection and nothing else`, async () => {
    await assert.rejects(readMysql(attack), (error: { code?: string; message?: string }) => {
      assert.match(
        `${error.code}: ${error.message}`,
        /^(ProtocolBroken|ConnectionLost|AuthenticationFailed): team\/rogue/,
      );
      return true;
    });
  });
}

test('MySQL: the driver prints nothing on stderr', async (context) => {
  const [error, trace] = [context.mock.method(console, 'error'), context.mock.method(console, 'trace')];
  const badLength = toSelect(resultSet([long, long], [Buffer.from([1, 0x31, 0xff])]));
  const outOfOrder = toSelect(Buffer.concat([packet(7, ok), packet(1, ok)]));
  for (const attack of [badLength, outOfOrder]) await readMysql(attack).catch(() => {});
  assert.deepEqual([error.mock.callCount(), trace.mock.callCount()], [0, 0]);
});

test('PostgreSQL: a server that stops answering is abandoned at every step', async () => {
  const short = { connect_timeout: '1', socket_timeout: '1' };
  const silent = { code: 'SystemTimeout', disposition: 'transient' };
  const unreached = { code: 'ServerSilent', disposition: 'transient' };
  const saying = (message: RegExp) => ({ ...unreached, message });
  await assert.rejects(readPostgres({ login: 'silence' }, short), saying(/sent nothing within 1 s/));
  await assert.rejects(
    readPostgres({ statement: () => 'silence' }, short),
    saying(/accepted the login but did not answer/),
  );
  await assert.rejects(readPostgres({ statement: (sql) => when(isCopy(sql)) }, short), silent);
  await assert.rejects(readPostgres(toCopy(copyStarts), short), silent);
  const empty = Buffer.concat([message('C', 'COPY 0\0'), ready]);
  const afterCopy = (sql: string) => (isCopy(sql) ? empty : when(sql === 'SELECT 1'));
  await assert.rejects(readPostgres({ statement: afterCopy }, short), silent);
});

/** Then the server answers. */
const mostAsides = 300;
/** NoticeResponse, ParameterStatus, NotificationResponse; and a notice that never becomes complete. */
const asides: Readonly<Record<string, readonly Buffer[]>> = {
  'a notice': [message('N', 'SNOTICE\0Mwait\0\0')],
  'a setting': [message('S', 'TimeZone\0UTC\0')],
  'a notification': [message('A', Buffer.concat([int32(7), Buffer.from('channel\0\0')]))],
  'a part of a notice': [withLength('N', 4 + mostAsides, Buffer.alloc(0)), Buffer.from('x')],
};

for (const [name, [first, ...more]] of Object.entries(asides)) {
  test(`PostgreSQL: a server that sends ${name} again and again is silent`, async () => {
    for (const isAttacked of [isCopy, (sql: string) => sql === 'SELECT 1']) {
      let timer: NodeJS.Timeout | undefined;
      const statement = (sql: string, answer: Answer): Reply => {
        if (!isAttacked(sql))
          return isCopy(sql) ? Buffer.concat([message('C', 'COPY 0\0'), ready]) : 'proper';
        let left = mostAsides;
        timer = setInterval(() => answer(left-- > 0 ? (more[0] ?? first ?? ready) : ready), 50);
        return Buffer.concat([...(isCopy(sql) ? [copyStarts] : []), first ?? ready]);
      };
      const short = { connect_timeout: '1', socket_timeout: '1' };
      await assert.rejects(readPostgres({ statement }, short), { code: 'SystemTimeout' });
      clearInterval(timer);
    }
  });
}

/** In MiB, those of two servers: each fits into the limit of the test, and both together do not. */
const answersHeld: Readonly<Record<HeldAnswer, readonly [number, number]>> = {
  postgresRows: [80, 40],
  postgresText: [20, 10],
  postgresMessage: [20, 10],
  postgresCopyRow: [80, 40],
  mysqlRows: [80, 40],
  mysqlText: [15, 12],
  mysqlMessage: [16, 16],
  mysqlStreamedRow: [40, 20],
};
const mebibyte = 1_024 ** 2;
const patient = { connect_timeout: '60' };

for (const [held, sizes] of Object.entries(answersHeld) as [HeldAnswer, readonly [number, number]][]) {
  test(`of servers that hold answers at once (${held}), the one with the largest is refused`, async () => {
    answerMemory.limitFor(45 * mebibyte);
    const first = await holdingServer(held, heldAnswers[held](sizes[0] * mebibyte));
    const second = await holdingServer(held, heldAnswers[held](sizes[1] * mebibyte));
    try {
      const use = ({ port }: { readonly port: number }) =>
        held.startsWith('mysql') ? useMysql(port, patient) : usePostgres(port, patient);
      const refused = assert.rejects(use(first), { code: 'AnswersTooLarge', disposition: 'transient' });
      await until(() => answerMemory.used > 50 * mebibyte, { what: 'the first answer to be held' });
      const lost = assert.rejects(use(second), { code: 'ConnectionLost' });
      await refused;
      await until(() => answerMemory.used > 20 * mebibyte, { what: 'the other answer to be held' });
      await second.stop();
      await lost;
      assert.equal(answerMemory.used, 0);
    } finally {
      await Promise.all([first, second].map((each) => each.stop().catch(() => {})));
      answerMemory.limitFor(128 * mebibyte);
    }
  });
}

test('MySQL: a server that stops answering is abandoned at every step', async () => {
  const short = { connect_timeout: '1', socket_timeout: '1' };
  const silent = { code: 'SystemTimeout', disposition: 'transient' };
  const unreached = { code: 'ServerSilent', disposition: 'transient' };
  const saying = (message: RegExp) => ({ ...unreached, message });
  await assert.rejects(readMysql({ greeting: 'silence' }, short), saying(/sent nothing within 1 s/));
  await assert.rejects(readMysql({ login: () => 'silence' }, short), saying(/did not complete the login/));
  await assert.rejects(
    readMysql({ statement: () => 'silence' }, short),
    saying(/accepted the login but did not answer/),
  );
  await assert.rejects(readMysql({ statement: (sql) => when(sql.includes('SELECT 1')) }, short), silent);
  await assert.rejects(readMysql(toSelect(packet(1, Buffer.from([3]))), short), silent);
});

function when(isSilent: boolean): 'silence' | 'proper' {
  return isSilent ? 'silence' : 'proper';
}

test('an abort ends an opening that has stalled after the login', async () => {
  const stop = () => {
    const controller = new AbortController();
    setTimeout(() => controller.abort(new Stopped('shutdown')), 50);
    return controller.signal;
  };
  const postgres = await roguePostgres({ statement: () => 'silence' });
  const mysql = await rogueMysql({ statement: () => 'silence' });
  try {
    await assert.rejects(PostgresSession.open(accessOf(postgres.port), readerName, stop()), {
      name: 'Stopped',
    });
    await assert.rejects(MysqlSession.open(accessOf(mysql.port), 'reader', stop()), { name: 'Stopped' });
  } finally {
    await Promise.all([postgres.stop(), mysql.stop()]);
  }
});

test('a DataSource whose login is refused ends no session of another one with the same server', async () => {
  const shut = new AbortController();
  const server = await roguePostgres({
    statement: (sql) => when(sql === 'SELECT 1' || (shut.signal.aborted && sql.includes("'neighbour'"))),
  });
  const times = { connect_timeout: '1', socket_timeout: '4' };
  const neighbour = { ...accessOf(server.port, { ...times, role: 'neighbour' }), dataSource: 'other/rogue' };
  try {
    const theirs = await PostgresSession.open(neighbour, readerName, never);
    const ours = await PostgresSession.open(accessOf(server.port, times), readerName, never);
    shut.abort();
    // The session on their server first checks whether the server accepts another connection.
    const ends = [theirs, ours].map((session) => session.query('SELECT 1'));
    await Promise.all([
      assert.rejects(ends[0] ?? Promise.resolve(), { code: 'HostUnreachable' }),
      assert.rejects(ends[1] ?? Promise.resolve(), { code: 'SystemTimeout' }),
    ]);
    await Promise.all([theirs.close(), ours.close()]);
  } finally {
    await server.stop();
  }
});
