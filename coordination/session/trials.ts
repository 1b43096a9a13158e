import { permanent } from '../../core/errors.ts';
import type { Trial, Trials } from '../contract.ts';
import type { EtcdKv } from '../etcd/kv.ts';
import { underPrefix } from '../etcd/transport.ts';
import type { Keys } from '../keys.ts';
import { type AgentRecord, agentFields, parseRecord, readRecords } from '../state/records.ts';

interface TrialRecord extends Trial {
  /** ISO 8601 UTC. */
  readonly at: string;
}

const mostEnded = 2;
/** Afterwards one agent tries again: a server may have been fixed without a change of the DataSource. */
const quarantineMs = 10 * 60_000;

export function makeTrials(kv: EtcdKv, keys: Keys): Trials {
  const remove = async (trials: readonly Trial[]) => {
    const success = trials.map(({ dataSource, instance }) => ({
      kind: 'delete' as const,
      key: keys.trial(dataSource, instance),
    }));
    await kv.repeatableTxn({ compare: [], success });
  };
  return {
    async begin(trial) {
      const nowMs = kv.clock.now();
      const key = keys.trial(trial.dataSource, trial.instance);
      const record: TrialRecord = { ...trial, at: new Date(nowMs).toISOString() };
      const { results } = await kv.repeatableTxn({
        compare: [],
        success: [
          { kind: 'put', key, value: JSON.stringify(record) },
          { kind: 'get', ...underPrefix(keys.trialsOf(trial.dataSource)) },
          { kind: 'get', ...underPrefix(keys.agents) },
        ],
      });
      const [, records, agents] = results.map(({ pairs = [] }) => pairs);
      const alive = new Set(
        readRecords(agents ?? [], (pair) => parseRecord<AgentRecord>(pair, agentFields).instance),
      );
      const ended = readRecords(records ?? [], (pair) => parseRecord<TrialRecord>(pair))
        .filter(({ instance, identity }) => identity === trial.identity && instance !== trial.instance)
        .filter(({ instance }) => !alive.has(instance));
      const newestMs = Math.max(...ended.map(({ at }) => Date.parse(at)));
      if (ended.length >= mostEnded && nowMs - newestMs <= quarantineMs) {
        await remove([trial]);
        throw quarantined(trial.dataSource, ended);
      }
      return async () => await remove([trial, ...ended].slice(0, mostAtOnce));
    },
  };
}

/** Limit for one etcd transaction. */
const mostAtOnce = 100;

function quarantined(dataSource: string, ended: readonly TrialRecord[]): Error {
  const which = ended.map(({ agent, at }) => `${agent} at ${at}`).join(', ');
  return permanent(
    'DataSourceQuarantined',
    `${dataSource} is not opened for now: agents ended while opening it (${which})`,
    {
      fix: `correct the DataSource, or the server behind it; Idra retries when its spec changes, or after ${quarantineMs / 60_000} minutes`,
    },
  );
}
