import { once } from 'node:events';
import { createServer } from 'node:http';
import { etcd, mongodbMemory, mysql, postgres } from '../kit/servers.ts';
import { type ClientName, clients, type Login } from './clients.ts';
import type { Units } from './mutate.ts';
import { record, recordConnections } from './recording.ts';
import { authenticationOk } from './rogue-postgres.ts';
import type { StreamsProgress, StreamsTask } from './streams-worker.ts';
import { watchWorker } from './watch-worker.ts';

export interface StreamsResult extends StreamsProgress {
  /** An uncaught or unclassified error, or that the worker was stopped because it was silent. */
  readonly failure: string | undefined;
}

const noLogin = { database: 'none', user: 'none', password: 'none' };

/** Mutations of what a real server answers, each sent to the client that production uses. */
export async function runStreams(client: ClientName, count: number, seed: number): Promise<StreamsResult> {
  const { units, login } = await recorders[client]();
  const task: StreamsTask = { client, login, units, seed, count };
  const first: StreamsProgress = { done: 0, longestMs: 0, isOver: false, outcomes: {}, externalBytes: 0 };
  const file = new URL('./streams-worker.ts', import.meta.url);
  const { failure, ...last } = await watchWorker(file, task, first);
  return { ...last, failure: failure ?? Object.keys(last.outcomes).find(isUnclassified) };
}

interface Recorded {
  readonly units: Units;
  readonly login: Login;
}

const recorders: Record<ClientName, () => Promise<Recorded>> = {
  async postgres() {
    const server = await postgres();
    try {
      const login = await server.createDatabase();
      const units = await record(server.host, server.port, (port) => clients.postgres(port, login));
      // The proof of the password cannot be replayed, so the replay begins after it.
      const proven = units[loginMessages - 1] ?? Buffer.alloc(0);
      const rest = proven.subarray(proven.indexOf(authenticationOk));
      return { units: [Buffer.alloc(0), rest, ...units.slice(loginMessages)], login };
    } finally {
      await server.stop();
    }
  },
  async mysql() {
    const server = await mysql();
    try {
      const login = await server.createDatabase();
      return { units: await record(server.host, server.port, (port) => clients.mysql(port, login)), login };
    } finally {
      await server.stop();
    }
  },
  async mongodb() {
    const server = await mongodbMemory();
    try {
      const login = { ...noLogin, database: server.createDatabase() };
      const documents = Array.from({ length: 30 }, (_, _id) => ({
        _id,
        text: 'text',
        at: new Date(),
        list: [1.5, {}],
      }));
      await server.client.db(login.database).collection<{ _id: number }>('c').insertMany(documents);
      const recorded = await recordConnections(server.host, server.port, (port) =>
        clients.mongodb(port, { ...login, callMs: 10_000 }),
      );
      // The first connection only asks whether the server is alive.
      return { units: recorded[1] ?? [], login };
    } finally {
      await server.stop();
    }
  },
  async etcd() {
    const server = await etcd();
    try {
      const { hostname, port } = new URL(server.endpoints[0] ?? '');
      return {
        units: await record(hostname, Number(port), (at) => clients.etcd(at, { ...noLogin, callMs: 5_000 })),
        login: noLogin,
      };
    } finally {
      await server.stop();
    }
  },
  async kubernetes() {
    const object = {
      metadata: { name: 'one', namespace: 'default', uid: 'u', resourceVersion: '7' },
      data: {},
    };
    const server = createServer((request, response) => {
      const event = `${JSON.stringify({ type: 'ADDED', object })}\n`;
      const list = JSON.stringify({ metadata: { resourceVersion: '7' }, items: [object, object] });
      const isOne = request.url?.includes('/one');
      response.end(request.url?.includes('watch=') ? event.repeat(5) : isOne ? JSON.stringify(object) : list);
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    try {
      const { port } = server.address() as { port: number };
      return { units: await record('127.0.0.1', port, clients.kubernetes), login: noLogin };
    } finally {
      server.closeAllConnections();
      server.close();
    }
  },
};

function isUnclassified(outcome: string): boolean {
  return outcome.startsWith('not classified');
}

/** One entry before the client's first message (empty), the startup, and two messages of SCRAM. */
const loginMessages = 4;

/** node e2e/hostile/streams.ts [COUNT] [SEED] [CLIENT...] */
if (import.meta.main) {
  const [count = '10000', seed = '1', ...names] = process.argv.slice(2);
  for (const name of names.length > 0 ? names : Object.keys(clients)) {
    const startMs = performance.now();
    const result = await runStreams(name as ClientName, Number(count), Number(seed));
    const seconds = ((performance.now() - startMs) / 1_000).toFixed(0);
    console.log(
      `${name}: ${result.done} streams in ${seconds} s, longest turn ${result.longestMs.toFixed(0)} ms`,
    );
    console.log(`  ${JSON.stringify(result.outcomes)}, ${result.externalBytes >> 20} MiB outside the heap`);
    if (result.failure) {
      console.log(`  FAILED: ${result.failure}`);
      process.exitCode = 1;
    }
  }
}
