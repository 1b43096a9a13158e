import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { type HeldAnswer, heldAnswers, holdingServer } from './hostile/held-answers.ts';
import type { RogueServer } from './hostile/rogue-server.ts';
import { type RunningSingleMode, SingleMode, syncManifest } from './kit/single-mode.ts';
import { serverManifest, type TestDatabase, TestSystems } from './kit/systems.ts';
import { tempFolder } from './kit/temp.ts';
import { until } from './kit/wait.ts';

/** Less than the limit of the chart: a container of 768 MiB, of which V8 takes half for its heap. */
const limitBytes = 768 * 1024 * 1024;
const env = { NODE_OPTIONS: '--max-old-space-size=384' };
const hostileCount = 10;

let folder: string;
let systems: TestSystems;

before(async () => {
  folder = await tempFolder('hostile-memory');
  systems = new TestSystems(folder);
});
after(() => systems?.stop());

/** VmHWM; 0 if the process has ended. */
function peakBytes(pid: number): number {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    return Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0) * 1024;
  } catch {
    return 0;
  }
}

class Healthy {
  readonly source: TestDatabase;
  readonly destination: TestDatabase;
  #rows = 0;

  constructor(source: TestDatabase, destination: TestDatabase) {
    this.source = source;
    this.destination = destination;
  }

  static async create(): Promise<Healthy> {
    const healthy = new Healthy(
      await systems.createDatabase('postgres'),
      await systems.createDatabase('sqlite'),
    );
    await healthy.source.execute('CREATE TABLE t (id int PRIMARY KEY)');
    return healthy;
  }

  get manifests(): string {
    const sync = syncManifest('healthy', {
      source: { dataSource: 'source', table: 'public.t', idField: 'id' },
      destination: { dataSource: 'files', table: 't' },
      mode: 'Id',
      schedule: { every: '1s' },
    });
    return this.source.manifest('source') + this.destination.manifest('files') + sync;
  }

  async addRows(): Promise<void> {
    const to = this.#rows + 1_000;
    await this.source.execute(`INSERT INTO t SELECT generate_series(${this.#rows + 1}, ${to})`);
    this.#rows = to;
  }

  async isComplete(): Promise<boolean> {
    const rows = await this.destination.rows('SELECT count(*), max(id) FROM t').catch(() => []);
    return rows[0]?.every((each) => Number(each) === this.#rows) === true;
  }
}

function manifestsOf(name: string, type: 'postgres' | 'mysql', port: number): string {
  const to = { host: '127.0.0.1', port, database: 'd', user: 'u', password: 'p' };
  // The server may take its time: the author of a DataSource decides it.
  const patient = serverManifest(name, type, to).replace(
    'database: d,',
    'database: d, parameters: { connect_timeout: "60" },',
  );
  const sync = syncManifest(name, {
    source: { dataSource: name, table: 'd.t' },
    destination: { dataSource: 'elsewhere', table: name.replaceAll('-', '_') },
    mode: 'Snapshot',
  });
  return patient + sync;
}

/** Just below the limit of one answer. */
const heldBytes = 126 * 1024 * 1024;

const attacks = {
  'single texts': ['postgresText', 'mysqlText'],
  'messages that never become complete': ['postgresMessage', 'mysqlMessage'],
} as const satisfies Record<string, readonly HeldAnswer[]>;

for (const [kind, held] of Object.entries(attacks)) {
  test(`ten servers that hold the largest answers at once, as ${kind}, end no process`, async (context) => {
    const healthy = await Healthy.create();
    const answers = [heldAnswers[held[0]](heldBytes), heldAnswers[held[1]](heldBytes)] as const;
    let askedCount = 0;
    const servers: RogueServer[] = [];
    let running: RunningSingleMode | undefined;
    try {
      // Not that of the healthy Sync, whose slots they would hold.
      const elsewhere = await systems.createDatabase('sqlite');
      let manifests =
        healthy.manifests +
        elsewhere.manifest('elsewhere').replace(/\n---\n$/, '\n  maxConcurrentSyncs: 0\n---\n');
      for (let at = 0; at < hostileCount; at++) {
        const type = at % 2 === 0 ? 'postgres' : 'mysql';
        const server = await holdingServer(held[at % 2] ?? held[0], answers[at % 2] ?? answers[0], () => {
          askedCount += 1;
        });
        servers.push(server);
        manifests += manifestsOf(`hostile-${at}`, type, server.port);
      }
      await healthy.addRows();
      const single = new SingleMode(join(folder, kind));
      await single.write(manifests);
      running = await single.start(env);
      const { process } = running;
      const untilOrDead = async (what: string, isDone: () => boolean | Promise<boolean>) => {
        const isOver = async () =>
          !process.isRunning || peakBytes(process.pid) > limitBytes || (await isDone());
        await until(isOver, { what, timeoutMs: 120_000 }).catch((error: Error) => {
          throw new Error(`${error.message}\n${process.tail(5)}`);
        });
        assert.ok(process.isRunning, process.describeEnd());
        assert.ok(peakBytes(process.pid) <= limitBytes, `${peakBytes(process.pid)} bytes of memory`);
      };
      await untilOrDead('each server to be asked', () => askedCount >= hostileCount);
      const isRefused = (at: number) =>
        running?.statuses(`hostile-${at}`).some(({ lastError }) => lastError?.code === 'AnswersTooLarge');
      const refused = () => servers.filter((_, at) => isRefused(at)).length;
      await untilOrDead('most of them to be refused', () => refused() > hostileCount / 2);
      for (let time = 0; time < 3; time++) {
        await healthy.addRows();
        await untilOrDead('all rows of the healthy Sync', () => healthy.isComplete());
      }
      assert.equal(running.latest('healthy')?.lastError, undefined);
      context.diagnostic(`peak of memory: ${Math.round(peakBytes(process.pid) / 2 ** 20)} MiB`);
    } finally {
      await running?.process.stop();
      await Promise.all(servers.map((server) => server.stop()));
    }
  });
}
