import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import type { DocumentStore } from '../coordination/documents.ts';
import { agentOf, Connections } from '../coordination/test-etcd.ts';
import { statusOf } from '../coordination/test-objects.ts';
import { silentLog } from '../core/log.ts';
import { type EtcdServer, etcd } from '../e2e/kit/servers.ts';
import { TestClock } from '../e2e/kit/test-clock.ts';
import { until } from '../e2e/kit/wait.ts';
import type { EventList } from './contract/index.ts';
import { ordersSpec, postgresSpec, startCluster } from './test-cluster.ts';
import { EventStore, type StoredEvent } from './views/event-store.ts';
import type { Events } from './views/events.ts';

const eventOf = (message: string, time: string): StoredEvent => ({
  type: 'StateChanged',
  namespace: 'a',
  object: 'Sync a/b',
  message,
  time,
  isWarning: false,
});

describe('events are kept', () => {
  let server: EtcdServer;
  let connections: Connections;
  let documents: DocumentStore;
  before(async () => {
    server = await etcd({ members: 1 });
    connections = new Connections({ ...server, prefix: `${server.prefix}${randomUUID()}/` });
    documents = connections.open().documents;
  });
  after(async () => {
    await connections?.close();
    await server?.stop();
  });

  /** A replica that sees what it is told. */
  const replica = (clock: TestClock, of: DocumentStore) => {
    let tell: (event: StoredEvent & { id: string }) => void = () => {};
    const events = {
      onEvent(listener: typeof tell) {
        tell = listener;
        return () => {};
      },
    } as unknown as Events;
    const store = new EventStore({ documents: of, clock, log: silentLog, events });
    return { store, see: (event: StoredEvent) => tell({ id: '1', ...event }) };
  };
  const messages = async (store: EventStore) => (await store.read()).map(({ message }) => message);

  test('of two replicas one writes each event once; the other goes on when the first is gone', async () => {
    const clock = new TestClock();
    const [one, two] = [replica(clock, documents), replica(clock, documents)];
    const seen = (message: string) => {
      const event = eventOf(message, new Date(clock.now()).toISOString());
      one.see(event);
      two.see(event);
    };
    seen('first');
    await Promise.all([one.store.flush(), two.store.flush()]);
    await Promise.all([one.store.flush(), two.store.flush()]);
    assert.deepEqual(await messages(one.store), ['first']);
    seen('second');
    await one.store.flush();
    await two.store.flush();
    await clock.advance(20_000);
    seen('third');
    // Whoever wrote last is gone: the other has seen all, and stores what is missing.
    await two.store.flush();
    assert.deepEqual(await messages(two.store), ['first', 'second', 'third']);
    await one.store.flush();
    assert.deepEqual(await messages(one.store), ['first', 'second', 'third']);
    await Promise.all([one.store.close(), two.store.close()]);
  });

  test('what cannot be written is written later, and the oldest go', async () => {
    const clock = new TestClock();
    let isDown = true;
    const fresh = connections.open().documents;
    const sometimes: DocumentStore = {
      ...fresh,
      async write(writes) {
        if (isDown) throw new Error('down');
        await fresh.write(writes);
      },
    };
    // The turn of the replica of the test before is over.
    await clock.advance(60_000);
    const { store, see } = replica(clock, sometimes);
    see(eventOf('late', '2026-02-01T00:00:00.000Z'));
    await store.flush();
    assert.ok(!(await messages(store)).includes('late'));
    isDown = false;
    await store.flush();
    assert.ok((await messages(store)).includes('late'));
    for (let part = 0; part < 70; part++) {
      await clock.advance(1);
      for (let at = 0; at < 100; at++) see(eventOf(`${part} ${at}`, '2026-03-01T00:00:00.000Z'));
      await store.flush();
    }
    const kept = await messages(store);
    assert.ok(kept.length >= 5_000 && kept.length <= 6_000, String(kept.length));
    assert.ok(kept.includes('69 99') && !kept.includes('late'));
    await store.close();
  });
});

test('a replica that is started later has the events of before, and who joins and leaves', async () => {
  const first = await startCluster();
  const admin = await first.api.admin();
  for (const name of ['shop', 'warehouse'])
    await admin.send('POST', '/datasources/team-a', { name, spec: postgresSpec('db') });
  await until(async () => (await admin.call('/datasources/team-a/warehouse')).status === 200, {
    what: 'them',
  });
  await admin.send('POST', '/syncs/team-a', { name: 'orders', spec: ordersSpec() });
  const session = await first.coordination.join(agentOf('a-0'), { leaseTtlMs: 10_000 });
  const sync = await until(() => first.coordination.desired.findSync('team-a', 'orders'), {
    what: 'the Sync',
  });
  const lock = await session.store.acquire({ uid: sync.uid, namespace: 'team-a', name: 'orders' });
  lock?.report({ ...statusOf(sync.uid, 'Failed', 0), message: 'no table' });
  const happened = async (client: typeof admin) =>
    (await client.get<EventList>('/events?object=Sync%20team-a/orders')).items.map(({ message }) => message);
  const hasAll = (found: readonly string[]) =>
    found.some((each) => each.includes('no table')) && found.includes('created');
  // Who has created it is looked up first.
  await until(async () => hasAll(await happened(admin)), { what: 'the events' });
  await first.api.api.services.eventStore.flush();
  const later = await first.second();
  const other = await later.admin();
  const restored = await happened(other);
  assert.ok(hasAll(restored), restored.join('; '));
  await later.stop();
  await session.leave();
  await first.stop();
});
