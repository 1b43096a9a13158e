import { createHash } from 'node:crypto';
import type { S3Session } from '../session.ts';
import { sequenceOf } from './batch-writer.ts';
import {
  type Manifest,
  type ObjectSet,
  readList,
  type SealedList,
  syncFolder,
  type WrittenObject,
} from './commit-rows.ts';

/** Above this a part of the list becomes an object of its own, so that a commit never writes a long list again. */
const maxListed = 2_000;
const sealedAtOnce = 1_000;
/** Readers that took the list before a Replace was complete may still read its objects. */
const obsoleteMs = 3_600_000;

/** The set with objects behind it. */
export function withObjects({ objects, lists }: ObjectSet, added: readonly WrittenObject[]): ObjectSet {
  return { objects: [...objects, ...added], lists };
}

/** Moves the oldest objects of a long list into an object of their own. What is written before the commit is of no use without it. */
export async function sealed(
  session: S3Session,
  prefix: string,
  uid: string,
  set: ObjectSet,
  signal: AbortSignal,
): Promise<ObjectSet> {
  if (set.objects.length <= maxListed) return set;
  const moved = set.objects.slice(0, sealedAtOnce);
  const sequences = moved.map(({ key }) => sequenceOf(key, uid) ?? 0);
  const [first, last] = [Math.min(...sequences), Math.max(...sequences)];
  const bytes = Buffer.from(JSON.stringify(moved));
  // An owner that lost the Sync may write a list of the same commits, with objects of its own: it must not be this one.
  const name = `${first}-${last}-${createHash('sha256').update(bytes).digest('hex').slice(0, 16)}`;
  const key = `${syncFolder(prefix, uid)}list-${name}.json`;
  await session.put(key, bytes, { contentType: 'application/json' }, signal);
  const list: SealedList = {
    key,
    objects: moved.length,
    rows: moved.reduce((sum, each) => sum + each.rows, 0),
    first,
    last,
  };
  return { objects: set.objects.slice(sealedAtOnce), lists: [...set.lists, list] };
}

/** Deletes obsolete objects that no reader can need any more; returns what is still obsolete. */
export async function deleteObsolete(
  session: S3Session,
  { obsolete = [] }: Manifest,
  nowMs: number,
  signal: AbortSignal,
): Promise<NonNullable<Manifest['obsolete']>> {
  const isDue = ({ since }: { readonly since: string }) => nowMs - Date.parse(since) > obsoleteMs;
  for (const set of obsolete.filter(isDue)) await deleteSet(session, set, signal);
  return obsolete.filter((set) => !isDue(set));
}

export async function deleteSet(
  session: S3Session,
  { objects, lists }: ObjectSet,
  signal: AbortSignal,
): Promise<void> {
  for (const { key } of lists) {
    const listed = await session.readWhole(key, 64 * 1_024 ** 2, signal);
    if (listed)
      await session.remove(
        (await readList(session, key, signal)).map((each) => each.key),
        signal,
      );
  }
  await session.remove(
    [...objects, ...lists].map(({ key }) => key),
    signal,
  );
}

/** Heads that are requested at the same time. */
const concurrentHeads = 16;

/** Rows in objects of the set that are as they were written. */
export async function intactRows(session: S3Session, set: ObjectSet, signal: AbortSignal): Promise<number> {
  let rows = 0;
  const count = async (objects: readonly WrittenObject[]) => {
    for (let from = 0; from < objects.length; from += concurrentHeads) {
      const some = objects.slice(from, from + concurrentHeads);
      const heads = await Promise.all(some.map(({ key }) => session.head(key, signal)));
      rows += some.reduce((sum, each, index) => sum + (heads[index]?.size === each.bytes ? each.rows : 0), 0);
    }
  };
  for (const { key } of set.lists) await count(await readList(session, key, signal));
  await count(set.objects);
  return rows;
}
