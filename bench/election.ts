import { randomUUID } from 'node:crypto';
import { parseArgs } from 'node:util';
import { shortDataSource, shortManifests, shortSync } from '../agent/balance/test-manifests.ts';
import { keepAssignments } from '../agent/lead/keep-assignments.ts';
import { connectCoordination } from '../coordination/connect.ts';
import { systemClock } from '../core/clock.ts';
import { Stopped } from '../core/errors.ts';
import { silentLog } from '../core/log.ts';
import { type EtcdServer, etcd } from '../e2e/kit/servers.ts';
import { until } from '../e2e/kit/wait.ts';

/** Three agents that start at the same moment, many times: there must always be one leader, and every sync must be assigned, evenly. */
const { values } = parseArgs({ options: { rounds: { type: 'string', default: '100' } } });
const rounds = Number(values.rounds);
const names = ['a', 'b', 'c'];
const uids = Array.from({ length: 9 }, (_, index) => `s${index}`);

interface Round {
  readonly ms: number;
  /** Maximum number of leaderships held at the same time. */
  readonly mostLeaders: number;
}

async function play(server: EtcdServer): Promise<Round> {
  const config = { endpoints: server.endpoints, prefix: `${server.prefix}${randomUUID()}/` };
  const one = connectCoordination(config);
  for (const name of ['shop', 'warehouse']) await one.desired.putDataSource(shortDataSource(name));
  for (const uid of uids) await one.desired.putSync(shortSync(uid));
  const stop = new AbortController();
  const graces = { returnMs: 0, unsteadyMs: 0, memoryMs: 600_000 };
  let [leaders, mostLeaders] = [0, 0];
  const start = performance.now();
  const agents = names.map(async (name) => {
    const own = connectCoordination(config);
    const info = { name, labels: {}, version: '0', instance: randomUUID() };
    const session = await own.join(info, { leaseTtlMs: 10_000 });
    try {
      const leadership = await session.campaign(stop.signal);
      mostLeaders = Math.max(mostLeaders, ++leaders);
      const deps = { clock: systemClock, log: silentLog, manifests: shortManifests, graces };
      await keepAssignments(leadership, deps, stop.signal);
      leaders -= 1;
    } catch (error) {
      if (!stop.signal.aborted) throw error;
    } finally {
      await session.leave();
      await own.close();
    }
  });
  const isEven = async () => {
    const all = await one.cluster.assignments();
    const shares = names.map((name) => all.filter(({ agent }) => agent === name).length);
    return shares.every((share) => share === uids.length / names.length) && (await one.cluster.leader());
  };
  try {
    await until(isEven, { what: 'every sync to be assigned', everyMs: 10 });
    return { ms: performance.now() - start, mostLeaders };
  } finally {
    stop.abort(new Stopped('shutdown'));
    await Promise.all(agents);
    await one.close();
  }
}

const server = await etcd();
try {
  const played: Round[] = [];
  for (let round = 0; round < rounds; round++) played.push(await play(server));
  const times = played.map(({ ms }) => ms).sort((a, b) => a - b);
  const mostLeaders = Math.max(...played.map((round) => round.mostLeaders));
  const [median, worst] = [times[Math.floor(times.length / 2)] ?? 0, times.at(-1) ?? 0];
  const isMet = mostLeaders === 1;
  console.log(
    `${isMet ? 'ok    ' : 'MISSED'} ${rounds} times three agents at once: at most ${mostLeaders} leader, every sync assigned after ` +
      `${median.toFixed(0)} ms (median), ${worst.toFixed(0)} ms (worst)`,
  );
  if (!isMet) process.exitCode = 1;
} finally {
  await server.stop();
}
