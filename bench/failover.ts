import { parseArgs } from 'node:util';
import { AgentCluster } from '../e2e/kit/agents.ts';
import { installLedger, onDatabase, readLedger } from '../e2e/kit/ledger.ts';
import { type PostgresDatabase, type PostgresServer, postgres } from '../e2e/kit/servers.ts';
import { until } from '../e2e/kit/wait.ts';

/**
 * How long the rows of a sync wait when its agent stops. Continuous syncs, PostgreSQL to PostgreSQL, with a steady flow of rows. SIGKILL
 * (every second time of the leader): from the kill to the first commit of the next owner. SIGTERM: from the release of the lock.
 */
const { values } = parseArgs({
  options: {
    kills: { type: 'string', default: '50' },
    drains: { type: 'string', default: '10' },
    'ttl-seconds': { type: 'string', default: '10' },
  },
});
const [kills, drains, ttlMs] = [
  Number(values.kills),
  Number(values.drains),
  Number(values['ttl-seconds']) * 1_000,
];
const agentCount = 3;
const tables = Array.from({ length: 6 }, (_, index) => `t${index}`);
const insertEveryMs = 50;
let isMissed = false;

interface Bench {
  readonly cluster: AgentCluster;
  readonly source: PostgresDatabase;
  readonly destination: PostgresDatabase;
}

function printFigure(what: string, ms: number, limitMs: number): void {
  const isMet = ms <= limitMs;
  isMissed ||= !isMet;
  console.log(`${isMet ? 'ok    ' : 'MISSED'} ${what}: ${Math.round(ms)} ms (at most ${limitMs})`);
}

function median(all: readonly number[]): number {
  const sorted = [...all].sort((one, other) => one - other);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

async function setUp(server: PostgresServer): Promise<Bench> {
  const [source, destination] = [await server.createDatabase(), await server.createDatabase()];
  await server.query(`GRANT pg_read_all_stats TO "${source.user}"`);
  const create = (table: string) =>
    `CREATE TABLE ${table} (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, body text); INSERT INTO ${table} (body) VALUES ('first');`;
  await onDatabase(source.url, (client) => client.query(tables.map(create).join('')));
  const cluster = await AgentCluster.start({ leaseTtlMs: ttlMs });
  await cluster.put(
    `${system(source, 'shop')}${system(destination, 'warehouse')}${tables.map(sync).join('')}`,
  );
  return { cluster, source, destination };
}

function system({ host, port, database, user, password }: PostgresDatabase, name: string): string {
  return `
kind: Secret
metadata: { name: ${name} }
stringData: { password: "${password}" }
---
kind: DataSource
metadata: { name: ${name} }
spec:
  postgres: { host: ${host}, port: ${port}, database: ${database}, user: ${user}, passwordSecretRef: { name: ${name}, key: password } }
---`;
}

function sync(table: string): string {
  return `
kind: Sync
metadata: { name: ${table} }
spec:
  source: { dataSource: shop, table: public.${table}, idField: id }
  destination: { dataSource: warehouse, table: public.${table} }
  mode: Id
  writeMode: Append
  schedule: { continuous: true }
  placement: { weight: 1 }
---`;
}

/** Inserts rows into every table continuously, until the signal fires. */
async function write(url: string, signal: AbortSignal): Promise<void> {
  const insert = tables.map((table) => `INSERT INTO ${table} (body) VALUES ('more');`).join('');
  await onDatabase(url, async (client) => {
    while (!signal.aborted) {
      await client.query(insert);
      await new Promise((resolve) => setTimeout(resolve, insertEveryMs));
    }
  });
}

/** The first commit of rows under a token higher than `token`, ms since 1970. */
async function nextCommits(
  { destination }: Bench,
  tokens: ReadonlyMap<string, bigint>,
): Promise<Map<string, number>> {
  const found = await until(
    async () => {
      const commits = new Map<string, number>();
      const claimed = new Map<string, number>();
      for (const { uid, token, rows, atMs } of await readLedger(destination.url)) {
        const last = tokens.get(uid);
        if (last === undefined || token <= last) continue;
        const before = claimed.get(uid);
        if (before === undefined) claimed.set(uid, rows);
        else if (rows > before && !commits.has(uid)) commits.set(uid, atMs ?? 0);
      }
      return commits.size === tokens.size && commits;
    },
    { what: `${[...tokens.keys()].join(', ')} to go on`, timeoutMs: ttlMs + 60_000, everyMs: 250 },
  );
  return found;
}

/** The present tokens of the syncs that this agent runs. Clears the ledger. */
async function tokensOf(
  bench: Bench,
  agent: string,
  holders: ReadonlyMap<string, string>,
): Promise<Map<string, bigint>> {
  const { rows } = await onDatabase(bench.destination.url, async (client) => {
    await client.query('TRUNCATE ledger');
    return await client.query('SELECT uid, token FROM _idra_commits');
  });
  return new Map(
    rows.flatMap(({ uid, token }: { uid: string; token: string }) =>
      holders.get(uid) === agent ? [[uid, BigInt(token)] as const] : [],
    ),
  );
}

async function goOn(bench: Bench, round: number): Promise<Map<string, string>> {
  // A new name each time: an agent that repeatedly leaves and returns would get fewer and fewer syncs.
  await bench.cluster.agent(`agent-${round}`);
  return await bench.cluster.untilSpread(tables.length, agentCount);
}

async function killOne(bench: Bench, round: number): Promise<number[]> {
  const holders = await goOn(bench, round);
  const leader = await until(() => bench.cluster.coordination.cluster.leader(), { what: 'a leader' });
  const isLeader = round % 2 === 0;
  const victim = [...new Set(holders.values())].find((name) => (name === leader.agent) === isLeader);
  if (victim === undefined) throw new Error('there is no agent to kill');
  // At a random moment of the lease.
  await new Promise((resolve) => setTimeout(resolve, Math.random() * (ttlMs / 3)));
  const tokens = await tokensOf(bench, victim, holders);
  const killedMs = Date.now();
  bench.cluster.agents.get(victim)?.kill('SIGKILL');
  const commits = await nextCommits(bench, tokens);
  const times = [...commits.values()].map((atMs) => atMs - killedMs);
  console.log(
    `       ${round}: ${victim}${isLeader ? ', the leader' : ''}: ${times.map(Math.round).join(', ')} ms`,
  );
  return times;
}

async function drainOne(bench: Bench, round: number): Promise<number[]> {
  const holders = await goOn(bench, round);
  const [victim = ''] = [...new Set(holders.values())].sort();
  const tokens = await tokensOf(bench, victim, holders);
  const agent = bench.cluster.agents.get(victim);
  const lastHeldMs = new Map<string, number>();
  agent?.kill('SIGTERM');
  // The time when each lock was last seen, so that the measured time is never too short.
  while (agent?.isRunning) {
    const askedMs = Date.now();
    for (const [uid, holder] of await bench.cluster.holders())
      if (holder === victim) lastHeldMs.set(uid, askedMs);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  const commits = await nextCommits(bench, tokens);
  const times = [...commits].map(([uid, atMs]) => atMs - (lastHeldMs.get(uid) ?? atMs));
  console.log(`       ${round}: ${victim} drained: ${times.map(Math.round).join(', ')} ms`);
  return times;
}

const server = await postgres({ own: true });
const bench = await setUp(server);
const writing = new AbortController();
const writer = write(bench.source.url, writing.signal);
try {
  for (let index = 1; index < agentCount; index++) await bench.cluster.agent(`first-${index}`);
  await until(
    async () =>
      (await onDatabase(bench.destination.url, (client) => client.query('SELECT 1 FROM _idra_commits')))
        .rowCount === tables.length,
    { what: 'every sync to be claimed' },
  );
  await installLedger(bench.destination.url);
  let round = 0;
  const killed: number[] = [];
  for (let index = 0; index < kills; index++) killed.push(...(await killOne(bench, round++)));
  const drained: number[] = [];
  for (let index = 0; index < drains; index++) drained.push(...(await drainOne(bench, round++)));
  if (kills > 0) {
    printFigure(
      `${kills} kills, TTL ${ttlMs} ms, to the next owner's first commit, median of ${killed.length}`,
      median(killed),
      ttlMs,
    );
    printFigure(`${kills} kills, the worst`, Math.max(...killed), ttlMs + 2_000);
  }
  if (drains > 0)
    printFigure(
      `${drains} drains, from release to the next commit, worst of ${drained.length}`,
      Math.max(...drained),
      1_000,
    );
} finally {
  writing.abort();
  await writer.catch(() => {});
  await bench.cluster.stop();
  await server.stop();
}
if (isMissed) process.exitCode = 1;
