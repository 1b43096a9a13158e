import { hasCode } from '../etcd/errors.ts';
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
      try {
        const { pairs } = await kv.list(underPrefix(keys.holds));
        return readRecords(pairs, (pair) => parseRecord<AgentHold>(pair, holdFields));
      } catch (thrown) {
        // The rights are older than these keys: there can be none.
        if (hasCode(thrown, 'EtcdPermissionDenied')) return [];
        throw thrown;
      }
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
