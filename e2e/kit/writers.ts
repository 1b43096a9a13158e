import pg from 'pg';

/** One turn of one writer, from BEGIN to its end. */
export type WriteOnce = (client: pg.Client, writer: number, turn: number) => Promise<void>;

/** Writers on a PostgreSQL, each with its own connection, that run until they are stopped. */
export class Writers {
  readonly #url: string;
  readonly #writeOnce: WriteOnce;
  readonly #running: Promise<void>[] = [];
  #isStopping = false;

  constructor(url: string, writeOnce: WriteOnce) {
    this.#url = url;
    this.#writeOnce = writeOnce;
  }

  async start(writers: number): Promise<void> {
    for (let writer = 0; writer < writers; writer++) {
      const client = new pg.Client({ connectionString: this.#url });
      await client.connect();
      this.#running.push(this.#write(client, writer));
    }
  }

  /** Each completes its turn first. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    await Promise.all(this.#running);
  }

  async #write(client: pg.Client, writer: number): Promise<void> {
    for (let turn = 0; !this.#isStopping; turn++) await this.#writeOnce(client, writer, turn);
    await client.end();
  }
}

/** For a transaction that takes time. */
export function idle(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
