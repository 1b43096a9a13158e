import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { until } from '../../../e2e/kit/wait.ts';
import { Session } from '../session.ts';
import { type TestDatabase, testDatabase } from '../test-harness.ts';
import { frame } from './frames.ts';
import { writerName } from './open.ts';

let database: TestDatabase;
let session: Session;
before(async () => {
  database = await testDatabase();
  await database.run('CREATE TABLE t (body text CHECK (length(body) > 1))');
  session = await Session.open(database.access, writerName, new AbortController().signal);
  await session.run('SET default_transaction_read_only = off');
});
after(async () => {
  await session?.close();
  await database?.stop();
});

const line = frame(Buffer.from(`${'x'.repeat(65_000)}\n`));
const count = async () => (await database.run('SELECT count(*) FROM t'))[0]?.[0];

/** Frames, and how many of them were made. */
function counted(total: number, of: (index: number) => Buffer = () => line) {
  const counter = { made: 0 };
  const make = function* () {
    for (; counter.made < total; counter.made++) yield of(counter.made);
  };
  return { counter, body: { isBinary: false, frames: make() } };
}

test('rows are made while the server takes them, not all of them at once', async () => {
  const locker = await database.client();
  await locker.query('BEGIN; LOCK TABLE t IN ACCESS EXCLUSIVE MODE');
  const { counter, body } = counted(1_000);
  const copied = session.copyIn('COPY public.t FROM STDIN', body);
  const waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 't'::regclass";
  let before = -1;
  const isFull = () => {
    const isSame = counter.made === before;
    before = counter.made;
    return isSame;
  };
  try {
    await until(async () => (await database.run(waiting))[0]?.[0] === '1', { what: 'the COPY to wait' });
    // What the sockets of both ends hold is a few MiB.
    await until(isFull, { what: 'full sockets' });
    assert.ok(counter.made < 500, `${counter.made} frames were made`);
  } finally {
    await locker.query('ROLLBACK');
  }
  assert.equal(await copied, 1_000);
  assert.equal(await count(), '1000');
});

test('after a refusal nothing more is sent, and the connection goes on', async () => {
  const { counter, body } = counted(2_000, (index) => (index === 0 ? frame(Buffer.from('y\n')) : line));
  await assert.rejects(session.copyIn('COPY public.t FROM STDIN', body), { code: '23514' });
  assert.ok(counter.made < 1_000, `${counter.made} frames were made`);
  assert.deepEqual(await session.run('SELECT 1'), [['1']]);
  await assert.rejects(session.copyIn('COPY missing FROM STDIN', counted(100).body), { code: '42P01' });
  assert.deepEqual(await session.run('SELECT 2'), [['2']]);
});

test('a row that cannot be made ends the COPY with its own error', async () => {
  const before = await count();
  const { body } = counted(10, (index) => {
    if (index === 5) throw new RangeError('made so');
    return line;
  });
  await assert.rejects(session.copyIn('COPY public.t FROM STDIN', body), { message: 'made so' });
  assert.equal(await count(), before);
  assert.equal(await session.copyIn('COPY public.t FROM STDIN', counted(3).body), 3);
});
