import type { Clock } from '../../core/clock.ts';
import type { RateDemand } from '../../core/rate-share.ts';
import type { RateDemands } from '../../core/sync-store.ts';
import type { EtcdKv } from '../etcd/kv.ts';
import type { KeyValue, Operation } from '../etcd/transport.ts';
import { Reflector } from '../etcd/watch.ts';
import type { Keys } from '../keys.ts';
import { parseRecord } from '../state/records.ts';
import type { Lease } from './lease.ts';
import type { WriteQueue } from './write-queue.ts';

/** Interval between two writes of the rates that this agent's syncs want. */
const writeEveryMs = 1_000;

export interface RatesInput {
  readonly agent: string;
  readonly lease: Lease;
  readonly writeQueue: WriteQueue;
  readonly kv: EtcdKv;
  readonly clock: Clock;
  readonly keys: Keys;
}

/**
 * The rates that agents want from data sources with a rate limit: one key per agent, under its lease, so that the share of an agent that
 * dies becomes available. An agent's own demand counts only once the watch shows it, which is also when the other agents see it.
 */
export class Rates {
  readonly #input: RatesInput;
  readonly #watch: Reflector;
  readonly #seen = new Map<string, Map<string, RateDemand>>();
  readonly #wanted = new Map<string, RateDemand | undefined>();
  #isWriting = false;

  constructor(input: RatesInput) {
    this.#input = input;
    this.#watch = new Reflector(input.kv, input.keys.rates, {
      onPut: (pair) => this.#put(pair),
      onDelete: (key) => {
        const [dataSource, agent] = this.#parts(key);
        this.#seen.get(dataSource)?.delete(agent);
      },
      onSettled() {},
      onError() {},
    });
  }

  set(dataSource: string, demand: RateDemand | undefined): void {
    this.#wanted.set(dataSource, demand);
    if (!this.#isWriting) void this.#write();
  }

  of(dataSource: string): RateDemands {
    const all = [...(this.#seen.get(dataSource) ?? [])];
    const { agent } = this.#input;
    return {
      own: all.find(([name]) => name === agent)?.[1],
      others: all.filter(([name]) => name !== agent).map(([, demand]) => demand),
    };
  }

  async close(): Promise<void> {
    await this.#watch.close();
  }

  async #write(): Promise<void> {
    const { writeQueue, lease, clock } = this.#input;
    this.#isWriting = true;
    try {
      while (this.#wanted.size > 0) {
        const success = [...this.#wanted].map(([name, demand]) => this.#operation(name, demand));
        this.#wanted.clear();
        await writeQueue.send({ write: () => ({ compare: [], success }) });
        await clock.sleep(writeEveryMs, lease.signal);
      }
    } catch {
      // The lease is lost, and the keys with it.
    } finally {
      this.#isWriting = false;
    }
  }

  #operation(dataSource: string, demand: RateDemand | undefined): Operation {
    const { keys, agent, lease } = this.#input;
    const key = `${keys.rates}${dataSource}/${agent}`;
    if (demand === undefined) return { kind: 'delete', key };
    return { kind: 'put', key, value: JSON.stringify(demand), lease: lease.id };
  }

  #put(pair: KeyValue): void {
    const [dataSource, agent] = this.#parts(pair.key);
    const demands = this.#seen.get(dataSource) ?? new Map<string, RateDemand>();
    demands.set(agent, parseRecord<RateDemand>(pair));
    this.#seen.set(dataSource, demands);
  }

  #parts(key: string): [dataSource: string, agent: string] {
    const at = key.lastIndexOf('/');
    return [key.slice(this.#input.keys.rates.length, at), key.slice(at + 1)];
  }
}
