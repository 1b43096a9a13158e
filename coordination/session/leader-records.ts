import type { EtcdKv } from '../etcd/kv.ts';
import { type LeaseId, type Operation, underPrefix } from '../etcd/transport.ts';

/** One operation each; with the condition on the term a transaction stays under etcd's limit. */
const perTransaction = 100;

/**
 * What the leader publishes besides the assignments: one key each under a prefix, under its lease, so that records of a former leader
 * expire. Only differences are written; keys of an earlier leader are taken over.
 */
export class LeaderRecords {
  readonly #kv: EtcdKv;
  readonly #prefix: string;
  readonly #lease: LeaseId;
  #published: Map<string, string> | undefined;

  constructor(kv: EtcdKv, prefix: string, lease: LeaseId) {
    this.#kv = kv;
    this.#prefix = prefix;
    this.#lease = lease;
  }

  /** All current records, by the key without its prefix. `write` executes operations under the condition of the term. */
  async publish(
    records: ReadonlyMap<string, object>,
    write: (operations: readonly Operation[]) => Promise<void>,
  ): Promise<void> {
    const published = this.#published ?? (await this.#find());
    this.#published = published;
    const changes = new Map<string, string | undefined>();
    for (const key of published.keys()) if (!records.has(key)) changes.set(key, undefined);
    for (const [key, record] of records) {
      const value = JSON.stringify(record);
      if (published.get(key) !== value) changes.set(key, value);
    }
    const all = [...changes];
    for (let start = 0; start < all.length; start += perTransaction) {
      const part = all.slice(start, start + perTransaction);
      await write(part.map(([key, value]) => this.#operation(key, value)));
      for (const [key, value] of part) {
        if (value === undefined) published.delete(key);
        else published.set(key, value);
      }
    }
  }

  /** Deletes all records, for a leader that resigns while its lease continues. */
  get retraction(): Operation {
    return { kind: 'delete', ...underPrefix(this.#prefix) };
  }

  /** Written under another lease: must be rewritten or deleted. */
  async #find(): Promise<Map<string, string>> {
    const { pairs } = await this.#kv.list(underPrefix(this.#prefix));
    return new Map(
      pairs.map(({ key, value, lease }) => [
        key.slice(this.#prefix.length),
        lease === this.#lease ? value : `of lease ${lease}`,
      ]),
    );
  }

  #operation(suffix: string, value: string | undefined): Operation {
    const key = `${this.#prefix}${suffix}`;
    return value === undefined ? { kind: 'delete', key } : { kind: 'put', key, value, lease: this.#lease };
  }
}
