import { BSON, type Collection, type Db, type Document } from 'mongodb';

/** Documents of `accounts`: their balances change only by transfers between two of them, so that the sum of all is 0. */
const accounts = 100;
const perWrite = 500;
/** One command for each kind of change, instead of one for each change that is of another kind than the one before. */
const insertsFirst = { ordered: false };

type Order = Document & { _id: number };
type Operation = Parameters<Collection<Order>['bulkWrite']>[0][number];

/**
 * Changes of two collections: `orders`, whose documents are inserted, updated within, replaced and deleted, and changed two at a time by
 * transactions; and `events`, of which nothing is deleted, so that each change makes one row of a history.
 */
export class Work {
  readonly orders: Collection<Order>;
  readonly events: Collection<Order>;
  readonly #database: Db;
  readonly #random: () => number;
  readonly #balances = new Array<number>(accounts).fill(0);
  readonly #alive: number[] = [];
  /** How often each document of `events` was changed, by its `_id`. */
  readonly changesOfEvents = new Map<number, number>();
  #lastId = accounts;
  #transactions = 0;
  #gross = 0;
  done = 0;

  constructor(database: Db, random: () => number) {
    this.#database = database;
    this.#random = random;
    this.orders = database.collection<Order>('orders');
    this.events = database.collection<Order>('events');
  }

  async begin(): Promise<void> {
    for (const create of ['orders', 'events']) await this.#database.command({ create });
    await this.orders.insertMany(this.#balances.map((balance, _id) => orderOf(_id, balance, 0)) as Order[]);
  }

  /** So many changes, half of them in each collection. */
  async change(count: number): Promise<void> {
    for (let left = count; left > 0; left -= perWrite) {
      const some = Math.ceil(Math.min(left, perWrite) / 2);
      await this.#changeOrders(some);
      await this.#changeEvents(some);
    }
  }

  async #changeOrders(count: number): Promise<void> {
    let made = 0;
    while (made < count) {
      const operations = Array.from({ length: Math.min(50, count - made) }, () => this.#operation());
      await this.orders.bulkWrite(operations, insertsFirst);
      made += operations.length;
      if (made < count) made += await this.#transfer();
    }
    this.done += made;
  }

  #operation(): Operation {
    const kind = this.#alive.length < 50 ? 0 : this.#below(4);
    const at = this.#below(Math.max(1, this.#alive.length));
    const known = this.#alive[at] ?? 0;
    switch (kind) {
      case 1:
        return {
          updateOne: { filter: { _id: known }, update: { $set: { 'totals.gross': this.#amount() } } },
        };
      case 2:
        return { replaceOne: { filter: { _id: known }, replacement: orderOf(known, 0, this.#below(1_000)) } };
      case 3:
        this.#alive.splice(at, 1);
        return { deleteOne: { filter: { _id: known } } };
      default: {
        const _id = ++this.#lastId;
        this.#alive.push(_id);
        return { insertOne: { document: orderOf(_id, 0, this.#below(1_000)) } };
      }
    }
  }

  /** Returns the number of its changes. */
  async #transfer(): Promise<number> {
    const [from, amount] = [this.#below(accounts), this.#below(1_000)];
    const to = (from + 1 + this.#below(accounts - 1)) % accounts;
    this.#balances[from] = (this.#balances[from] ?? 0) - amount;
    this.#balances[to] = (this.#balances[to] ?? 0) + amount;
    const updates = [from, to].map((_id) => ({ q: { _id }, u: orderOf(_id, this.#balances[_id] ?? 0, 0) }));
    const runTransaction = BSON.Long.fromNumber(++this.#transactions);
    await this.#database.command({ runTransaction, commands: [{ update: 'orders', updates }] });
    return updates.length;
  }

  async #changeEvents(count: number): Promise<void> {
    const operations = Array.from({ length: count }, (_, index): Operation => {
      const known = this.changesOfEvents.size;
      const isNew = known === 0 || index % 2 === 0;
      // A write that changes nothing is no change.
      const gross = ++this.#gross;
      const _id = isNew ? known + 1 : 1 + this.#below(known);
      this.changesOfEvents.set(_id, (this.changesOfEvents.get(_id) ?? 0) + 1);
      if (isNew) return { insertOne: { document: orderOf(_id, 0, gross) } };
      return this.#below(2) === 0
        ? { updateOne: { filter: { _id }, update: { $set: { 'totals.gross': new BSON.Int32(gross) } } } }
        : { replaceOne: { filter: { _id }, replacement: orderOf(_id, 0, gross) } };
    });
    await this.events.bulkWrite(operations, insertsFirst);
    this.done += operations.length;
  }

  #amount(): BSON.Int32 {
    return new BSON.Int32(this.#below(1_000_000));
  }

  #below(limit: number): number {
    return Math.floor(this.#random() * limit);
  }
}

function orderOf(_id: number, balance: number, gross: number): Order {
  const customer = { name: `customer ${_id % 97}`, address: { city: `city ${gross % 13}` } };
  return {
    _id,
    balance: new BSON.Int32(balance),
    totals: { gross: new BSON.Int32(gross) },
    customer,
  } as never;
}
