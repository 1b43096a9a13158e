import type { EtcdKv } from '../etcd/kv.ts';
import { underPrefix } from '../etcd/transport.ts';
import type { Keys } from '../keys.ts';
import type { AgentHold, Scheduling } from '../scheduling.ts';
import { writeDocument } from './documents.ts';
import { parseRecord, readRecords } from './records.ts';

export const holdFields = ['agent', 'mode', 'at', 'passWaitMs'] as const;

export function makeScheduling(kv: EtcdKv, keys: Keys): Scheduling {
  return {
    async holds() {
      const { pairs } = await kv.list(underPrefix(keys.holds));
      return readRecords(pairs, (pair) => parseRecord<AgentHold>(pair, holdFields));
    },
    async hold(hold) {
      await writeDocument(kv, { key: keys.hold(hold.agent), record: hold });
    },
    async release(agent) {
      const key = keys.hold(agent);
      if ((await kv.get(key)) === undefined) return false;
      await writeDocument(kv, { key, record: undefined });
      return true;
    },
  };
}
