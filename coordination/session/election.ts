import type { Clock } from '../../core/clock.ts';
import { fenced, Stopped } from '../../core/errors.ts';
import type {
  AssignmentChange,
  ClusterChange,
  ClusterWatching,
  Leadership,
  UnassignedSync,
} from '../contract.ts';
import type { EtcdKv } from '../etcd/kv.ts';
import type { KeyValue, Operation } from '../etcd/transport.ts';
import { Reflector } from '../etcd/watch.ts';
import type { Keys } from '../keys.ts';
import type { LeaderRecord } from '../state/records.ts';
import { ChangeSignal, watchCatchesUpMs } from './change-signal.ts';
import { watchCluster } from './cluster-watch.ts';
import { LeaderRecords } from './leader-records.ts';
import type { Lease } from './lease.ts';
import type { WriteQueue } from './write-queue.ts';

/** A change is at most two operations; with the condition on the term a transaction stays under etcd's limit. */
const changesPerTransaction = 60;

export interface CampaignInput {
  readonly agent: string;
  readonly lease: Lease;
  readonly writeQueue: WriteQueue;
  readonly kv: EtcdKv;
  readonly clock: Clock;
  readonly keys: Keys;
}

/** The leader is the agent that created the single leadership key, under its lease; the create revision is the term. */
export async function campaign(input: CampaignInput, signal: AbortSignal): Promise<Leadership> {
  const ends = AbortSignal.any([signal, input.lease.signal]);
  const seat = new Seat(input);
  try {
    for (;;) {
      ends.throwIfAborted();
      const term = await takeSeat(input);
      if (term !== undefined) return new EtcdLeadership(input, seat, term);
      await input.clock.sleep(watchCatchesUpMs, ends);
      await seat.until((holder) => holder === undefined, ends);
    }
  } catch (error) {
    await seat.close();
    throw error;
  }
}

/** Returns the term if this agent is now the leader. */
async function takeSeat({ keys, lease, writeQueue, agent }: CampaignInput): Promise<bigint | undefined> {
  const key = keys.leader;
  const value = JSON.stringify({ agent } satisfies LeaderRecord);
  const receipt = await writeQueue.send({
    write: () => ({
      compare: [{ key, create: 0n }],
      success: [{ kind: 'put', key, value, lease: lease.id }],
      failure: [{ kind: 'get', key }],
    }),
  });
  if (receipt?.succeeded) return receipt.revision;
  const held = receipt?.results[0]?.pairs?.[0];
  return held?.lease === lease.id ? held.createRevision : undefined;
}

/** The leadership key, as a watch shows it. */
class Seat {
  readonly #watch: Reflector;
  readonly #changed = new ChangeSignal();
  #holder: KeyValue | undefined;

  constructor({ kv, keys }: CampaignInput) {
    this.#watch = new Reflector(kv, keys.leader, {
      onPut: (pair) => {
        this.#holder = pair;
      },
      onDelete: () => {
        this.#holder = undefined;
      },
      onSettled: () => this.#changed.notify(),
      onError() {},
    });
  }

  async until(condition: (holder: KeyValue | undefined) => boolean, signal: AbortSignal): Promise<void> {
    await this.#changed.until(() => condition(this.#holder), signal);
  }

  async close(): Promise<void> {
    await this.#watch.close();
  }
}

class EtcdLeadership implements Leadership {
  readonly term: string;
  readonly signal: AbortSignal;
  readonly #input: CampaignInput;
  readonly #seat: Seat;
  readonly #revision: bigint;
  readonly #unassigned: LeaderRecords;
  readonly #end = new AbortController();

  constructor(input: CampaignInput, seat: Seat, term: bigint) {
    this.term = String(term);
    this.#input = input;
    this.#seat = seat;
    this.#revision = term;
    const { kv, keys, lease } = input;
    this.#unassigned = new LeaderRecords(kv, keys.unassigned, lease.id);
    this.signal = AbortSignal.any([this.#end.signal, input.lease.signal]);
    this.#guard().catch(() => this.#lose());
  }

  watchCluster(listener: (change: ClusterChange) => void, onError: (error: Error) => void): ClusterWatching {
    return watchCluster(this.#input.kv, this.#input.keys, listener, onError);
  }

  async write(changes: readonly AssignmentChange[]): Promise<void> {
    for (let start = 0; start < changes.length; start += changesPerTransaction) {
      const operations = changes
        .slice(start, start + changesPerTransaction)
        .flatMap((change) => this.#operationsOf(change));
      await this.#write(operations);
    }
  }

  async reportUnassigned(syncs: readonly UnassignedSync[]): Promise<void> {
    const notes = new Map(syncs.map(({ uid, reason, message }) => [uid, { reason, message }]));
    await this.#unassigned.publish(notes, (operations) => this.#write(operations));
  }

  async resign(): Promise<void> {
    if (this.signal.aborted) return;
    const seat = { kind: 'delete', key: this.#input.keys.leader } as const;
    await this.#write([this.#unassigned.retraction, seat]).catch((error: unknown) => {
      // It was lost before it was resigned, which has the same result.
      if (!this.signal.aborted) throw error;
    });
    this.#lose();
  }

  async #write(success: readonly Operation[]): Promise<void> {
    if (this.signal.aborted) throw this.#lost();
    const compare = [{ key: this.#input.keys.leader, create: this.#revision }];
    const receipt = await this.#input.writeQueue.send({ write: () => ({ compare, success }) });
    if (receipt?.succeeded) return;
    this.#lose();
    throw this.#lost();
  }

  #operationsOf(change: AssignmentChange): Operation[] {
    const { keys } = this.#input;
    if (change.kind === 'remove') return [{ kind: 'delete', key: keys.assignment(change.from, change.uid) }];
    const { assignment, from } = change;
    const key = keys.assignment(assignment.agent, assignment.uid);
    const put: Operation = { kind: 'put', key, value: JSON.stringify(assignment) };
    if (from === undefined || from === assignment.agent) return [put];
    // In one transaction, so that there are never two owners.
    return [{ kind: 'delete', key: keys.assignment(from, assignment.uid) }, put];
  }

  /** Waits until the key is deleted, or belongs to another agent. */
  async #guard(): Promise<void> {
    try {
      await this.#seat.until((holder) => holder?.createRevision === this.#revision, this.signal);
      await this.#seat.until((holder) => holder?.createRevision !== this.#revision, this.signal);
      this.#lose();
    } finally {
      await this.#seat.close();
    }
  }

  #lose(): void {
    this.#end.abort(new Stopped('lock-lost'));
  }

  #lost(): Error {
    return fenced(`the leadership of ${this.#input.agent} in term ${this.term} is lost`);
  }
}
