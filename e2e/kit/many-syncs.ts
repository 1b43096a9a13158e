import { readFileSync } from 'node:fs';
import type { RunningSingleMode } from './single-mode.ts';
import { SingleMode, syncManifest } from './single-mode.ts';
import type { TestDatabase } from './systems.ts';
import { until } from './wait.ts';

export interface ManyOptions {
  readonly source: TestDatabase;
  readonly destination: TestDatabase;
  readonly folder: string;
  readonly count: number;
  readonly schedule: object;
  /** Idra's present connections on the server. */
  readonly connections: () => Promise<number>;
}

const rowsAtFirst = 5;

/** Many Syncs of small tables between two databases, in one process; counts the connections that they use. */
export class ManySyncs {
  readonly #options: ManyOptions;
  readonly #single: SingleMode;
  readonly #tables: readonly string[];
  #running: RunningSingleMode | undefined;
  #rows = rowsAtFirst;
  #isWatching = true;
  #watching: Promise<void> = Promise.resolve();
  /** The highest number of connections since the last reset. */
  peak = 0;

  constructor(options: ManyOptions) {
    this.#options = options;
    this.#single = new SingleMode(options.folder);
    this.#tables = Array.from({ length: options.count }, (_, index) => `t${index}`);
  }

  async start(): Promise<void> {
    const { source, destination, schedule } = this.#options;
    const row = Array.from({ length: rowsAtFirst }, (_, index) => `(${index + 1}, 'first')`).join(', ');
    await source.execute(
      ...this.#tables.flatMap((table) => [
        `CREATE TABLE ${table} (id bigint PRIMARY KEY, body varchar(40))`,
        `INSERT INTO ${table} VALUES ${row}`,
      ]),
    );
    const syncs = this.#tables.map((table) =>
      syncManifest(table, {
        source: { dataSource: 'shop', table: source.tableName(table), idField: 'id' },
        destination: { dataSource: 'warehouse', table: destination.tableName(table) },
        mode: 'Id',
        writeMode: 'Append',
        schedule,
      }),
    );
    await this.#single.write(source.manifest('shop') + destination.manifest('warehouse') + syncs.join(''));
    this.#watching = this.#watch();
    this.#running = await this.#single.start();
  }

  /** Adds one row to every table of the source. */
  async addRows(): Promise<void> {
    this.#rows += 1;
    await this.#options.source.execute(
      ...this.#tables.map((table) => `INSERT INTO ${table} VALUES (${this.#rows}, 'more')`),
    );
  }

  async untilAllArrived(timeoutMs: number): Promise<void> {
    const { destination, count } = this.#options;
    const written = async () => {
      const [[total] = []] = await destination
        .rows(`SELECT sum(${destination.quote('rows')}) FROM ${destination.tableName('_idra_commits')}`)
        .catch(() => [['0']]);
      return Number(total ?? 0);
    };
    await until(async () => (await written()) === count * this.#rows, {
      what: `${count * this.#rows} rows`,
      timeoutMs,
      everyMs: 500,
    });
    for (const table of this.#tables) {
      const [[rows] = []] = await destination.rows(`SELECT count(*) FROM ${destination.tableName(table)}`);
      if (Number(rows) !== this.#rows) throw new Error(`${table} has ${rows} rows of ${this.#rows}`);
    }
  }

  get errors(): readonly string[] {
    const lines = [...(this.#running?.process.stdout ?? []), ...(this.#running?.process.stderr ?? [])];
    return lines.filter((line) => line.includes('lastError') || line.includes('TooManyConnections'));
  }

  /** VmHWM. */
  get peakBytes(): number {
    const status = readFileSync(`/proc/${this.#running?.process.pid}/status`, 'utf8');
    return Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0) * 1024;
  }

  async stop(): Promise<void> {
    this.#isWatching = false;
    await this.#running?.process.stop();
    await this.#watching;
  }

  async #watch(): Promise<void> {
    while (this.#isWatching) {
      this.peak = Math.max(this.peak, await this.#options.connections());
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}
