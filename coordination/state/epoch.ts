import { permanent } from '../../core/errors.ts';
import { maxEpoch } from '../../core/token.ts';
import type { Epoch } from '../contract.ts';
import type { EtcdKv } from '../etcd/kv.ts';
import type { KeyValue } from '../etcd/transport.ts';
import type { Keys } from '../keys.ts';
import { writeDocument } from './documents.ts';
import { parseRecord } from './records.ts';

interface EpochRecord {
  readonly epoch: number;
}

export function makeEpoch(kv: EtcdKv, keys: Keys): Epoch {
  const stored = async () => {
    const pair = await kv.get(keys.epoch);
    return {
      epoch: pair === undefined ? 0 : parseRecord<EpochRecord>(pair).epoch,
      version: pair?.modRevision ?? '',
    };
  };
  return {
    async read() {
      return (await stored()).epoch;
    },
    async raise(atLeast) {
      const { epoch, version } = await stored();
      const raised = Math.max(epoch + 1, atLeast);
      if (raised > maxEpoch) {
        throw permanent(
          'EpochTooHigh',
          `the epoch ${raised} is above ${maxEpoch}, the highest that a token holds`,
        );
      }
      await writeDocument(kv, { key: keys.epoch, record: { epoch: raised }, ifVersion: String(version) });
      return raised;
    },
  };
}

export function epochIn(pair: KeyValue | undefined): number {
  return pair === undefined ? 0 : parseRecord<EpochRecord>(pair).epoch;
}
