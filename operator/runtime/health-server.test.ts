import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { after, test } from 'node:test';
import { Registry } from 'prom-client';
import { EnvironmentReader } from '../../process/environment.ts';
import { readHealthAddress, startHealthServer } from '../../process/health-server.ts';
import { runtimeMetrics } from './metrics.ts';

const registry = new Registry();
const metrics = runtimeMetrics(registry, 'test_');
let synced: true | string = 'still listing';
const server = await startHealthServer({
  port: 0,
  host: '127.0.0.1',
  live: { loop: () => true },
  ready: { synced: () => synced },
  metrics: registry,
});
after(() => server.close());

async function get(path: string): Promise<{ status: number; text: string; type: string | null }> {
  const answer = await fetch(`http://127.0.0.1:${server.port}${path}`);
  return { status: answer.status, text: await answer.text(), type: answer.headers.get('content-type') };
}

test('readyz names the parts that are not ready; healthz is independent of it', async () => {
  assert.deepEqual(await get('/healthz'), {
    status: 200,
    text: 'ok\nloop: ok\n',
    type: 'text/plain; charset=utf-8',
  });
  const before = await get('/readyz');
  assert.equal(before.status, 503);
  assert.equal(before.text, 'synced: still listing\n');
  synced = true;
  assert.equal((await get('/readyz')).status, 200);
  assert.equal((await get('/else')).status, 404);
});

test('without an address it listens on this machine only', () => {
  const addressOf = (given?: string) =>
    readHealthAddress(new EnvironmentReader({ IDRA_HEALTH_ADDRESS: given }));
  assert.equal(addressOf(), '127.0.0.1');
  assert.equal(addressOf('*'), undefined);
  assert.equal(addressOf('10.0.0.7'), '10.0.0.7');
});

test('a silent connection is closed', async () => {
  const socket = connect(server.port, '127.0.0.1');
  socket.on('error', () => {});
  socket.resume();
  await once(socket, 'close');
  assert.equal((await get('/healthz')).status, 200);
});

test('metrics are those of the registry', async () => {
  metrics.onQueue('sync', 3, 1);
  metrics.onReconcile('sync', 'success', 0.01);
  metrics.onAnswer('GET', 200);
  metrics.onDropped('RateLimited');
  const { text, type } = await get('/metrics');
  assert.equal(type, registry.contentType);
  assert.match(text, /test_queue_depth\{controller="sync"\} 3/);
  assert.match(text, /test_reconcile_seconds_count\{controller="sync",outcome="success"\} 1/);
  assert.match(text, /test_kubernetes_requests_total\{method="GET",status="200"\} 1/);
});
