import {
  isSameRequest,
  type OffsetHistoryEntry,
  type Request,
  type RequestStatus,
} from '../../core/status.ts';
import type { Requests } from '../contract.ts';
import type { EtcdKv } from '../etcd/kv.ts';
import { type KeyValue, underPrefix } from '../etcd/transport.ts';
import type { Keys } from '../keys.ts';
import { parseRecord } from './records.ts';

/** Number of executed requests that are kept: enough to recognize a value that is still in an annotation. */
const keptAnswers = 50;

export function makeRequests(kv: EtcdKv, keys: Keys): Requests {
  return {
    async post(uid, request) {
      const answersKey = keys.answers(uid);
      const key = keys.request(uid, request.type, request.id);
      for (;;) {
        const stored = await kv.get(answersKey);
        if (answersIn(stored).some((each) => isSameRequest(each, request))) return false;
        const compare = [
          { key, create: 0n },
          // A request that is executed meanwhile, or was executed before this arrives, is not posted again.
          { key: answersKey, mod: stored?.modRevision ?? 0n },
        ];
        const value = JSON.stringify(request);
        const txn = {
          compare,
          success: [{ kind: 'put', key, value }],
          failure: [{ kind: 'get', key }],
        } as const;
        let isUnclear = false;
        const result = await kv.repeat(() =>
          kv.transport.txn(txn).catch((error: unknown) => {
            isUnclear = true;
            throw error;
          }),
        );
        if (result.succeeded) return true;
        if ((result.results[0]?.pairs ?? []).length > 0) return isUnclear;
      }
    },
    pending: (uid) => readPending(kv, keys, uid),
    async answers(uid) {
      const all = answersIn(await kv.get(keys.answers(uid)));
      return [...new Map(all.map((answer) => [answer.type, answer])).values()];
    },
    history: (uid) => readHistory(kv, keys, uid),
  };
}

/** Oldest first. */
export async function readPending(kv: EtcdKv, keys: Keys, uid: string): Promise<readonly Request[]> {
  const { pairs } = await kv.list(underPrefix(keys.requestsOf(uid)));
  return pairs.sort(byAge).map((pair) => parseRecord<Request>(pair));
}

export async function readHistory(kv: EtcdKv, keys: Keys, uid: string): Promise<OffsetHistoryEntry[]> {
  const pair = await kv.get(keys.history(uid));
  return pair === undefined ? [] : parseRecord<OffsetHistoryEntry[]>(pair);
}

export function answersIn(stored: KeyValue | undefined): readonly RequestStatus[] {
  return stored === undefined ? [] : parseRecord<RequestStatus[]>(stored);
}

/** The new list, with this status last. */
export function withAnswer(answers: readonly RequestStatus[], status: RequestStatus): RequestStatus[] {
  return [...answers.filter((each) => !isSameRequest(each, status)), status].slice(-keptAnswers);
}

export function byAge(a: KeyValue, b: KeyValue): number {
  return a.createRevision < b.createRevision ? -1 : a.createRevision > b.createRevision ? 1 : 0;
}
