import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { type TrendPoint, trendKinds } from '../core/trend.ts';
import { until } from '../e2e/kit/wait.ts';
import type { LagTrends, TotalTrend, Trend } from './contract/index.ts';
import type { TestClient } from './test-api.ts';
import { ordersSpec, postgresSpec, startCluster, type TestCluster } from './test-cluster.ts';
import { TrendMemory } from './views/trends.ts';

const point = (rate: number, lag: number | undefined = 0): TrendPoint => ({ rate, lag, isFailing: false });

describe('charts', () => {
  let cluster: TestCluster;
  let admin: TestClient;
  before(async () => {
    cluster = await startCluster();
    admin = await cluster.api.admin();
    for (const name of ['shop', 'warehouse'])
      await admin.send('POST', '/datasources/team-a', { name, spec: postgresSpec('db') });
    await until(async () => (await admin.get<{ total: number }>('/datasources')).total === 2, {
      what: 'both',
    });
    for (const name of ['orders', 'events'])
      await admin.send('POST', '/syncs/team-a', { name, spec: ordersSpec() });
    await until(async () => (await admin.get<{ total: number }>('/syncs')).total === 2, {
      what: 'the Syncs',
    });
  });
  after(() => cluster?.stop());

  test('what agents have stored is read by the API, also after a move, and old points are deleted', async () => {
    const uidOf = async (name: string) =>
      (await cluster.coordination.desired.findSync('team-a', name))?.uid ?? '';
    const [orders, events] = [await uidOf('orders'), await uidOf('events')];
    const { trends } = cluster.coordination;
    const { stepMs, count } = trendKinds.fine;
    const now = Math.floor(Date.now() / stepMs);
    const write = (tick: number, agent: string, points: readonly (readonly [string, TrendPoint])[]) =>
      trends.write({ kind: 'fine', tick, agent, points: new Map(points) });
    await write(now - count - 10, 'a-0', [[orders, point(1)]]);
    await write(now - 3, 'a-0', [
      [orders, point(100, 5)],
      [events, point(10)],
    ]);
    await write(now - 2, 'a-0', [[orders, { rate: 0, lag: undefined, isFailing: true }]]);
    await write(now - 1, 'a-1', [[orders, point(50, 60)]]);
    const read = () => admin.get<Trend>('/syncs/team-a/orders/trend');
    const { points, stepSeconds } = await until(
      async () => {
        const found = await read();
        return found.points.length === 3 && found;
      },
      { what: 'three points' },
    );
    assert.equal(stepSeconds, 10);
    const about = (value: number | undefined, wanted: number) =>
      assert.ok(Math.abs((value ?? Number.NaN) - wanted) <= wanted * 0.04, `${value} is not about ${wanted}`);
    about(points[0]?.rate, 100);
    about(points[0]?.lag, 5);
    assert.deepEqual([points[1]?.isFailing, points[1]?.lag], [true, undefined]);
    about(points[2]?.lag, 60);
    const total = await admin.get<TotalTrend>('/trend');
    about(total.points[0]?.rate, 110);
    assert.deepEqual(
      total.points.map(({ syncs, failing }) => `${syncs} ${failing}`),
      ['2 0', '1 1', '1 0'],
    );
    await trends.trim(Date.now());
    const kept: number[] = [];
    const watching = trends.watch(
      ({ tick }) => kept.push(tick),
      () => {},
    );
    await watching.isSynced;
    await watching.close();
    assert.deepEqual(kept.sort(), [now - 3, now - 2, now - 1]);
  });

  test('a page of the list has the worst lag of each minute', async () => {
    const { minutes, stepSeconds, uids } = await until(
      async () => {
        const { items, stepSeconds: step } = await admin.get<LagTrends>('/lag-trends?sort=-name&limit=1');
        const [found] = items;
        const known = found?.lags.filter((lag) => lag !== null) ?? [];
        return (
          known.length > 0 && {
            minutes: found?.lags.length,
            stepSeconds: step,
            uids: items.map(({ uid }) => uid),
          }
        );
      },
      { what: 'the lag' },
    );
    const orders = (await cluster.coordination.desired.findSync('team-a', 'orders'))?.uid;
    assert.deepEqual([minutes, stepSeconds, uids], [60, 60, [orders]]);
    const ana = await cluster.api.user('ana', [{ role: 'viewer', namespaces: ['team-b'] }]);
    assert.deepEqual((await ana.get<LagTrends>('/lag-trends')).items, []);
  });

  test('of the points of a minute the worst lag counts, and old ones do not', () => {
    const memory = new TrendMemory();
    const add = (tick: number, lag: number | undefined) =>
      memory.add({ kind: 'fine', tick, points: new Map([['u', point(1, lag)]]) });
    const hour = 1_000;
    for (const [tick, lag] of [
      [6 * (hour - 60), 900],
      [6 * (hour - 59), 1],
      [6 * hour, 4],
      [6 * hour + 1, undefined],
      [6 * hour + 2, 1],
    ] as const)
      add(tick, lag);
    const lags = memory.lags('u', (hour + 1) * 60_000);
    assert.deepEqual([lags.length, lags[0], lags[58], lags[59]], [60, 1, null, 4]);
  });

  test('memory of a Sync is bounded: old points are overwritten', () => {
    const memory = new TrendMemory();
    const { stepMs, count } = trendKinds.fine;
    for (let tick = 0; tick < 3 * count; tick++)
      memory.add({ kind: 'fine', tick, points: new Map([['u', point(tick)]]) });
    const found = memory.of('u', 'fine', (3 * count - 1) * stepMs);
    assert.equal(found.length, count);
    assert.equal(memory.of('u', 'fine', 10 * count * stepMs).length, 0);
  });
});
