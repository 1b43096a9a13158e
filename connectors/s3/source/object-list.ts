import type { ObjectEntry, S3Session } from '../session.ts';

/** How many new objects are sorted by their time before they are read, and how long their keys may be together. */
const windowObjects = 10_000;
const windowKeyBytes = 4 * 1_024 ** 2;

export interface Window {
  /** In the order in which they were modified, then by key. */
  readonly objects: readonly ObjectEntry[];
  /** The last key that was looked at. */
  readonly lastKey: string | undefined;
  readonly isEnd: boolean;
}

export interface ListFacts {
  /** The latest time of an object so far. */
  newest: number;
  /** The clock of the server when the list began. */
  started: number | undefined;
}

/** Goes through the objects of a prefix in the order of their keys. Only those of one window are in memory, however many there are. */
export class ObjectList {
  readonly facts: ListFacts = { newest: 0, started: undefined };
  readonly #session: S3Session;
  readonly #prefix: string;
  #after: string | undefined;
  #page: readonly ObjectEntry[] = [];
  #at = 0;
  #isLast = false;

  constructor(session: S3Session, prefix: string, after?: string) {
    this.#session = session;
    this.#prefix = prefix;
    this.#after = after;
  }

  /** The next objects that are wanted. */
  async window(isWanted: (object: ObjectEntry) => boolean, signal: AbortSignal): Promise<Window> {
    const objects: ObjectEntry[] = [];
    let keyBytes = 0;
    while (objects.length < windowObjects && keyBytes < windowKeyBytes) {
      const object = await this.next(signal);
      if (!object) break;
      if (!isWanted(object)) continue;
      objects.push(object);
      keyBytes += 2 * object.key.length;
    }
    objects.sort(byTime);
    return { objects, lastKey: this.#after, isEnd: this.#isLast && this.#at === this.#page.length };
  }

  async next(signal: AbortSignal): Promise<ObjectEntry | undefined> {
    for (;;) {
      const object = this.#page[this.#at];
      if (object) {
        this.#at += 1;
        this.#after = object.key;
        if (!isData(object, this.#prefix)) continue;
        this.facts.newest = Math.max(this.facts.newest, object.modified);
        return object;
      }
      if (this.#isLast) return undefined;
      // By the last key and not by the server's token, which may end while the objects of a page are read.
      const { objects, next, now } = await this.#session.list(
        { prefix: this.#prefix, after: this.#after },
        signal,
      );
      this.facts.started ??= now;
      this.#page = objects;
      this.#at = 0;
      this.#isLast = next === undefined;
    }
  }
}

function byTime(one: ObjectEntry, other: ObjectEntry): number {
  return one.modified - other.modified || (one.key < other.key ? -1 : 1);
}

/**
 * Whether an object has rows: not a marker of a folder, and none of the names that tools for data lakes hide, which begin with `_` or a dot in
 * any part behind the prefix, except partitions (`_day=1`).
 */
export function isData({ key, size }: Pick<ObjectEntry, 'key' | 'size'>, prefix: string): boolean {
  if (key.endsWith('/') && size === 0) return false;
  return !key
    .slice(prefix.length)
    .split('/')
    .some((part) => part.startsWith('.') || (part.startsWith('_') && !part.includes('=')));
}
