import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import {
  type CommandResult,
  projectFolder,
  type RunningProcess,
  runCommand,
  startIdra,
} from '../kit/processes.ts';
import { removeFolder, tempFolder } from '../kit/temp.ts';

/** `idra run` as used by a new user: two SQLite files, some manifests, and a terminal. */
export class ShopFolder {
  readonly path: string;
  readonly #processes: RunningProcess[] = [];

  constructor(path: string) {
    this.path = path;
  }

  static async make(): Promise<ShopFolder> {
    return new ShopFolder(await tempFolder('single-mode'));
  }

  open(name: string): Database.Database {
    const database = new Database(join(this.path, name));
    database.pragma('journal_mode = WAL');
    return database;
  }

  execute(name: string, sql: string): void {
    const database = this.open(name);
    database.exec(sql);
    database.close();
  }

  query(name: string, sql: string): unknown[][] {
    const database = this.open(name);
    try {
      return database.prepare(sql).raw().all() as unknown[][];
    } finally {
      database.close();
    }
  }

  arrived(): unknown[][] {
    return this.query('warehouse.db', 'SELECT id, v FROM orders ORDER BY id');
  }

  countArrived(): number {
    try {
      return Number(this.query('warehouse.db', 'SELECT count(*) FROM orders')[0]?.[0]);
    } catch {
      return 0;
    }
  }

  async manifests(text: string, file = 'shop.yaml'): Promise<void> {
    await writeFile(join(this.path, file), text);
  }

  async idra(...args: readonly string[]): Promise<CommandResult> {
    return await runCommand(`${projectFolder}/bin/idra`, args, { cwd: this.path, timeoutMs: 60_000 });
  }

  async start(...args: readonly string[]): Promise<RunningProcess> {
    const running = await startIdra(['run', '-f', 'shop.yaml', ...args], { cwd: this.path });
    this.#processes.push(running);
    return running;
  }

  async remove(): Promise<void> {
    for (const each of this.#processes.splice(0)) await each.stop();
    await removeFolder(this.path);
  }
}

export const shop = `CREATE TABLE orders (id INTEGER PRIMARY KEY AUTOINCREMENT, v TEXT, at DATETIME);
  INSERT INTO orders (v, at) VALUES ('a', '2026-01-01 08:00:00'), ('b', '2026-01-01 08:00:00'), ('c', '2026-01-02 08:00:00');`;
export const manyRows = `INSERT INTO orders (v, at) WITH RECURSIVE n (i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 20000) SELECT i, '2026-01-01 08:00:00' FROM n`;

export const dataSource = (name: string) => `apiVersion: idra.dev/v1alpha1
kind: DataSource
metadata: { name: ${name} }
spec:
  sqlite: { path: ${name}.db }
---
`;
export const sync = (spec: object, name = 'orders') => `apiVersion: idra.dev/v1alpha1
kind: Sync
metadata: { name: ${name} }
spec: ${JSON.stringify({ destination: { dataSource: 'warehouse', table: 'orders' }, ...spec })}
---
`;
export const byId = { source: { dataSource: 'shop', table: 'orders', idField: 'id' }, mode: 'Id' };
export const byTime = {
  source: { dataSource: 'shop', table: 'orders', timestampField: 'at' },
  mode: 'Timestamp',
};
export const byKey = {
  source: { dataSource: 'shop', table: 'orders' },
  mode: 'Snapshot',
  schedule: { once: true },
  batch: { maxRows: 100 },
};
export const ends = dataSource('shop') + dataSource('warehouse');
