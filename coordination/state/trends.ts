import { deflateRawSync, inflateRawSync } from 'node:zlib';
import {
  bytesOfPoint,
  decodePoint,
  encodePoint,
  type TrendKind,
  type TrendPoint,
  trendKinds,
} from '../../core/trend.ts';
import type { Trends, Watching } from '../contract.ts';
import type { EtcdKv } from '../etcd/kv.ts';
import type { KeyValue, Operation } from '../etcd/transport.ts';
import { Reflector } from '../etcd/watch.ts';
import type { Keys } from '../keys.ts';
import type { TrendSlot } from '../trends.ts';
import { parseRecord } from './records.ts';

/** The points of a slot, in the order of the uids of a list that many slots share: uids would take most of the space. */
interface SlotRecord {
  readonly list: string;
  readonly points: string;
}

/** A list is written again after this time, so that those that no slot needs any more can be deleted by their age. */
const listMs = 86_400_000;
const mostBytes = 1 << 20;

export function makeTrends(kv: EtcdKv, keys: Keys): Trends {
  const writers = new Map<string, ListWriter>();
  return {
    async write(slot) {
      const writer = writers.get(slot.agent) ?? new ListWriter(keys, slot.agent);
      writers.set(slot.agent, writer);
      const uids = [...slot.points.keys()].sort();
      const { name, operations } = writer.listOf(uids, slot.tick * trendKinds[slot.kind].stepMs);
      const record: SlotRecord = { list: name, points: packed(uids, slot.points) };
      const key = keys.trend(slot.kind, slot.tick, slot.agent);
      const put: Operation = { kind: 'put', key, value: JSON.stringify(record) };
      await kv.repeatableTxn({ compare: [], success: [...operations, put] });
      writer.written(name, uids);
    },
    watch: (listener, onError) => watch(kv, keys, listener, onError),
    async trim(nowMs) {
      const success = Object.entries(trendKinds).map(([kind, { stepMs, count }]): Operation => {
        const oldest = Math.floor(nowMs / stepMs) - count;
        return {
          kind: 'delete',
          key: keys.trendsOf(kind as TrendKind),
          end: keys.trend(kind as TrendKind, oldest, ''),
        };
      });
      const { stepMs, count } = trendKinds.coarse;
      const listsUntil = nowMs - stepMs * count - 2 * listMs;
      success.push({ kind: 'delete', key: keys.trendLists, end: keys.trendList(listsUntil, '') });
      await kv.repeatableTxn({ compare: [], success });
    },
  };
}

/** Writes the list of uids of an agent when it differs from the last one. */
class ListWriter {
  readonly #keys: Keys;
  readonly #agent: string;
  #last: { readonly name: string; readonly text: string; readonly atMs: number } | undefined;
  #next: { readonly name: string; readonly text: string; readonly atMs: number } | undefined;

  constructor(keys: Keys, agent: string) {
    this.#keys = keys;
    this.#agent = agent;
  }

  listOf(
    uids: readonly string[],
    nowMs: number,
  ): { readonly name: string; readonly operations: Operation[] } {
    const text = JSON.stringify(uids);
    if (this.#last?.text === text && nowMs - this.#last.atMs < listMs)
      return { name: this.#last.name, operations: [] };
    const key = this.#keys.trendList(nowMs, this.#agent);
    const name = key.slice(this.#keys.trendLists.length);
    this.#next = { name, text, atMs: nowMs };
    return { name, operations: [{ kind: 'put', key, value: text }] };
  }

  /** Only what is known to be stored is referred to. */
  written(name: string, uids: readonly string[]): void {
    if (this.#next?.name === name && this.#next.text === JSON.stringify(uids)) this.#last = this.#next;
  }
}

function packed(uids: readonly string[], points: ReadonlyMap<string, TrendPoint>): string {
  const bytes = Buffer.alloc(uids.length * bytesOfPoint);
  for (const [index, uid] of uids.entries()) {
    const point = points.get(uid);
    if (point) bytes.set(encodePoint(point), index * bytesOfPoint);
  }
  return deflateRawSync(bytes).toString('base64');
}

/** Lists are before slots in the order of keys, and in each transaction. */
function watch(
  kv: EtcdKv,
  keys: Keys,
  listener: (slot: TrendSlot) => void,
  onError: (error: Error) => void,
): Watching {
  const lists = new Map<string, readonly string[]>();
  return new Reflector(kv, keys.trends, {
    onPut(pair) {
      if (pair.key.startsWith(keys.trendLists)) {
        lists.set(pair.key.slice(keys.trendLists.length), parseRecord<readonly string[]>(pair));
        return;
      }
      const slot = slotOf(keys, pair, lists);
      if (slot) listener(slot);
    },
    onDelete: (key) => lists.delete(key.slice(keys.trendLists.length)),
    onSettled() {},
    onError,
  });
}

function slotOf(
  keys: Keys,
  pair: KeyValue,
  lists: ReadonlyMap<string, readonly string[]>,
): TrendSlot | undefined {
  const [kind = '', tick = '', agent = ''] = pair.key.slice(keys.trends.length).split('/');
  if (kind !== 'fine' && kind !== 'coarse') return undefined;
  const { list, points } = parseRecord<SlotRecord>(pair, ['list', 'points']);
  const uids = lists.get(list);
  if (!uids) return undefined;
  const bytes = inflateRawSync(Buffer.from(points, 'base64'), { maxOutputLength: mostBytes });
  const decoded = uids.map(
    (uid, index) =>
      [uid, decodePoint(bytes[index * bytesOfPoint] ?? 0, bytes[index * bytesOfPoint + 1] ?? 0)] as const,
  );
  return { kind, tick: Number(tick), agent, points: new Map(decoded) };
}
