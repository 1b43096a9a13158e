import { randomUUID } from 'node:crypto';
import { asIdraError, describeError, transient } from '../../core/errors.ts';
import { hasLabels, labelTexts } from '../../core/labels.ts';
import type { Probe, ProbeAnswer, Probes, Watching } from '../contract.ts';
import type { EtcdKv } from '../etcd/kv.ts';
import type { KeyValue } from '../etcd/transport.ts';
import { Reflector } from '../etcd/watch.ts';
import type { Keys } from '../keys.ts';
import { parseRecord } from '../state/records.ts';
import { ChangeSignal } from './change-signal.ts';
import { EtcdSession } from './session.ts';

/** Keys of a probe outlive its timeout by this, in case the asker is killed. */
const keptMs = 10_000;

export function makeProbes(kv: EtcdKv, keys: Keys): Probes {
  return {
    ask: (probe, timeoutMs, signal) => ask(kv, keys, { ...probe, id: randomUUID() }, timeoutMs, signal),
    answer: (session, labels, answerer, onError) => {
      if (!(session instanceof EtcdSession)) throw new TypeError('the session is not one of this etcd');
      return new Answering({ kv, keys, session, labels, answerer, onError });
    },
  };
}

async function ask(
  kv: EtcdKv,
  keys: Keys,
  probe: Probe,
  timeoutMs: number,
  signal?: AbortSignal,
): Promise<ProbeAnswer> {
  const { transport, clock } = kv;
  const lease = await kv.repeat(() => transport.grant(Math.ceil((timeoutMs + keptMs) / 1_000)), signal);
  const changed = new ChangeSignal();
  let answer: ProbeAnswer | undefined;
  const watch = new Reflector(kv, keys.probeAnswer(probe.id), {
    onPut: (pair) => {
      answer = parseRecord<ProbeAnswer>(pair);
    },
    onDelete() {},
    onSettled: () => changed.notify(),
    onError() {},
  });
  const over = new AbortController();
  const ends = AbortSignal.any([over.signal, ...(signal ? [signal] : [])]);
  const deadline = clock.sleep(timeoutMs, ends).then(
    () => over.abort(noAnswer(probe, timeoutMs)),
    () => {},
  );
  try {
    const put = { kind: 'put', key: keys.probe(probe.id), value: JSON.stringify(probe), lease } as const;
    await kv.repeatableTxn({ compare: [], success: [put] }, ends);
    await changed.until(() => answer !== undefined, ends);
  } catch (error) {
    if (signal?.aborted) throw noAnswer(probe, timeoutMs);
    throw error;
  } finally {
    over.abort();
    await Promise.all([deadline, watch.close(), transport.revoke(lease).catch(() => {})]);
  }
  if (answer === undefined) throw noAnswer(probe, timeoutMs);
  return answer;
}

function noAnswer({ kind, selector, agent }: Probe, timeoutMs: number): Error {
  const labels = labelTexts(selector);
  const any = agent === undefined ? 'no agent' : `agent ${agent}`;
  const whom = labels.length === 0 ? any : `no agent with the labels ${labels.join(', ')}`;
  return transient(
    'NoAgentAnswered',
    `${whom} has ${agent === undefined ? '' : 'not '}answered the ${kind} within ${Math.round(timeoutMs / 1_000)} s`,
    {
      fix: 'check that an agent is running (idra get agents) and can reach the system',
    },
  );
}

interface AnsweringInput {
  readonly kv: EtcdKv;
  readonly keys: Keys;
  readonly session: EtcdSession;
  readonly labels: Readonly<Record<string, string>>;
  readonly answerer: (probe: Probe) => Promise<unknown>;
  readonly onError: (error: Error) => void;
}

/** Claims each probe that this agent matches. If the agent that has claimed one dies, its claim is deleted and another agent takes it. */
class Answering implements Watching {
  readonly isSynced: Promise<void>;
  readonly #input: AnsweringInput;
  readonly #probes = new Map<string, KeyValue>();
  readonly #watches: readonly Reflector[];

  constructor(input: AnsweringInput) {
    this.#input = input;
    const { kv, keys, onError } = input;
    this.#watches = [
      new Reflector(kv, keys.probes, {
        onPut: (pair) => {
          this.#probes.set(keys.lastPart(pair.key), pair);
          this.#consider(keys.lastPart(pair.key));
        },
        onDelete: (key) => this.#probes.delete(keys.lastPart(key)),
        onSettled() {},
        onError,
      }),
      new Reflector(kv, keys.probeClaims, {
        onPut() {},
        onDelete: (key) => this.#consider(keys.lastPart(key)),
        onSettled() {},
        onError,
      }),
    ];
    this.isSynced = Promise.all(this.#watches.map((watch) => watch.isSynced)).then(() => {});
    this.isSynced.catch(() => {});
    input.session.signal.addEventListener('abort', () => void this.close(), { once: true });
  }

  async close(): Promise<void> {
    await Promise.all(this.#watches.map((watch) => watch.close()));
  }

  #consider(id: string): void {
    const pair = this.#probes.get(id);
    if (pair === undefined) return;
    const probe = parseRecord<Probe>(pair);
    if (probe.agent !== undefined && probe.agent !== this.#input.session.agent.name) return;
    if (!hasLabels(this.#input.labels, Object.entries(probe.selector))) return;
    this.#answer(probe, pair).catch((error: unknown) => {
      const { session, onError } = this.#input;
      if (!session.signal.aborted) onError(asIdraError(error));
    });
  }

  async #answer(probe: Probe, pair: KeyValue): Promise<void> {
    const { session, keys, answerer } = this.#input;
    const [claim, answerKey] = [keys.probeClaim(probe.id), keys.probeAnswer(probe.id)];
    const agent = session.agent.name;
    const still = { key: pair.key, create: pair.createRevision };
    const taken = await session.writeQueue.send({
      write: () => ({
        compare: [still, { key: claim, create: 0n }, { key: answerKey, create: 0n }],
        success: [{ kind: 'put', key: claim, value: JSON.stringify({ agent }), lease: session.lease.id }],
        failure: [{ kind: 'get', key: claim }],
      }),
    });
    // Already ours: the transaction was sent twice.
    if (!taken?.succeeded && taken?.results[0]?.pairs?.[0]?.lease !== session.lease.id) return;
    const answer = await answerer(probe).then(
      (result): ProbeAnswer => ({ id: probe.id, agent, result }),
      (thrown: unknown): ProbeAnswer => {
        const error = asIdraError(thrown);
        return { id: probe.id, agent, error: { code: error.code, message: describeError(error) } };
      },
    );
    // Under the asker's lease, so that an asker that stops waiting leaves nothing behind.
    const stored = { kind: 'put', key: answerKey, value: JSON.stringify(answer), lease: pair.lease } as const;
    const gone = { kind: 'delete', key: claim } as const;
    await session.writeQueue.send({
      write: () => ({ compare: [still], success: [stored, gone], failure: [gone] }),
    });
  }
}
