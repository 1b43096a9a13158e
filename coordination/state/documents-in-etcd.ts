import { transient } from '../../core/errors.ts';
import type { DocumentStore, DocumentWrite, StoredDocument } from '../documents.ts';
import type { EtcdKv } from '../etcd/kv.ts';
import { type KeyValue, type Operation, underPrefix } from '../etcd/transport.ts';
import type { Keys } from '../keys.ts';
import { isSameRecord, parseRecord, readRecords } from './records.ts';

export function makeDocuments(kv: EtcdKv, keys: Keys): DocumentStore {
  const documentOf = (pair: KeyValue): StoredDocument => ({
    key: pair.key.slice(keys.documents.length),
    value: parseRecord(pair),
    version: String(pair.modRevision),
  });
  return {
    async get(key) {
      const pair = await kv.get(keys.document(key));
      return pair && documentOf(pair);
    },
    async getAll(names) {
      const success = names.map((name) => ({ kind: 'get', key: keys.document(name) }) as const);
      const { results } = await kv.repeatableTxn({ compare: [], success });
      return results.map(({ pairs }) => pairs?.[0] && documentOf(pairs[0]));
    },
    async list(prefix, { after, limit } = {}) {
      const range = underPrefix(keys.document(prefix));
      const key = after === undefined ? range.key : `${keys.document(after)}\0`;
      if (limit === undefined) return readRecords((await kv.list({ ...range, key })).pairs, documentOf);
      return readRecords((await kv.range({ ...range, key, limit })).pairs, documentOf);
    },
    write: (writes) => write(kv, keys, writes),
  };
}

/** A transaction whose answer was lost is sent again; that it was executed the first time is seen by what is stored. */
async function write(kv: EtcdKv, keys: Keys, writes: readonly DocumentWrite[]): Promise<void> {
  const compare = writes.flatMap(({ key, ifVersion }) =>
    ifVersion === undefined ? [] : [{ key: keys.document(key), mod: BigInt(ifVersion || 0) }],
  );
  const success = writes.map(
    ({ key, value }): Operation =>
      value === undefined
        ? { kind: 'delete', key: keys.document(key) }
        : { kind: 'put', key: keys.document(key), value: JSON.stringify(value) },
  );
  const failure = writes.map(({ key }) => ({ kind: 'get', key: keys.document(key) }) as const);
  let isUnclear = false;
  const result = await kv.repeat(() =>
    kv.transport.txn({ compare, success, failure }).catch((error: unknown) => {
      isUnclear = true;
      throw error;
    }),
  );
  if (result.succeeded) return;
  const stored = result.results.map(({ pairs }) => pairs?.[0]);
  if (isUnclear && writes.every((each, index) => isStored(each, stored[index]))) return;
  throw transient(
    'Conflict',
    `${writes.map(({ key }) => key).join(', ')} was changed by another process meanwhile`,
    {
      fix: 'read it again and retry',
    },
  );
}

function isStored({ value }: DocumentWrite, pair: KeyValue | undefined): boolean {
  if (pair === undefined || value === undefined) return pair === undefined && value === undefined;
  return isSameRecord(parseRecord(pair), JSON.parse(JSON.stringify(value)));
}
