import { syncManifest } from './single-mode.ts';
import { type TestDatabase, TestSystems } from './systems.ts';
import { tempFolder } from './temp.ts';

/** A table of ids in a PostgreSQL database `shop`, and the manifests of a Sync `orders` by id into a database `warehouse`. */
export class Orders {
  readonly #shop: TestDatabase;
  readonly #warehouse: TestDatabase;
  readonly #systems: TestSystems;

  private constructor(systems: TestSystems, shop: TestDatabase, warehouse: TestDatabase) {
    this.#systems = systems;
    this.#shop = shop;
    this.#warehouse = warehouse;
  }

  /** With the ids from 1 to `rows`. */
  static async create(rows: number): Promise<Orders> {
    const systems = new TestSystems(await tempFolder('orders'));
    const shop = await systems.createDatabase('postgres');
    await shop.execute(
      'CREATE TABLE orders (id bigint PRIMARY KEY)',
      `INSERT INTO orders SELECT generate_series(1, ${rows})`,
    );
    return new Orders(systems, shop, await systems.createDatabase('postgres'));
  }

  manifests(schedule: object): string {
    const sync = syncManifest('orders', {
      source: { dataSource: 'shop', table: 'public.orders', idField: 'id' },
      destination: { dataSource: 'warehouse', table: 'public.orders' },
      mode: 'Id',
      schedule,
    });
    return this.#shop.manifest('shop') + this.#warehouse.manifest('warehouse') + sync;
  }

  async insert(id: number): Promise<void> {
    await this.#shop.execute(`INSERT INTO orders VALUES (${id})`);
  }

  /** Deletes rows that have arrived, up to this id. */
  async lose(upTo: number): Promise<void> {
    await this.#warehouse.execute(`DELETE FROM orders WHERE id <= ${upTo}`);
  }

  /** The number of rows that have arrived. */
  async arrived(): Promise<number> {
    const [[count] = []] = await this.#warehouse.rows('SELECT count(*) FROM orders').catch(() => []);
    return Number(count ?? 0);
  }

  /** Every row of both ends is the same. */
  async areEqual(): Promise<boolean> {
    const sql = 'SELECT id FROM orders ORDER BY id';
    const [wanted, found] = await Promise.all([
      this.#shop.rows(sql),
      this.#warehouse.rows(sql).catch(() => undefined),
    ]);
    return JSON.stringify(wanted) === JSON.stringify(found);
  }

  async stop(): Promise<void> {
    await this.#systems.stop();
  }
}
