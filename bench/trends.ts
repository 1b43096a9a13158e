import { parseArgs } from 'node:util';
import { connectCoordination } from '../coordination/connect.ts';
import { Semaphore } from '../core/semaphore.ts';
import { type TrendKind, type TrendPoint, trendKinds } from '../core/trend.ts';
import { etcd } from '../e2e/kit/servers.ts';

/**
 * What the charts of 10,000 syncs on 100 agents take of etcd: an hour and a week of points, of which a third are of busy syncs with random
 * rates and lags. Also how many proposals a second their agents make.
 */
const { values } = parseArgs({
  options: {
    syncs: { type: 'string', default: '10000' },
    agents: { type: 'string', default: '100' },
  },
});
const [syncCount, agentCount] = [Number(values.syncs), Number(values.agents)];
const limitMiB = 64;
const limitProposals = 50;

const server = await etcd({ members: 1 });
const one = connectCoordination(server);
const perAgent = syncCount / agentCount;
const uids = Array.from({ length: syncCount }, () => crypto.randomUUID());

function points(agent: number): ReadonlyMap<string, TrendPoint> {
  const own = uids.slice(agent * perAgent, (agent + 1) * perAgent);
  return new Map(
    own.map((uid, index): [string, TrendPoint] => [
      uid,
      index % 3 === 0
        ? { rate: Math.random() * 5_000, lag: Math.random() * 60, isFailing: Math.random() < 0.01 }
        : { rate: 0, lag: 0, isFailing: false },
    ]),
  );
}

async function metric(name: string): Promise<number> {
  const text = await (await fetch(`${server.endpoints[0]}/metrics`)).text();
  const found = new RegExp(`^${name} (\\S+)$`, 'm').exec(text)?.[1];
  if (found === undefined) throw new Error(`etcd does not report ${name}`);
  return Number(found);
}

const size = () => metric('etcd_mvcc_db_total_size_in_use_in_bytes');

try {
  const empty = await size();
  const turns = new Semaphore(64);
  const writes: Promise<void>[] = [];
  for (const kind of Object.keys(trendKinds) as TrendKind[]) {
    const { stepMs, count } = trendKinds[kind];
    const last = Math.floor(Date.now() / stepMs);
    for (let tick = last - count + 1; tick <= last; tick++)
      for (let agent = 0; agent < agentCount; agent++)
        writes.push(
          turns.use(undefined, () =>
            one.trends.write({ kind, tick, agent: `idra-agent-${agent}`, points: points(agent) }),
          ),
        );
    await Promise.all(writes.splice(0));
  }
  const usedMiB = ((await size()) - empty) / (1 << 20);
  const proposals = agentCount / 10 + agentCount / 600 + 1 / 60;
  let isMissed = false;
  for (const [what, figure, limit, unit] of [
    [`charts of ${syncCount} syncs in etcd`, usedMiB, limitMiB, 'MiB'],
    [`proposals of ${agentCount} agents for charts`, proposals, limitProposals, 'a second'],
  ] as const) {
    isMissed ||= figure > limit;
    console.log(
      `${figure <= limit ? 'ok    ' : 'MISSED'} ${what}: ${figure.toFixed(1)} ${unit} (at most ${limit})`,
    );
  }
  if (isMissed) process.exitCode = 1;
} finally {
  await one.close();
  await server.stop();
}
