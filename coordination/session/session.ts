import type { Clock } from '../../core/clock.ts';
import { transient } from '../../core/errors.ts';
import type {
  Agent,
  AgentInfo,
  AgentSession,
  Assignment,
  JoinOptions,
  Leadership,
  Watching,
} from '../contract.ts';
import { hasCode } from '../etcd/errors.ts';
import type { EtcdKv } from '../etcd/kv.ts';
import { Reflector } from '../etcd/watch.ts';
import type { Keys } from '../keys.ts';
import { type AgentRecord, assignmentFields, parseRecord } from '../state/records.ts';
import { campaign } from './election.ts';
import { Lease } from './lease.ts';
import { LockWatch } from './lock-watch.ts';
import { RequestInbox } from './request-inbox.ts';
import { EtcdStore } from './store.ts';
import { WriteQueue } from './write-queue.ts';

/** Loads are weights for the balancer, so changes are not urgent. */
const loadsEveryMs = 10_000;

export interface SessionDeps {
  readonly kv: EtcdKv;
  readonly clock: Clock;
  readonly keys: Keys;
}

/** One lease, one key with the agent's record, and one that orders its writes. */
export async function joinAsAgent(
  deps: SessionDeps,
  agent: AgentInfo,
  options: JoinOptions,
): Promise<EtcdSession> {
  const { kv, clock, keys } = deps;
  const lease = await Lease.grant(kv.transport, clock, options.leaseTtlMs);
  const record: AgentRecord = { ...agent, joinedAt: new Date(clock.now()).toISOString(), isDraining: false };
  const [key, sessionKey] = [keys.agent(agent.name), keys.session(agent.name)];
  const under = { lease: lease.id } as const;
  try {
    // If executed twice, it finds its own keys; if late, the lease is revoked.
    const { succeeded, revision, results } = await kv.repeatableTxn(
      {
        compare: [
          { key, create: 0n },
          { key: sessionKey, create: 0n },
        ],
        success: [
          { kind: 'put', key, value: JSON.stringify(record), ...under },
          { kind: 'put', key: sessionKey, value: 'joined', ...under },
        ],
        failure: [{ kind: 'get', key }],
      },
      lease.signal,
    );
    const stored = results[0]?.pairs?.[0];
    if (!succeeded && stored?.lease !== lease.id)
      throw nameTaken(agent, stored && parseRecord<AgentRecord>(stored));
    const joined = succeeded ? revision : (stored?.modRevision ?? 0n);
    const writeQueue = new WriteQueue({
      transport: kv.transport,
      clock,
      lease,
      key: sessionKey,
      revision: joined,
    });
    return new EtcdSession(deps, lease, writeQueue, record);
  } catch (error) {
    await lease.revoke().catch(() => {});
    throw error;
  }
}

function nameTaken(agent: AgentInfo, other: AgentRecord | undefined): Error {
  const since = other === undefined ? '' : `, which joined at ${other.joinedAt}`;
  return transient('AgentNameTaken', `another agent has the name ${agent.name}${since}`, {
    fix: 'wait until its lease has expired, or give each agent a unique name (IDRA_AGENT_NAME)',
  });
}

export class EtcdSession implements AgentSession {
  readonly agent: AgentInfo;
  readonly store: EtcdStore;
  readonly #deps: SessionDeps;
  readonly #lease: Lease;
  readonly #writeQueue: WriteQueue;
  readonly #inbox: RequestInbox;
  readonly #locks: LockWatch;
  #record: AgentRecord;
  #loads: Agent['loads'] = {};
  #reportedLoads = '{}';
  #isReportingLoads = false;

  constructor(deps: SessionDeps, lease: Lease, writeQueue: WriteQueue, record: AgentRecord) {
    const { name, labels, version, instance } = record;
    this.agent = { name, labels, version, instance };
    this.#deps = deps;
    this.#lease = lease;
    this.#writeQueue = writeQueue;
    this.#record = record;
    this.#inbox = new RequestInbox(deps.kv, deps.keys);
    this.#locks = new LockWatch(deps.kv, deps.keys);
    this.store = new EtcdStore({ ...deps, agent: name, lease, writeQueue, inbox: this.#inbox });
    lease.signal.addEventListener('abort', () => this.#inbox.end(), { once: true });
  }

  get signal(): AbortSignal {
    return this.#lease.signal;
  }

  /** For other writes under this session: leadership, claims of probes. */
  get writeQueue(): WriteQueue {
    return this.#writeQueue;
  }

  get lease(): Lease {
    return this.#lease;
  }

  watchAssignments(
    listener: (assignments: ReadonlyMap<string, Assignment>) => void,
    onError: (error: Error) => void,
  ): Watching {
    const { kv, keys } = this.#deps;
    const assignments = new Map<string, Assignment>();
    return new Reflector(kv, keys.assignmentsOf(this.agent.name), {
      onPut: (pair) =>
        assignments.set(keys.lastPart(pair.key), parseRecord<Assignment>(pair, assignmentFields)),
      onDelete: (key) => assignments.delete(keys.lastPart(key)),
      onSettled: () => listener(new Map(assignments)),
      onError,
    });
  }

  async untilFree(uid: string, signal: AbortSignal): Promise<void> {
    await this.#locks.untilFree(uid, AbortSignal.any([signal, this.signal]));
  }

  leaseLeftMs(): number {
    return this.#lease.leftMs();
  }

  async setDraining(): Promise<void> {
    this.#record = { ...this.#record, isDraining: true };
    await this.#put(this.#deps.keys.agent(this.agent.name), this.#record);
  }

  setLoads(loads: Agent['loads'], midPass: readonly string[]): void {
    this.#loads = loads;
    void this.#reportPasses(midPass);
    if (!this.#isReportingLoads) void this.#reportLoads();
  }

  async campaign(signal: AbortSignal): Promise<Leadership> {
    return await campaign(
      { ...this.#deps, agent: this.agent.name, lease: this.#lease, writeQueue: this.#writeQueue },
      signal,
    );
  }

  async leave(): Promise<void> {
    await this.store.close();
    await this.#writeQueue.settle();
    await this.#lease.revoke().catch((error: unknown) => {
      // The lease expires by itself.
      if (!hasCode(error, 'EtcdUnavailable')) throw error;
    });
    await this.#inbox.close();
  }

  async #reportPasses(midPass: readonly string[]): Promise<void> {
    if (JSON.stringify(midPass) === JSON.stringify(this.#record.midPass ?? [])) return;
    this.#record = { ...this.#record, midPass };
    // Either the lease is lost and the key with it, or etcd refuses this write but may accept the next one.
    await this.#put(this.#deps.keys.agent(this.agent.name), this.#record, 'soon').catch(() => {});
  }

  async #reportLoads(): Promise<void> {
    this.#isReportingLoads = true;
    try {
      while (JSON.stringify(this.#loads) !== this.#reportedLoads && this.#lease.isAlive()) {
        this.#reportedLoads = JSON.stringify(this.#loads);
        await this.#put(this.#deps.keys.load(this.agent.name), this.#loads, 'soon');
        await this.#deps.clock.sleep(loadsEveryMs, this.signal);
      }
    } catch {
      // Either the lease is lost and the keys with it, or etcd refuses this write but may accept the next one.
    } finally {
      this.#isReportingLoads = false;
    }
  }

  async #put(key: string, record: object, urgency: 'now' | 'soon' = 'now'): Promise<void> {
    const value = JSON.stringify(record);
    const success = [{ kind: 'put', key, value, lease: this.#lease.id }] as const;
    await this.#writeQueue.send({ write: () => ({ compare: [], success }) }, urgency);
  }
}
