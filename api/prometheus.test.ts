import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { describeError, type IdraError } from '../core/errors.ts';
import { EnvironmentReader } from '../process/environment.ts';
import { readApiConfig } from './config.ts';
import type { LagTrends, TotalTrend, Trend } from './contract/index.ts';
import { singleInstallation, TestApi, type TestClient } from './test-api.ts';
import { ordersSpec } from './test-cluster.ts';
import { TestPrometheus } from './test-prometheus.ts';

describe('charts from Prometheus', () => {
  let prometheus: TestPrometheus;
  let api: TestApi;
  let admin: TestClient;
  before(async () => {
    prometheus = await TestPrometheus.start();
    const syncs = ['orders', 'orders.v2', 'quiet'].map((name) => ({
      namespace: 'team-a',
      name,
      spec: ordersSpec(),
    }));
    const { installation, close } = await singleInstallation(syncs);
    const url = new URL(`${prometheus.url}/base/`);
    api = await TestApi.start(installation, { close, prometheus: { url, selector: 'job="idra"' } });
    admin = await api.admin();
  });
  after(async () => {
    await api?.stop();
    await prometheus?.stop();
  });

  const path = '/syncs/team-a/orders/trend';

  test('rate, lag and failures of a Sync: an hour in steps of 10 s, a week in steps of 10 min', async () => {
    prometheus.answers = { idra_rows_written_total: 12.5, idra_lag_seconds: 4, idra_errors_total: 1 };
    const { points, source, stepSeconds } = await admin.get<Trend>(path);
    assert.deepEqual([points.length, source, stepSeconds], [3, 'prometheus', 10]);
    const { time, ...values } = points[2] ?? { time: '' };
    assert.deepEqual(values, { rate: 12.5, lag: 4, isFailing: true });
    assert.equal(Date.parse(time) % 10_000, 0);
    assert.deepEqual(prometheus.asked.map((each) => each.query).sort(), [
      'max(idra_lag_seconds{sync="team-a/orders",job="idra"})',
      'sum(increase(idra_errors_total{sync="team-a/orders",job="idra"}[1m]))',
      'sum(rate(idra_rows_written_total{sync="team-a/orders",job="idra"}[1m]))',
    ]);
    for (const { path: called, start, end, step, headers } of prometheus.asked) {
      assert.equal(called, 'POST /base/api/v1/query_range');
      assert.deepEqual([step, (end - start) / step], [10, 359]);
      assert.equal(headers.cookie, undefined);
      assert.equal(headers.authorization, undefined);
    }
    prometheus.answers = { idra_rows_written_total: 1 };
    const week = await admin.get<Trend>(`${path}?range=7d`);
    assert.equal(week.stepSeconds, 600);
    assert.deepEqual(Object.keys(week.points[0] ?? {}).sort(), ['isFailing', 'rate', 'time']);
  });

  test('the total is that of the namespaces of the user', async () => {
    const vera = await api.user('vera', [{ role: 'viewer', namespaces: ['team-a', 'team-b'] }]);
    prometheus.asked.length = 0;
    prometheus.answers = { 'sum(rate': 7, 'max(idra': 9, 'sum by (sync)': 2, 'count by (sync)': 5 };
    const { points } = await vera.get<TotalTrend>('/trend');
    const { time: _, ...values } = points[0] ?? { time: '' };
    assert.deepEqual(values, { rate: 7, worstLag: 9, failing: 2, syncs: 5 });
    for (const { query } of prometheus.asked)
      assert.ok(query.includes('{sync=~"(?:team-a|team-b)/.*",job="idra"}'), query);
    prometheus.asked.length = 0;
    await admin.get<TotalTrend>('/trend');
    for (const { query } of prometheus.asked) assert.ok(query.includes('{job="idra"}'), query);
  });

  test('the lags of a page of the list are one query', async () => {
    prometheus.asked.length = 0;
    prometheus.answers = { max_over_time: { 'team-a/orders': 3, 'team-a/orders.v2': 70, 'team-b/other': 1 } };
    const { items, source, until, stepSeconds } = await admin.get<LagTrends>('/lag-trends?sort=name');
    assert.equal(source, 'prometheus');
    const [asked, ...more] = prometheus.asked;
    assert.deepEqual(more, []);
    assert.equal(
      asked?.query,
      String.raw`max by (sync) (max_over_time(idra_lag_seconds{sync=~"team-a/orders|team-a/orders\\.v2|team-a/quiet",job="idra"}[1m]))`,
    );
    assert.deepEqual([stepSeconds, asked?.step, (asked?.end ?? 0) * 1_000], [60, 60, Date.parse(until)]);
    assert.equal(((asked?.end ?? 0) - (asked?.start ?? 0)) / 60, 59);
    assert.deepEqual(
      items.map(({ lags }) => [lags.length, ...lags.slice(-4)]),
      [
        [60, null, 3, 3, 3],
        [60, null, 70, 70, 70],
        [60, null, null, null, null],
      ],
    );
    prometheus.asked.length = 0;
    assert.deepEqual((await admin.get<LagTrends>('/lag-trends?q=no-such-name')).items, []);
    assert.deepEqual(prometheus.asked, [], 'an empty page asks for nothing');
  });

  test('what goes wrong is told, and nothing else is contacted', async () => {
    const elsewhere = await TestPrometheus.start();
    const refused = async (wanted: RegExp) => {
      const { detail } = await admin.refused(503, 'PrometheusUnavailable', path);
      assert.match(detail, wanted);
    };
    try {
      prometheus.misbehave = (response) => {
        response.statusCode = 422;
        response.end('{"status":"error","errorType":"execution","error":"too many samples"}');
      };
      await refused(/execution: too many samples/);
      prometheus.misbehave = (response) => response.end('<html>');
      await refused(/HTTP status 200, and the answer is not JSON/);
      prometheus.misbehave = (response) =>
        response.end('{"status":"success","data":{"resultType":"vector","result":[]}}');
      await refused(/not one of its HTTP API/);
      prometheus.misbehave = (response) => response.end('x'.repeat(3 << 20));
      await refused(/larger than 2 MiB/);
      prometheus.misbehave = (response) => response.writeHead(302, { location: elsewhere.url }).end();
      await refused(/cannot be read from Prometheus/);
      assert.deepEqual(elsewhere.asked, []);
      prometheus.misbehave = (response) => response.destroy();
      await refused(/cannot be read from Prometheus/);
    } finally {
      prometheus.misbehave = undefined;
      await elsewhere.stop();
    }
    await admin.get(path);
  });

  test('an address with a password is refused without printing it', () => {
    const read = (env: Record<string, string>) => readApiConfig(new EnvironmentReader(env)).prometheus;
    assert.equal(read({}), undefined);
    for (const url of ['http://u:hunter2@p:9090', 'ftp://p', 'p:9090', 'http://p/?x=hunter2'])
      assert.throws(
        () => read({ IDRA_PROMETHEUS_URL: url }),
        (error: IdraError) =>
          error.path === 'IDRA_PROMETHEUS_URL' && !describeError(error).includes('hunter2'),
      );
    const [url, selector] = ['http://p:9090', 'job="a",namespace="b"'];
    assert.equal(read({ IDRA_PROMETHEUS_URL: url, IDRA_PROMETHEUS_SELECTOR: selector })?.selector, selector);
    for (const wrong of ['job="a"}', 'job=a', 'job="a",'])
      assert.throws(() => read({ IDRA_PROMETHEUS_URL: url, IDRA_PROMETHEUS_SELECTOR: wrong }));
  });
});
