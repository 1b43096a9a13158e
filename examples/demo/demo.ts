import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import Database from 'better-sqlite3';
import { type Comparison, compareTables } from './compare.ts';
import { Shop } from './shop.ts';

/** `make demo`: single mode on a shop that keeps changing; it is killed halfway, resumed, and compared row by row. */
const root = fileURLToPath(new URL('../../', import.meta.url));
const folder = `${root}.idra/demo`;
const [shopPath, warehousePath] = [`${folder}/shop.db`, `${folder}/warehouse.db`];
const command = [
  `${root}bin/idra`,
  'run',
  '-f',
  'examples/demo/demo.yaml',
  '--state',
  '.idra/demo/state.db',
] as const;
const lateByMs = 2_000;

async function main(): Promise<void> {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  print('Creating a sample shop in SQLite: customers, orders, and 200,000 flights of a public data set.');
  const shop = new Shop(shopPath);
  const flights = shop.fill();
  print(
    `It has ${flights.toLocaleString('en-US')} flights, 5,000 orders, 500 customers. From now on customers and orders keep changing.`,
  );
  shop.keepChanging();
  try {
    await killInTheMiddle(flights);
    await resume(shop, flights);
  } finally {
    shop.stopChanging();
  }
  await passed(lateByMs + 1_500); // by then the last changes are older than safetyLag
  print('The shop no longer changes. A last pass of every Sync (bin/idra run --once):');
  await finished(start(['--once']));
  shop.close();
  report();
}

async function killInTheMiddle(flights: number): Promise<void> {
  print(
    `${command.slice(0, 4).join(' ').replace(root, '')}, killed by SIGKILL in the middle of the flights:`,
  );
  const run = start([]);
  await until(() => countRows('flights') > flights / 5);
  run.kill('SIGKILL');
  await finished(run);
  print(`Killed after ${countRows('flights').toLocaleString('en-US')} flights.`);
}

async function resume(shop: Shop, flights: number): Promise<void> {
  print('The same command again continues from the offset in the destination.');
  const run = start([]);
  await until(() => countRows('flights') === flights);
  const late = shop.addLateOrder(lateByMs);
  print(
    `Order ${late} commits ${lateByMs / 1_000} s later than its updated_at says. A reader that continues after the largest timestamp would miss it.`,
  );
  await until(() => countRows('orders', `id = ${late}`) === 1);
  print(`Order ${late} has arrived. Ctrl-C (SIGINT) stops at a batch edge:`);
  run.kill('SIGINT');
  await finished(run);
}

function report(): void {
  const comparisons = ['flights', 'orders', 'customers'].map((table) =>
    compareTables(shopPath, warehousePath, table),
  );
  print('Row by row, every column:');
  for (const each of comparisons) console.log(`  ${describe(each)}`);
  if (comparisons.some((each) => each.missing + each.extra + each.different > 0))
    throw new Error('source and destination differ');
  print('No row is lost or duplicated.');
}

function describe({ table, rows, missing, extra, different }: Comparison): string {
  return `${table.padEnd(10)} ${String(rows).padStart(7)} rows equal${different ? ` but ${different}` : ''}, ${missing} missing, ${extra} extra`;
}

function countRows(table: string, where = 'true'): number {
  try {
    const db = new Database(warehousePath, { readonly: true, fileMustExist: true });
    try {
      return (db.prepare(`SELECT count(*) AS n FROM "${table}" WHERE ${where}`).get() as { n: number }).n;
    } finally {
      db.close();
    }
  } catch (error) {
    if (error instanceof Database.SqliteError) return 0; // does not exist yet, or is being written
    throw error;
  }
}

function start(more: readonly string[]): ChildProcess {
  const [bin, ...rest] = command;
  return spawn(bin, [...rest, ...more], { cwd: root, stdio: 'inherit' });
}

function finished(run: ChildProcess): Promise<void> {
  if (run.exitCode !== null || run.signalCode !== null) return Promise.resolve();
  return new Promise((resolve) => run.once('exit', () => resolve()));
}

async function until(condition: () => boolean): Promise<void> {
  for (let turn = 0; turn < 1_200; turn++) {
    if (condition()) return;
    await passed(50);
  }
  throw new Error('a condition was not reached within a minute; see the output above');
}

function passed(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

function print(text: string): void {
  console.log(`\n\u2022 ${text}`);
}

await main();
