import type { Batch } from '../../core/batch.ts';
import type { PassEnd, ReadRequest, Source } from '../../core/connector.ts';
import type { Offset } from '../../core/offset.ts';
import type { Relation } from '../../core/values.ts';
import type { Process } from './process.ts';
import type { Witness } from './witness.ts';
import type { World } from './world.ts';

/** Interval at which a row is added. */
const rowEveryMs = 80;

/** Rows 1, 2, 3 and so on; their number grows with time. */
export class ModelSource implements Source {
  readonly #world: World;
  readonly #process: Process;
  readonly #relation: Relation;
  readonly #witness: Witness;
  readonly #uid: string;

  constructor(world: World, process: Process, relation: Relation, witness: Witness, uid: string) {
    this.#world = world;
    this.#process = process;
    this.#relation = relation;
    this.#witness = witness;
    this.#uid = uid;
  }

  async describe(): Promise<Relation> {
    return this.#relation;
  }

  async check(): Promise<readonly []> {
    return [];
  }

  canServe(): boolean {
    return false;
  }

  async *read({ after, limits }: ReadRequest, signal: AbortSignal): AsyncGenerator<Batch, PassEnd> {
    let last = after?.mode === 'Id' ? Number(after.id) : 0;
    const there = Math.floor(this.#world.nowMs / rowEveryMs);
    while (last < there) {
      await this.#process.clock.sleep(this.#world.random.between(0.2, 20), signal);
      const count = Math.min(limits.maxRows, there - last);
      const rows = Array.from({ length: count }, (_, index) => [BigInt(last + index + 1)]);
      last += count;
      const offset = { mode: 'Id', id: String(last) } as const;
      yield { rows: { format: 'values', rows }, rowCount: count, byteCount: 8 * count, offset };
    }
    return { bound: { kind: 'transactions' }, isHeldBack: false };
  }

  async timeZone(): Promise<string> {
    return 'UTC';
  }

  async estimateWaiting(): Promise<undefined> {
    return undefined;
  }

  async acknowledge(offset: Offset): Promise<void> {
    this.#witness.acknowledged(this.#uid, offset);
  }

  async rest(): Promise<void> {}

  async close(): Promise<void> {}
}
