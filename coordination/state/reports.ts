import type { UnassignedReason } from '../../core/shown-status.ts';
import type { SyncStatus } from '../../core/status.ts';
import type { DataSourceReport, Reports } from '../contract.ts';
import type { EtcdReader } from '../etcd/kv.ts';
import { underPrefix } from '../etcd/transport.ts';
import { Reflector } from '../etcd/watch.ts';
import type { Keys } from '../keys.ts';
import { writeDocument } from './documents.ts';
import { parseRecord, readRecords, reportFields } from './records.ts';

export function makeReports(reader: EtcdReader, keys: Keys): Reports {
  return {
    async readStatus(uid) {
      const pair = await reader.get(keys.status(uid));
      return pair && parseRecord<SyncStatus>(pair);
    },
    async readStatuses() {
      const { pairs } = await reader.list(underPrefix(keys.statuses));
      return new Map(readRecords(pairs, (pair) => [keys.lastPart(pair.key), parseRecord<SyncStatus>(pair)]));
    },
    async readDataSources() {
      const { pairs } = await reader.list(underPrefix(keys.reports));
      return readRecords(pairs, (pair) => parseRecord<DataSourceReport>(pair, reportFields));
    },
    async readUnassigned() {
      const { pairs } = await reader.list(underPrefix(keys.unassigned));
      return new Map(
        readRecords(pairs, (pair) => [keys.lastPart(pair.key), parseRecord<UnassignedReason>(pair)]),
      );
    },
    watchUnassigned(listener, onError) {
      return new Reflector(reader, keys.unassigned, {
        onPut: (pair) => listener(keys.lastPart(pair.key), parseRecord<UnassignedReason>(pair)),
        onDelete: (key) => listener(keys.lastPart(key), undefined),
        onSettled() {},
        onError,
      });
    },
    async putDataSource(report) {
      await writeDocument(reader, { key: keys.report(report.namespace, report.name), record: report });
    },
    watchStatuses(listener, onError) {
      return new Reflector(reader, keys.statuses, {
        onPut: (pair) => listener(keys.lastPart(pair.key), parseRecord<SyncStatus>(pair)),
        onDelete: (key) => listener(keys.lastPart(key), undefined),
        onSettled() {},
        onError,
      });
    },
    watchDataSources(listener, onError) {
      return new Reflector(reader, keys.reports, {
        onPut: (pair) => listener(parseRecord<DataSourceReport>(pair, reportFields)),
        onDelete() {},
        onSettled() {},
        onError,
      });
    },
  };
}
