import { readFileSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { adminPassword, TestClient } from '../api/test-api.ts';
import { connectCoordination } from '../coordination/connect.ts';
import { agentOf } from '../coordination/test-etcd.ts';
import { statusOf } from '../coordination/test-objects.ts';
import type { SyncLock } from '../core/sync-store.ts';
import { serve } from '../e2e/api/serve.ts';
import { etcd } from '../e2e/kit/servers.ts';
import { until } from '../e2e/kit/wait.ts';
import { bareRoute, fillSyncs } from './_api.ts';
import { judge } from './_postgres.ts';

/**
 * The API server with 10,000 syncs of which a tenth reports something new every ten seconds: latency at 200 requests a second, against a
 * bare fastify route with an answer of the same size on the same machine; then 500 live viewers.
 */
const { values } = parseArgs({
  options: {
    syncs: { type: 'string', default: '10000' },
    seconds: { type: 'string', default: '20' },
    viewers: { type: 'string', default: '500' },
  },
});
const [syncCount, seconds, viewerCount] = [values.syncs, values.seconds, values.viewers].map(Number) as [
  number,
  number,
  number,
];
const rate = 200;
const viewersOfUser = 50;
/** Of the memory with all viewers, at most this much more some time later. */
const flatRatio = 1.15;

/** Sends at a fixed rate, however late the answers are. Returns the latencies, in ms. */
async function load(url: string, headers: Record<string, string>, pathOf: (index: number) => string) {
  const agent = new Agent({ keepAlive: true, maxSockets: 64 });
  const times: number[] = [];
  const running: Promise<void>[] = [];
  const start = performance.now();
  for (let index = 0; index < rate * seconds; index++) {
    const dueMs = start + (index * 1_000) / rate;
    const waitMs = dueMs - performance.now();
    if (waitMs > 0) await pause(waitMs);
    running.push(
      new Promise((resolve, reject) => {
        const sent = request(url + pathOf(index), { agent, headers }, (response) => {
          response.resume();
          response.once('end', () => {
            if (response.statusCode !== 200) reject(new Error(`${pathOf(index)}: ${response.statusCode}`));
            times.push(performance.now() - dueMs);
            resolve();
          });
        });
        sent.once('error', reject);
        sent.end();
      }),
    );
  }
  await Promise.all(running);
  agent.destroy();
  return times.sort((a, b) => a - b);
}

const percentile = (times: readonly number[], share: number) => times[Math.floor(times.length * share)] ?? 0;

const paths = [
  () => '/api/v1/syncs?limit=50',
  (index: number) => `/api/v1/syncs?limit=50&offset=${(index * 50) % syncCount}&sort=name`,
  (index: number) => `/api/v1/syncs?limit=50&q=sync-${index % 100}+state:waiting`,
  (index: number) => `/api/v1/syncs/team-a/sync-${index % syncCount}`,
  () => '/api/v1/datasources',
  () => '/api/v1/agents',
];

function cpuSeconds(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

function residentMiB(pid: number): number {
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024;
}

async function readers(url: string): Promise<readonly TestClient[]> {
  const admin = new TestClient(url);
  await admin.login('admin', adminPassword);
  const clients: TestClient[] = [];
  for (let index = 0; index < viewerCount / viewersOfUser; index++) {
    const name = `viewer-${index}`;
    const password = 'seven blue lamps at noon';
    await admin.send('POST', '/users', { name, password, grants: [{ role: 'viewer', namespaces: ['*'] }] });
    const client = new TestClient(url);
    await client.login(name, password);
    const changed = { current: password, password: 'a quiet river under stone' };
    client.csrf = (await client.send<{ csrf: string }>('PUT', '/session/password', changed)).csrf;
    clients.push(client);
  }
  return clients;
}

/** Only reads what arrives. */
async function watchAs(client: TestClient, counts: { bytes: number }): Promise<() => void> {
  const sent = request(
    `${client.url}/api/v1/live?topic=${encodeURIComponent('syncs?limit=50')}&topic=events&topic=agents`,
    {
      headers: { cookie: `__Host-idra-session=${client.cookie}` },
    },
  );
  sent.end();
  await new Promise<void>((resolve, reject) => {
    sent.once('error', reject);
    sent.once('response', (response) => {
      response.on('data', (chunk: Buffer) => {
        counts.bytes += chunk.length;
      });
      response.on('error', () => {});
      resolve();
    });
  });
  sent.on('error', () => {});
  return () => sent.destroy();
}

const server = await etcd({ members: 1 });
const one = connectCoordination(server);
const env = { IDRA_ETCD_ENDPOINTS: server.endpoints.join(','), IDRA_ETCD_PREFIX: server.prefix };
const stop = new AbortController();
try {
  await fillSyncs(one, 0, syncCount);
  const session = await one.join(agentOf('a-0'), { leaseTtlMs: 10_000 });
  const busy = syncCount / 10;
  const locks: SyncLock[] = [];
  for (let index = 0; index < busy; index++) {
    const lock = await session.store.acquire({
      uid: `s${index}`,
      namespace: 'team-a',
      name: `sync-${index}`,
    });
    if (lock) locks.push(lock);
  }
  let rows = 0;
  const reporting = (async () => {
    for (let index = 0; !stop.signal.aborted; index++) {
      const uid = `s${index % busy}`;
      rows += 100;
      locks[index % busy]?.report({
        ...statusOf(uid, 'Waiting', rows),
        lagSeconds: index % 30,
        rowsPerSecond: index % 999,
      });
      await pause(10_000 / busy);
    }
  })();
  const { running, client } = await serve([], env);
  await until(async () => (await client.get<{ total: number }>('/syncs')).total === syncCount, {
    what: 'all',
  });
  const startMiB = residentMiB(running.pid);
  const cookie = { cookie: `__Host-idra-session=${client.cookie}` };
  const bytes = String((await client.call('/syncs?limit=50')).headers.get('content-length'));
  const { url, running: bare } = await bareRoute(Number(bytes) || 20_000);
  await load(url, {}, () => '/');
  const reference = percentile(await load(url, {}, () => '/'), 0.99);
  await bare.stop();
  const times = await load(client.url, cookie, (index) => (paths[index % paths.length] ?? (() => ''))(index));
  const p99 = percentile(times, 0.99);
  console.log(
    `       median ${percentile(times, 0.5).toFixed(1)} ms, bare route p99 ${reference.toFixed(1)} ms`,
  );
  judge(`p99 at ${rate} requests a second`, p99, 50, 'ms');
  judge('the same as a ratio to the bare route', p99 / reference, 5, 'times');

  const clients = await readers(client.url);
  const counts = { bytes: 0 };
  const ends = await Promise.all(
    clients.flatMap((each) => Array.from({ length: viewersOfUser }, () => watchAs(each, counts))),
  );
  await pause(2_000);
  const [before, bytesBefore] = [cpuSeconds(running.pid), counts.bytes];
  const beforeMiB = residentMiB(running.pid);
  await pause(seconds * 1_000);
  const cores = (cpuSeconds(running.pid) - before) / seconds;
  console.log(
    `       ${((counts.bytes - bytesBefore) / seconds / 1024).toFixed(0)} KiB a second to all viewers`,
  );
  judge(`${ends.length} live viewers: processor`, cores, 1, 'cores');
  const lastMiB = residentMiB(running.pid);
  judge('memory', lastMiB, 600, `MiB (${startMiB.toFixed(0)} at the start)`);
  judge(`the same, to that ${seconds} s before`, lastMiB / beforeMiB, flatRatio, 'times');
  for (const end of ends) end();
  stop.abort();
  await reporting;
  await running.stop();
  await session.leave();
} finally {
  stop.abort();
  await one.close();
  await server.stop();
}
process.exit();
