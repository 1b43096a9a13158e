import { parseArgs } from 'node:util';
import { ManySyncs } from '../e2e/kit/many-syncs.ts';
import { postgres } from '../e2e/kit/servers.ts';
import { postgresDatabase } from '../e2e/kit/systems.ts';
import { removeFolder, tempFolder } from '../e2e/kit/temp.ts';
import { judge } from './_postgres.ts';

/**
 * Many Syncs of `every: 60s` between two databases of one PostgreSQL with max_connections 100: the maximum number of connections at one
 * time, the time until all rows have arrived, and memory.
 */
const { values } = parseArgs({ options: { syncs: { type: 'string', default: '300,1000' } } });
const maxConnections = 20;

async function measure(count: number): Promise<void> {
  const server = await postgres({ own: true, settings: { max_connections: '100' } });
  const folder = await tempFolder('connections');
  const [source, destination] = [await server.createDatabase(), await server.createDatabase()];
  await server.query(`GRANT pg_read_all_stats TO "${source.user}"`);
  const many = new ManySyncs({
    source: postgresDatabase(source),
    destination: postgresDatabase(destination),
    folder,
    count,
    schedule: { every: '60s' },
    connections: async () => {
      const [found] = await server.query(
        `SELECT count(*) AS n FROM pg_stat_activity WHERE application_name LIKE 'idra%'`,
      );
      return Number(found?.n);
    },
  });
  try {
    await many.start();
    const startMs = performance.now();
    await many.untilAllArrived(600_000);
    judge(`${count} Syncs, connections at most, until all rows have arrived`, many.peak, maxConnections);
    judge(`${count} Syncs, all rows arrived after`, (performance.now() - startMs) / 1_000, 180, 's');
    many.peak = 0;
    await many.addRows();
    const addedMs = performance.now();
    await many.untilAllArrived(600_000);
    judge(`${count} Syncs, connections at most, with a row each`, many.peak, maxConnections);
    judge(`${count} Syncs, a row each, all arrived after`, (performance.now() - addedMs) / 1_000, 120, 's');
    many.peak = 0;
    await new Promise((resolve) => setTimeout(resolve, 70_000));
    judge(`${count} Syncs, connections at most, with nothing new`, many.peak, maxConnections);
    judge(`${count} Syncs, errors`, many.errors.length, 0);
    judge(`${count} Syncs, memory of the process at most`, many.peakBytes / 2 ** 20, 600, 'MiB');
  } finally {
    await many.stop();
    await server.stop();
    await removeFolder(folder);
  }
}

for (const count of values.syncs.split(',').map(Number)) await measure(count);
