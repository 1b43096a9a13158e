import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { projectFolder } from '../e2e/kit/processes.ts';
import { type PostgresDatabase, type PostgresServer, postgres } from '../e2e/kit/servers.ts';
import { serverManifest } from '../e2e/kit/systems.ts';
import { removeFolder, tempFolder } from '../e2e/kit/temp.ts';

/** Two databases on one server that stores durably (fsync), a folder for manifests, and Idra run as by a user. */
export interface Bench {
  readonly server: PostgresServer;
  readonly source: PostgresDatabase;
  readonly destination: PostgresDatabase;
  sql(database: PostgresDatabase, sql: string): Promise<Record<string, unknown>[]>;
  /** For files; deleted at the end. */
  readonly folder: string;
  /** `bin/idra run --once` from start to exit. `isFresh`: with a new state. */
  idra(sync: string, isFresh?: boolean): Promise<Run>;
  stop(): Promise<void>;
}

export interface Run {
  /** Of the whole process. */
  readonly ms: number;
  /** VmHWM. */
  readonly peakBytes: number;
  /** Of all threads, which other load of the machine changes less than the time. */
  readonly cpuMs: number;
}

const settings = {
  fsync: 'on',
  wal_level: 'replica',
  shared_buffers: '512MB',
  max_wal_size: '8GB',
  checkpoint_timeout: '30min',
};

export async function openBench(): Promise<Bench> {
  const server = await postgres({ own: true, settings });
  const [source, destination] = [await server.createDatabase(), await server.createDatabase()];
  await server.query(`GRANT pg_read_all_stats TO "${source.user}"`);
  const folder = await tempFolder('bench');
  return {
    server,
    source,
    destination,
    // As the owner, who could not write tables created by the superuser.
    sql: (database, sql) => server.query(`SET ROLE "${database.user}"; ${sql}`, database.database),
    folder,
    async idra(sync, isFresh = false) {
      const file = join(folder, 'sync.yaml');
      if (isFresh) await rm(join(folder, 'state.db'), { force: true });
      await writeFile(
        file,
        serverManifest('source', 'postgres', source) +
          serverManifest('destination', 'postgres', destination) +
          sync,
      );
      return await timed(`${projectFolder}/bin/idra`, [
        'run',
        '-f',
        file,
        '--once',
        '--state',
        join(folder, 'state.db'),
      ]);
    },
    async stop() {
      await server.stop();
      await removeFolder(folder);
    },
  };
}

/** Runs a command to its end; throws if it fails. */
export async function timed(command: string, args: readonly string[]): Promise<Run> {
  const start = performance.now();
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk) => {
      output = (output + chunk).slice(-4_000);
    });
  }
  let [peakBytes, cpuMs] = [0, 0];
  const watch = setInterval(() => {
    peakBytes = Math.max(peakBytes, peakOf(child.pid));
    cpuMs = Math.max(cpuMs, cpuOf(child.pid));
  }, 50);
  const code = await new Promise((resolve) => child.once('close', resolve));
  clearInterval(watch);
  if (code !== 0) throw new Error(`${command} ended with ${code}\n${output}`);
  return { ms: performance.now() - start, peakBytes, cpuMs };
}

/** VmHWM; 0 if the process has ended. */
function peakOf(pid: number | undefined): number {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    return Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0) * 1024;
  } catch {
    return 0;
  }
}

/** Ticks of 10 ms in user and system mode; 0 if the process has ended. */
function cpuOf(pid: number | undefined): number {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /s, '')
      .split(' ');
    return (Number(fields[11]) + Number(fields[12])) * 10;
  } catch {
    return 0;
  }
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((one, other) => one - other);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

/** Prints `ok` or `MISSED` with the figure and its limit; sets the exit status. */
export function judge(what: string, figure: number, limit: number, unit = ''): void {
  const isMet = figure <= limit;
  if (!isMet) process.exitCode = 1;
  console.log(
    `${isMet ? 'ok    ' : 'MISSED'} ${what}: ${figure.toFixed(2)}${unit && ` ${unit}`} (at most ${limit})`,
  );
}

/** As `judge`, for a figure that must not be smaller. */
export function judgeAtLeast(what: string, figure: number, least: number): void {
  const isMet = figure >= least;
  if (!isMet) process.exitCode = 1;
  console.log(`${isMet ? 'ok    ' : 'MISSED'} ${what}: ${figure.toFixed(2)} (at least ${least})`);
}
