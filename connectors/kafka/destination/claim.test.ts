import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { installCrashHook } from '../../../core/crash-points.ts';
import { until } from '../../../e2e/kit/wait.ts';
import {
  bodyColumn,
  idColumn,
  noSignal,
  numberedRows,
  openReader,
  openWriter,
  testBroker,
} from '../test-harness.ts';

const broker = testBroker();
const { newTopic, writer } = broker;
const columns = [idColumn, bodyColumn];
const rowsOf = numberedRows;
const fenced = { disposition: 'fenced' };

describe('the claim', () => {
  test('goes on from what is stored, starts over on request, and a closed row is not continued', async () => {
    const topic = newTopic();
    const first = await writer(topic);
    await first.claim();
    await first.write(rowsOf(1, 3), '3');
    await first.destination.close();
    const second = await writer(topic);
    const kept = await second.claim({ fingerprint: 'other' });
    assert.deepEqual(
      [kept.token, kept.rows, JSON.parse(kept.offset ?? '').id, kept.fingerprint],
      [2n, 3, '3', 'other'],
    );
    const restarted = await second.claim({ offset: 'restart' });
    assert.deepEqual([restarted.token, restarted.rows, restarted.offset], [3n, 0, null]);
    const { uid } = second.plan;
    await assert.rejects(second.destination.closeRows(uid, 2n, noSignal), fenced);
    await second.destination.closeRows(uid, 5n, noSignal);
    await assert.rejects(second.write(rowsOf(4, 4), '4'), fenced);
    await assert.rejects(second.claim({ token: 4n }), fenced);
    const next = await second.claim({ token: 6n });
    assert.deepEqual([next.offset, next.isClosed], [null, false]);
    await second.destination.close();
  });

  test('another uid takes the row over, and the one before is fenced', async () => {
    const topic = newTopic();
    const one = await writer(topic, { uid: `one-${topic}` });
    await one.claim();
    await one.write(rowsOf(1, 2), '2');
    const two = await writer(topic, { uid: `two-${topic}` });
    const adopted = await two.claim({ adoptFrom: `one-${topic}`, token: 9n });
    assert.deepEqual([adopted.token, adopted.rows], [9n, 2]);
    await assert.rejects(one.write(rowsOf(3, 3), '3'), fenced);
    const rows = await two.destination.commitRows(`two-${topic}`, noSignal);
    assert.deepEqual(rows.map(({ uid, isClosed }) => [uid, isClosed]).toSorted(), [
      [`one-${topic}`, true],
      [`two-${topic}`, false],
    ]);
    await Promise.all([one.destination.close(), two.destination.close()]);
  });

  test('an owner that is stopped before its commit is aborted by the brokers, and comes back fenced', async () => {
    const topic = newTopic();
    const old = await writer(topic);
    await old.claim({ token: 1n });
    const stopped = Promise.withResolvers<void>();
    const released = Promise.withResolvers<void>();
    installCrashHook((point) => {
      if (point !== 'commit:before') return;
      installCrashHook(undefined);
      stopped.resolve();
      return released.promise;
    });
    const writing = old.write(rowsOf(1, 5), '5');
    writing.catch(() => {});
    await stopped.promise;
    // A claim of another topic is not held up by the open transaction.
    const other = await writer(newTopic());
    await other.claim();
    await other.write(rowsOf(1, 1), '1');
    const again = await other.claim();
    assert.equal(again.rows, 1);
    const next = await writer(topic);
    assert.deepEqual((await next.claim({ token: 2n })).offset, null);
    await next.write(rowsOf(1, 3), '3');
    released.resolve();
    await assert.rejects(writing, fenced);
    assert.equal((await broker.client.read(topic)).length, 3);
    await Promise.all([old, next, other].map(({ destination }) => destination.close()));
  });

  test('an owner that the brokers fenced without a newer token claims again', async () => {
    const topic = newTopic();
    const { destination, claim, write, plan } = await writer(topic);
    await claim({ token: 5n });
    await write(rowsOf(1, 1), '1');
    // What an owner with an outdated lock does before it reads the token.
    const late = await writer(topic, { uid: plan.uid });
    await assert.rejects(late.claim({ token: 4n }), fenced);
    await assert.rejects(write(rowsOf(2, 2), '2'), { code: 'ClaimLost', disposition: 'transient' });
    assert.equal((await claim({ token: 5n })).rows, 1);
    await write(rowsOf(2, 2), '2');
    assert.equal((await broker.client.read(topic)).length, 2);
    await Promise.all([destination.close(), late.destination.close()]);
  });

  test('an offset is set by hand from the stored one only', async () => {
    const topic = newTopic();
    const { destination, claim, write, plan } = await writer(topic);
    await claim({ token: 3n });
    await write(rowsOf(1, 1), '1');
    const [row] = await destination.commitRows(plan.uid, noSignal);
    const change = {
      uid: plan.uid,
      expected: row?.offset ?? null,
      offset: '{"mode":"Id","id":"9"}',
      token: 3n,
    };
    assert.equal((await destination.setOffset(change, noSignal)).offset, change.offset);
    await assert.rejects(destination.setOffset(change, noSignal), { code: 'OffsetMoved' });
    await assert.rejects(destination.setOffset({ ...change, token: 2n }, noSignal), fenced);
    await destination.close();
  });

  test('a topic that was deleted or created again is not written', async () => {
    const topic = newTopic();
    const { destination, claim, write } = await writer(topic);
    await claim();
    await write(rowsOf(1, 1), '1');
    await broker.client.admin.deleteTopics({ topics: [topic] });
    await assert.rejects(write(rowsOf(2, 2), '2'), { code: 'SchemaChanged' });
    await broker.client.create(topic);
    await assert.rejects(write(rowsOf(2, 2), '2'), { code: 'SchemaChanged' });
    assert.deepEqual(await broker.client.read(topic), []);
    await destination.close();
  });

  test('a pass without a key is one transaction', async () => {
    const topic = newTopic();
    const { destination, claim, write } = await openWriter(broker.access(), { topic }, columns, {
      writeMode: 'Append',
    });
    await claim();
    const start = { pass: 1, isResumed: false, isAtomic: true };
    await destination.beginPass(start, noSignal);
    await write(rowsOf(1, 2), '2');
    await destination.beginPass(start, noSignal);
    assert.equal((await write(rowsOf(1, 2), '2')).totalRows, 2);
    assert.equal((await write(rowsOf(3, 3), '3')).totalRows, 3);
    const reader = await openReader(broker.access(), { topic, format: 'Raw' });
    assert.deepEqual([(await reader.pass()).rows.length, (await reader.pass()).end.isHeldBack], [0, true]);
    await reader.source.close();
    assert.equal(
      (await destination.endPass({ mode: 'Snapshot', pass: 1, key: null, isComplete: true }, noSignal))
        .totalRows,
      3,
    );
    assert.equal((await broker.client.read(topic)).length, 3);
    await destination.close();
  });
});

test('a topic of commit rows that deletes old messages is refused', async () => {
  const { destination, claim } = await writer(newTopic());
  await claim();
  const set = (policy: string) =>
    broker.client.admin.alterConfigs({
      validateOnly: false,
      resources: [
        {
          type: 2,
          name: '_idra_commits',
          configEntries: [
            { name: 'cleanup.policy', value: policy },
            { name: 'retention.ms', value: '604800000' },
          ],
        },
      ],
    });
  await set('delete');
  try {
    // Brokers apply a setting a moment later.
    const findings = () => destination.check('Upsert', noSignal);
    const [found] = await until(async () => (await findings()).length > 0 && (await findings()), {
      what: 'the setting to be there',
    });
    assert.deepEqual([found?.severity, found?.code], ['error', 'OwnTableUnsafe']);
    const unsafe = { code: 'OwnTableUnsafe', disposition: 'permanent', fix: /cleanup.policy=compact/ };
    await assert.rejects(claim(), unsafe);
  } finally {
    await set('compact');
  }
  await until(() => claim(), { what: 'the setting to be gone' });
  await destination.close();
});
