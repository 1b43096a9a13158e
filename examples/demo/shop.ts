import { readFileSync } from 'node:fs';
import Database from 'better-sqlite3';

/** The sample shop: two small tables that keep changing, and the public data set of flights (vega-datasets, 200,000 rows). */
export class Shop {
  readonly #db: Database.Database;
  #timer: NodeJS.Timeout | undefined;
  #seed = 42;
  changes = 0;

  constructor(path: string) {
    this.#db = new Database(path);
    this.#db.pragma('journal_mode = WAL');
    this.#db.pragma('busy_timeout = 5000');
    this.#db.exec(`
      CREATE TABLE flights (id INTEGER PRIMARY KEY AUTOINCREMENT, delay INTEGER, distance INTEGER, time REAL);
      CREATE TABLE customers (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL, city TEXT);
      CREATE TABLE orders (
        id INTEGER PRIMARY KEY AUTOINCREMENT, customer INTEGER NOT NULL, amount_cents INTEGER NOT NULL,
        state TEXT NOT NULL, updated_at TIMESTAMP NOT NULL);
      CREATE INDEX orders_by_time ON orders (updated_at, id);`);
  }

  /** Returns the number of flights. */
  fill(): number {
    const flights = readFlights();
    const insert = this.#db.prepare('INSERT INTO flights (delay, distance, time) VALUES (?, ?, ?)');
    this.#db.transaction(() => {
      for (const { delay, distance, time } of flights) insert.run(delay, distance, time);
      for (let nr = 1; nr <= 500; nr++) this.#addCustomer(nr);
      for (let nr = 1; nr <= 5_000; nr++) this.#addOrder(new Date());
    })();
    return flights.length;
  }

  /** Inserts and changes orders and customers, some hundred per second, until stopped. */
  keepChanging(): void {
    this.#timer = setInterval(() => {
      this.#db.transaction(() => {
        for (let nr = 0; nr < 10; nr++) this.#addOrder(new Date());
        for (let nr = 0; nr < 10; nr++) this.#changeOrder(new Date());
        this.#addCustomer(this.changes);
      })();
    }, 50);
  }

  stopChanging(): void {
    clearInterval(this.#timer);
  }

  /** An order whose application took its clock some time before it committed: the row arrives late. Returns its id. */
  addLateOrder(lateByMs: number): number {
    return this.#addOrder(new Date(Date.now() - lateByMs));
  }

  close(): void {
    this.#db.close();
  }

  #addOrder(at: Date): number {
    this.changes++;
    const state = this.#pick(['new', 'paid', 'sent']);
    return Number(
      this.#db
        .prepare('INSERT INTO orders (customer, amount_cents, state, updated_at) VALUES (?, ?, ?, ?)')
        .run(1 + this.#random(500), 100 + this.#random(90_000), state, sqlTime(at)).lastInsertRowid,
    );
  }

  #changeOrder(at: Date): void {
    this.changes++;
    const last = this.#db.prepare('SELECT max(id) AS id FROM orders').get() as { id: number };
    this.#db
      .prepare('UPDATE orders SET state = ?, amount_cents = amount_cents + 1, updated_at = ? WHERE id = ?')
      .run(this.#pick(['paid', 'sent', 'returned']), sqlTime(at), 1 + this.#random(last.id));
  }

  #addCustomer(nr: number): void {
    this.changes++;
    this.#db
      .prepare('INSERT INTO customers (name, city) VALUES (?, ?)')
      .run(`Customer ${nr} 🌊`, this.#pick(['Roma', 'Bergen', 'Łódź', '東京']));
  }

  /** A linear congruential generator (Numerical Recipes constants): the shop is the same in each run. */
  #random(below: number): number {
    this.#seed = (this.#seed * 1_664_525 + 1_013_904_223) % 2 ** 32;
    return Math.floor((this.#seed / 2 ** 32) * below);
  }

  #pick(from: readonly string[]): string {
    return from[this.#random(from.length)] ?? '';
  }
}

function sqlTime(at: Date): string {
  return at.toISOString().replace('T', ' ').replace('Z', '');
}

interface Flight {
  readonly delay: number;
  readonly distance: number;
  readonly time: number;
}

function readFlights(): readonly Flight[] {
  const url = new URL('../data/flights-200k.json', import.meta.resolve('vega-datasets'));
  return JSON.parse(readFileSync(url, 'utf8')) as readonly Flight[];
}
