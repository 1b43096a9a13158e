import type { UnassignedReason } from '../../core/effective-status.ts';
import type { SyncStatus } from '../../core/status.ts';
import type { DataSourceReport, Reports } from '../contract.ts';
import type { EtcdKv } from '../etcd/kv.ts';
import { underPrefix } from '../etcd/transport.ts';
import { Reflector } from '../etcd/watch.ts';
import type { Keys } from '../keys.ts';
import { writeDocument } from './documents.ts';
import { parseRecord, readRecords, reportFields } from './records.ts';

export function makeReports(kv: EtcdKv, keys: Keys): Reports {
  return {
    async readStatus(uid) {
      const pair = await kv.get(keys.status(uid));
      return pair && parseRecord<SyncStatus>(pair);
    },
    async readStatuses() {
      const { pairs } = await kv.list(underPrefix(keys.statuses));
      return new Map(readRecords(pairs, (pair) => [keys.lastPart(pair.key), parseRecord<SyncStatus>(pair)]));
    },
    async readDataSources() {
      const { pairs } = await kv.list(underPrefix(keys.reports));
      return readRecords(pairs, (pair) => parseRecord<DataSourceReport>(pair, reportFields));
    },
    async readUnassigned() {
      const { pairs } = await kv.list(underPrefix(keys.unassigned));
      return new Map(
        readRecords(pairs, (pair) => [keys.lastPart(pair.key), parseRecord<UnassignedReason>(pair)]),
      );
    },
    watchUnassigned(listener, onError) {
      return new Reflector(kv, keys.unassigned, {
        onPut: (pair) => listener(keys.lastPart(pair.key), parseRecord<UnassignedReason>(pair)),
        onDelete: (key) => listener(keys.lastPart(key), undefined),
        onSettled() {},
        onError,
      });
    },
    async putDataSource(report) {
      await writeDocument(kv, { key: keys.report(report.namespace, report.name), record: report });
    },
    watchStatuses(listener, onError) {
      return new Reflector(kv, keys.statuses, {
        onPut: (pair) => listener(keys.lastPart(pair.key), parseRecord<SyncStatus>(pair)),
        onDelete: (key) => listener(keys.lastPart(key), undefined),
        onSettled() {},
        onError,
      });
    },
    watchDataSources(listener, onError) {
      return new Reflector(kv, keys.reports, {
        onPut: (pair) => listener(parseRecord<DataSourceReport>(pair, reportFields)),
        onDelete() {},
        onSettled() {},
        onError,
      });
    },
  };
}
