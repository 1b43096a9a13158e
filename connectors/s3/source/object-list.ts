import { permanent } from '../../../core/errors.ts';
import { isReserved } from '../destination/commit-rows.ts';
import type { ObjectEntry, S3Session } from '../session.ts';

/** How many new objects are sorted by their time before they are read: the offset has those of them that were read. */
const windowObjects = 1_000;

export interface Window {
  /** In the order in which they were modified, then by key. */
  readonly objects: readonly ObjectEntry[];
  /** The last key that was looked at. */
  readonly lastKey: string | undefined;
  readonly isEnd: boolean;
}

/** Goes through the objects of a prefix in the order of their keys. Only those of one window are in memory, however many there are. */
export class ObjectList {
  readonly #session: S3Session;
  readonly #prefix: string;
  #after: string | undefined;
  #page: readonly ObjectEntry[] = [];
  #at = 0;
  #isLast = false;
  #next: string | undefined;
  #startedMs: number | undefined;

  constructor(session: S3Session, prefix: string, after?: string) {
    this.#session = session;
    this.#prefix = prefix;
    this.#after = after;
  }

  /** The next objects that are wanted. */
  async window(isWanted: (object: ObjectEntry) => boolean, signal: AbortSignal): Promise<Window> {
    const objects: ObjectEntry[] = [];
    while (objects.length < windowObjects) {
      const object = await this.next(signal);
      if (!object) break;
      if (isWanted(object)) objects.push(object);
    }
    objects.sort(byTime);
    return { objects, lastKey: this.#after, isEnd: this.#isLast && this.#at === this.#page.length };
  }

  /** The clock of the server when the list began. */
  async startedMs(signal: AbortSignal): Promise<number> {
    if (this.#startedMs === undefined) await this.#nextPage(signal);
    return this.#startedMs ?? Date.now();
  }

  async next(signal: AbortSignal): Promise<ObjectEntry | undefined> {
    for (;;) {
      const object = this.#page[this.#at];
      if (object) {
        this.#at += 1;
        this.#after = object.key;
        if (isData(object, this.#prefix)) return object;
      } else if (this.#isLast) return undefined;
      else await this.#nextPage(signal);
    }
  }

  /** Objects that are next, as far as they were listed: at most so many. */
  listed(count: number): readonly ObjectEntry[] {
    const page = this.#page.slice(this.#at, this.#at + count);
    return page.filter((object) => isData(object, this.#prefix));
  }

  /**
   * By the last key and not by the server's token, which may end while the objects of a page are read. Only a page without objects, as some
   * servers send, has no other place behind it.
   */
  async #nextPage(signal: AbortSignal): Promise<void> {
    const { where } = this.#session;
    const request = { prefix: this.#prefix, after: this.#after, next: this.#next };
    const { objects, next, now } = await this.#session.list(request, signal);
    requireOrder(objects, this.#after, where);
    const isEmpty = objects.length === 0 && next !== undefined;
    if (isEmpty && next === this.#next) throw unordered(where, 'an empty page behind the same empty page');
    this.#next = isEmpty ? next : undefined;
    this.#startedMs ??= now;
    this.#page = objects;
    this.#at = 0;
    this.#isLast = next === undefined;
  }
}

/** What is not in the order in which a list is continued would be passed over. Servers order keys by UTF-8, and some by UTF-16. */
function requireOrder(objects: readonly ObjectEntry[], after: string | undefined, where: string): void {
  let last = after;
  for (const { key } of objects) {
    if (last !== undefined && !(last < key || Buffer.compare(Buffer.from(last), Buffer.from(key)) < 0))
      throw unordered(where, `${key} behind ${last}`);
    last = key;
  }
}

function unordered(where: string, what: string): Error {
  return permanent('ListUnordered', `${where}: the server lists ${what}`, {
    path: 'spec.source.prefix',
    fix: 'use a bucket whose keys are listed in their order; directory buckets of AWS are not',
  });
}

function byTime(one: ObjectEntry, other: ObjectEntry): number {
  return one.modified - other.modified || (one.key < other.key ? -1 : 1);
}

/**
 * Whether an object has rows: not a marker of a folder, and none of the names that tools for data lakes hide, which begin with `_` or a dot in
 * any part behind the prefix, except partitions (`_day=1`).
 */
export function isData({ key, size }: Pick<ObjectEntry, 'key' | 'size'>, prefix: string): boolean {
  // Also where the prefix ends within a name: `a/_` has the manifests of `a/` below it.
  if (isReserved(key) || (key.endsWith('/') && size === 0)) return false;
  return !key
    .slice(prefix.length)
    .split('/')
    .some((part) => part.startsWith('.') || (part.startsWith('_') && !part.includes('=')));
}
