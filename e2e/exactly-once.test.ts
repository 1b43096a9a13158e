import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import type { CrashPoint } from '../core/crash-points.ts';
import { Shop } from './exactly-once/shop.ts';
import { killedAt } from './kit/kill-hook.ts';
import { projectFolder, type RunningProcess, runOrFail, startIdra } from './kit/processes.ts';
import { type FaultProxy, faultProxy } from './kit/proxy.ts';
import { randomFrom } from './kit/random.ts';
import { type EtcdServer, etcd, postgres } from './kit/servers.ts';
import { SingleMode } from './kit/single-mode.ts';
import { tempFolder } from './kit/temp.ts';
import { until } from './kit/wait.ts';

/**
 * SIGKILL at 50 random moments, while writers insert (also out of order) and update: Id with Append, Timestamp with Upsert, and Snapshot
 * of a table that does not change. At the end both sides are equal, row by row, and the ledger proves that nothing was written twice.
 */
const singleKills = 38;
const clusterKills = 12;
const leaseTtlMs = 2_000;
const seed = Number(process.env.IDRA_TEST_SEED ?? Date.now() % 1_000_000);

after(async () => {
  await (await postgres()).stop();
});

/** Where a process in single mode is killed: at a point that is reached for the nth time, or after some time. */
const points: readonly CrashPoint[] = [
  'claim:before',
  'claim:after',
  'write:before',
  'commit:before',
  'mirror:after',
  'pass:before-end',
  'pass:after-end',
];

test(`single mode: ${singleKills} SIGKILLs lose no row and duplicate no row`, async (context) => {
  const random = randomFrom(seed);
  const shop = await Shop.create();
  const single = new SingleMode(await tempFolder('exactly-once'));
  await single.write(shop.manifests({ withSecrets: true }));
  await single.runWell({ only: 'events' });
  await shop.watch();
  await shop.writers.start(3);
  let between = 0;
  try {
    for (let kill = 0; kill < singleKills; kill++) {
      const isBetween = kill % 3 === 0;
      if (isBetween) between++;
      await endLife(single, random, isBetween ? 'commit:after' : undefined);
    }
  } finally {
    await shop.writers.stop();
  }
  await single.runWell();
  context.diagnostic(`seed ${seed}, ${between} kills between commit and mirror`);
  await shop.prove(`seed ${seed}`);
});

async function endLife(
  single: SingleMode,
  random: () => number,
  point: CrashPoint | undefined,
): Promise<void> {
  const at = point ?? (random() < 0.5 ? points[Math.floor(random() * points.length)] : undefined);
  // Each of the two continuous syncs claims once per process.
  const count = at?.startsWith('claim') ? 1 + Math.floor(random() * 2) : 1 + Math.floor(random() * 8);
  const running = await single.start(at ? killedAt({ at, count }) : {});
  if (!at) {
    await running.process.waitForLine('"progress"', 60_000);
    await pause(random() * 500);
    running.process.kill('SIGKILL');
  }
  // It is not guaranteed that the point is reached that often.
  const exit = await running.process.waitForExit(10_000).catch(() => {
    running.process.kill('SIGKILL');
    return running.process.waitForExit();
  });
  assert.equal(exit.signal, 'SIGKILL', running.process.tail());
}

test(`cluster: ${clusterKills} SIGKILLs between the commit and its mirror in etcd`, async () => {
  const shop = await Shop.create();
  const server = await etcd();
  const folder = await tempFolder('exactly-once-cluster');
  await writeSecrets(folder, shop);
  await writeFile(join(folder, 'syncs.yaml'), shop.manifests({ withSecrets: false }));
  const env = { IDRA_ETCD_ENDPOINTS: server.endpoints.join(','), IDRA_ETCD_PREFIX: server.prefix };
  await runOrFail(`${projectFolder}/bin/idra`, ['apply', '-f', 'syncs.yaml'], { cwd: folder, env });
  const lives = new ClusterLives(server, folder);
  try {
    let life = await lives.begin();
    await until(() => shop.watch().then(() => true), { what: 'the commit table', timeoutMs: 60_000 });
    await shop.writers.start(3);
    for (let kills = 0; kills < clusterKills; ) {
      const before = await shop.countCommits();
      await until(async () => (await shop.countCommits()) > before, { what: 'a commit' });
      // Nothing reaches etcd any more: later commits are not mirrored.
      life.proxy.pause('toServer');
      const behind = await shop.countCommits();
      const hasCommitted = async () => (await shop.countCommits()) > behind;
      // The owner stops before its lease ends. On a busy machine it may not reach a commit; then the next one is tried.
      const isBetween = await until(hasCommitted, { what: 'a commit', timeoutMs: leaseTtlMs }).catch(
        () => false,
      );
      if (isBetween) kills++;
      const next = lives.begin();
      await life.end();
      life = await next;
    }
    await shop.writers.stop();
    await until(() => shop.isEqual(), { what: 'both sides to be equal', timeoutMs: 60_000, everyMs: 500 });
    await life.end();
    await shop.prove('cluster');
  } finally {
    await shop.writers.stop();
    await lives.stop();
    await server.stop();
  }
});

/** One agent after the other, each with its own proxy to etcd. */
class ClusterLives {
  readonly #server: EtcdServer;
  readonly #folder: string;
  readonly #lives: ClusterLife[] = [];

  constructor(server: EtcdServer, folder: string) {
    this.#server = server;
    this.#folder = folder;
  }

  async begin(): Promise<ClusterLife> {
    const proxy = await faultProxy('127.0.0.1', Number(new URL(this.#server.endpoints[0] ?? '').port));
    const agent = await startIdra(['agent'], {
      cwd: this.#folder,
      env: {
        IDRA_ETCD_ENDPOINTS: `http://127.0.0.1:${proxy.port}`,
        IDRA_ETCD_PREFIX: this.#server.prefix,
        IDRA_AGENT_NAME: `agent-${this.#lives.length}`,
        IDRA_LEASE_TTL: `${leaseTtlMs}ms`,
        IDRA_SECRETS_DIR: join(this.#folder, 'secrets'),
        KUBECONFIG: undefined,
      },
    });
    const life = new ClusterLife(agent, proxy);
    this.#lives.push(life);
    return life;
  }

  async stop(): Promise<void> {
    for (const life of this.#lives) await life.end();
  }
}

class ClusterLife {
  readonly agent: RunningProcess;
  readonly proxy: FaultProxy;

  constructor(agent: RunningProcess, proxy: FaultProxy) {
    this.agent = agent;
    this.proxy = proxy;
  }

  async end(): Promise<void> {
    if (this.agent.isRunning) this.agent.kill('SIGKILL');
    await this.agent.waitForExit();
    await this.proxy.stop();
  }
}

async function writeSecrets(folder: string, shop: Shop): Promise<void> {
  for (const [name, { password }] of Object.entries({ source: shop.source, destination: shop.destination })) {
    await mkdir(join(folder, 'secrets', name), { recursive: true });
    await writeFile(join(folder, 'secrets', name, 'password'), password);
  }
}
