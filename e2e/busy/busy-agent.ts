import { AgentCluster } from '../kit/agents.ts';
import { type RunningProcess, startProcess } from '../kit/processes.ts';
import { TestSystems } from '../kit/systems.ts';
import { tempFolder } from '../kit/temp.ts';
import { until } from '../kit/wait.ts';

export interface Busy {
  readonly rowsMoved: number;
  readonly leasesLost: number;
  /** The lowest value measured; sampled every quarter of a second. */
  readonly leastLeaseLeftMs: number;
  readonly longestLoopDelayMs: number;
}

/**
 * One agent that moves rows without a pause, some in a raw format and some value by value, while as many processes as there are cores
 * only compute. Reports what happened to its lease.
 */
export async function keepAgentBusy(options: {
  readonly leaseTtlMs: number;
  readonly forMs: number;
  readonly rows: number;
  readonly cores: number;
}): Promise<Busy> {
  const systems = new TestSystems(await tempFolder('busy'));
  const cluster = await AgentCluster.start({ leaseTtlMs: options.leaseTtlMs });
  const others: RunningProcess[] = [];
  try {
    await putWork(cluster, systems, options.rows);
    for (let index = 0; index < options.cores; index++)
      others.push(await startProcess(process.execPath, ['-e', 'for (;;);'], { name: 'busy' }));
    const agent = await cluster.agent('a', { IDRA_HEALTH_PORT: '0' });
    const port = /port=(\d+)/.exec(await agent.waitForLine('serving health and metrics'))?.[1];
    const result = await watch(`http://127.0.0.1:${port}/metrics`, options);
    const lost = agent.stderr.filter((line) => line.includes('the lease is lost'));
    return { ...result, leasesLost: lost.length };
  } finally {
    for (const each of others) each.kill();
    await cluster.stop();
    await systems.stop();
  }
}

async function putWork(cluster: AgentCluster, systems: TestSystems, rows: number): Promise<void> {
  const source = await systems.createDatabase('postgres');
  await source.execute(
    `CREATE TABLE work AS SELECT i AS id, md5(i::text) AS a, md5((i * 7)::text) AS b, i * 1.01 AS c, now() AS d FROM generate_series(1, ${rows}) i`,
    'ALTER TABLE work ADD PRIMARY KEY (id)',
  );
  const manifests = [source.manifest('shop')];
  for (const [index, system] of (['postgres', 'sqlite', 'postgres', 'sqlite'] as const).entries()) {
    const destination = await systems.createDatabase(system);
    manifests.push(
      destination.manifest(`to${index}`),
      `kind: Sync
metadata: { name: s${index} }
spec:
  source: { dataSource: shop, table: public.work }
  destination: { dataSource: to${index}, table: ${destination.tableName('work')} }
  mode: Snapshot
  schedule: { continuous: true }
---
`,
    );
  }
  await cluster.put(manifests.join(''));
}

/** Until the time is over and more rows have moved than one Sync has. */
async function watch(
  url: string,
  { forMs, rows }: { readonly forMs: number; readonly rows: number },
): Promise<Omit<Busy, 'leasesLost'>> {
  const endMs = performance.now() + forMs;
  let [rowsMoved, leastLeaseLeftMs, longestLoopDelayMs] = [0, Number.POSITIVE_INFINITY, 0];
  await until(
    async () => {
      const text = await (await fetch(url)).text();
      rowsMoved = sumOf(text, 'idra_rows_written_total');
      leastLeaseLeftMs = Math.min(leastLeaseLeftMs, sumOf(text, 'idra_lease_left_seconds') * 1_000);
      longestLoopDelayMs = Math.max(longestLoopDelayMs, sumOf(text, 'idra_event_loop_delay_seconds') * 1_000);
      return performance.now() > endMs && rowsMoved > rows;
    },
    { what: 'the busy time to be over and rows to have moved', timeoutMs: forMs + 180_000, everyMs: 250 },
  );
  return { rowsMoved, leastLeaseLeftMs, longestLoopDelayMs };
}

function sumOf(text: string, metric: string): number {
  return text
    .split('\n')
    .filter((line) => line.startsWith(`${metric} `) || line.startsWith(`${metric}{`))
    .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' ') + 1)), 0);
}
