import { createHash } from 'node:crypto';
import { IdraError, transient } from '../../../core/errors.ts';
import { type JsonValue, parseJson } from '../../../core/records/json-parser.ts';
import { LoopCheck, pageRepeated } from './loop-check.ts';
import type { PageReader, PageSummary } from './page-reader.ts';
import type { PagePosition, Paging } from './paging.ts';

/** Where an item is in the list. */
export interface ItemPlace {
  /** Its page; with `offset` the item itself. */
  readonly at: PagePosition;
  /** Items of the page up to it, itself included. */
  readonly done: number;
  /** Its identity: the hash of its key, or of all of it. */
  readonly last: string;
  /** The hash of all of it. */
  readonly content: string;
}

export interface WalkedItem {
  /** Undefined: it is not valid JSON. */
  readonly record: JsonValue | undefined;
  readonly bytes: number;
  readonly place: ItemPlace;
}

export interface WalkOptions {
  readonly reader: PageReader;
  readonly paging: Paging;
  /** Text of what identifies an item; undefined: nothing does. */
  readonly keyOf: ((record: JsonValue) => string) | undefined;
  readonly since: string | undefined;
}

interface ReadPage extends PageSummary {
  readonly itemCount: number;
  readonly lastItem: JsonValue | undefined;
  /** Of the identities of its items, in order. */
  readonly digest: string;
  /** Identities at its ends; undefined if it is empty. */
  readonly ends: readonly [first: string, last: string] | undefined;
}

/** How many items are remembered: more where pages are large. */
const [leastRemembered, mostRemembered, pagesRemembered] = [2_000, 20_000, 4];
/** Pages that are remembered, to go back to. */
const mostHistory = 16;
/** A page may come again where items are inserted before it, and lists without a key may contain equal pages. */
const [mostEqualPages, mostEqualWithoutKey] = [5, 50];
const firstStepBack = 100;

/**
 * Reads a list page by page so that no item is lost that is in it all the while, also if others are added or removed meanwhile and the
 * pages shift (docs/http.md). Every request but the first must show an item that was seen before: those behind it in the list were not
 * skipped. Otherwise it goes back until one does. Items that are seen again as they were are left out, if they have a key.
 */
export class PageWalk {
  readonly #options: WalkOptions;
  /** Content by identity, the oldest first. */
  readonly #seen = new Map<string, string>();
  readonly #history: (Pick<Started, 'position'> & Pick<ReadPage, 'ends'>)[] = [];
  #newest: string | undefined;
  #mostSeen: number = leastRemembered;
  #equalPages = 0;

  constructor(options: WalkOptions) {
    this.#options = options;
  }

  /** `resume`: the last item that was handed on. */
  async *items(resume: ItemPlace | undefined, signal: AbortSignal): AsyncGenerator<WalkedItem, void> {
    if (this.#options.paging.overlaps) {
      if (resume) this.#remember(resume);
      yield* this.#overlapping(resume, signal);
      return;
    }
    const start = resume && (yield* this.#resumed(resume, signal));
    yield* this.#pages(start, signal);
  }

  /** Pages by offset: each request begins with the item before, so that a shift is seen in one answer. */
  async *#overlapping(resume: ItemPlace | undefined, signal: AbortSignal): AsyncGenerator<WalkedItem, void> {
    let offset = resume ? (resume.at.offset ?? 0) + 1 : 0;
    let back = firstStepBack;
    /** Without the item before. */
    let isPlain = offset === 0;
    let digest: string | undefined;
    for (;;) {
      const start = isPlain ? offset : offset - 1;
      const items = this.#read({ offset: start }, signal);
      const first = await items.next();
      if (!isPlain && !this.#isSeen(first)) {
        await items.return(undefined as never);
        offset = Math.max(0, offset - back);
        isPlain = offset === 0;
        back *= 2;
        continue;
      }
      const page = yield* this.#handedOn(items, first);
      this.#requireProgress(page, digest);
      digest = page.digest;
      back = firstStepBack;
      const isMore = page.itemCount > (isPlain ? 0 : 1);
      if (isMore && !this.#options.paging.next({ offset: start }, page, (url) => url)) return;
      // The end is an empty page: pages may be as small as one item.
      if (!isMore && isPlain) return;
      offset = start + page.itemCount;
      isPlain = !isMore;
    }
  }

  /** All other kinds of pages. */
  async *#pages(start: Started | undefined, signal: AbortSignal): AsyncGenerator<WalkedItem, void> {
    const { paging, reader } = this.#options;
    const loop = new LoopCheck(reader.where);
    let position: PagePosition = start?.position ?? {};
    let page: ReadPage | undefined = start?.page;
    let digest: string | undefined;
    for (;;) {
      loop.require(position);
      if (!page) {
        const items = this.#read(position, signal);
        page = yield* this.#handedOn(items, await items.next());
        if (paging.isRechecked && this.#history.length > 0) yield* this.#recheck(signal);
      }
      this.#requireProgress(page, digest);
      digest = page.digest;
      const next = paging.next(position, page, (url) => reader.toPath(url));
      if (!next) return;
      this.#history.push({ position, ends: page.ends });
      if (this.#history.length > mostHistory) this.#history.shift();
      position = next;
      page = undefined;
    }
  }

  /**
   * Items may have moved to the page before this one, which was read earlier: it is read again, and those before it as long as none of
   * their items is known.
   */
  async *#recheck(signal: AbortSignal): AsyncGenerator<WalkedItem, void> {
    for (const { position } of this.#history.toReversed()) {
      const items = this.#read(position, signal);
      const first = await items.next();
      const isSeen = this.#isSeen(first);
      yield* this.#handedOn(items, first, true);
      if (isSeen) return;
    }
    if (Object.keys(this.#history[0]?.position ?? {}).length === 0) return;
    throw transient(
      'PagesShifted',
      `${this.#options.reader.where}: most of the list changed while it was read`,
      {
        fix: 'nothing: it is read again from its beginning',
      },
    );
  }

  /** The rest of the page in which an earlier pass stopped; undefined: the list is read from its beginning. */
  async *#resumed(resume: ItemPlace, signal: AbortSignal): AsyncGenerator<WalkedItem, Started | undefined> {
    const items = this.#read(resume.at, signal);
    let count = 0;
    try {
      for (;;) {
        const next = await items.next();
        if (next.done) break;
        count += 1;
        this.#remember(next.value.place);
        // Without a key several items may be equal.
        const isLater = this.#options.keyOf === undefined && count < resume.done;
        if (next.value.place.last !== resume.last || isLater) continue;
        const page = yield* this.#handedOn(items, await items.next());
        return { position: resume.at, page };
      }
    } catch (thrown) {
      const isMarker = resume.at.cursor !== undefined || resume.at.url !== undefined;
      if (count > 0 || !isMarker || !isRefused(thrown)) throw thrown;
      // A cursor that the API no longer knows.
    } finally {
      await items.return(undefined as never).catch(() => {});
    }
    this.#seen.clear();
    return undefined;
  }

  /** Hands on the items that are new, or not as they were. `isAgain`: of a page that was read before. */
  async *#handedOn(
    items: AsyncGenerator<WalkedItem, ReadPage>,
    first: IteratorResult<WalkedItem, ReadPage>,
    isAgain = false,
  ): AsyncGenerator<WalkedItem, ReadPage> {
    const newest = this.#newest;
    try {
      for (let next = first; ; next = await items.next()) {
        if (next.done) {
          const wanted = pagesRemembered * next.value.itemCount;
          this.#mostSeen = Math.max(this.#mostSeen, Math.min(mostRemembered, wanted));
          return next.value;
        }
        const { place } = next.value;
        // Without a key equal items may be different ones, but for the item by which two pages overlap.
        const isOverlap = next === first && place.last === newest;
        const isSame = this.#options.keyOf !== undefined || isAgain || isOverlap;
        const isKnown = isSame && this.#seen.get(place.last) === place.content;
        this.#remember(place);
        if (!isKnown) yield next.value;
      }
    } finally {
      await items.return(undefined as never);
    }
  }

  #isSeen(first: IteratorResult<WalkedItem, ReadPage>): boolean {
    if (first.done) return false;
    const { last } = first.value.place;
    return this.#seen.has(last) || this.#history.some(({ ends }) => ends?.includes(last));
  }

  #remember({ last, content }: Pick<ItemPlace, 'last' | 'content'>): void {
    this.#seen.delete(last);
    this.#seen.set(last, content);
    this.#newest = last;
    const [oldest] = this.#seen.keys();
    if (this.#seen.size > this.#mostSeen && oldest !== undefined) this.#seen.delete(oldest);
  }

  async *#read(at: PagePosition, signal: AbortSignal): AsyncGenerator<WalkedItem, ReadPage> {
    const { reader, since } = this.#options;
    const items = reader.read({ position: at, since }, signal);
    const digest = createHash('sha256');
    let itemCount = 0;
    let first: string | undefined;
    let last: WalkedItem | undefined;
    try {
      for (;;) {
        const next = await items.next();
        if (next.done) {
          const ends = first !== undefined && last ? ([first, last.place.last] as const) : undefined;
          return { ...next.value, itemCount, lastItem: last?.record, digest: digest.digest('base64'), ends };
        }
        last = this.#item(next.value, at, itemCount);
        itemCount += 1;
        first ??= last.place.last;
        digest.update(last.place.last);
        yield last;
      }
    } finally {
      await items.return(undefined as never);
    }
  }

  #item(bytes: Buffer, page: PagePosition, index: number): WalkedItem {
    const record = parsed(bytes);
    const content = hashOf(bytes);
    const { keyOf } = this.#options;
    const last = keyOf && record !== undefined ? hashOf(keyOf(record)) : content;
    const at = page.offset === undefined ? page : { offset: page.offset + index };
    return { record, bytes: bytes.length, place: { at, done: index + 1, last, content } };
  }

  /** An API that does not know the parameter of a page returns the same one again and again. */
  #requireProgress({ itemCount, digest }: ReadPage, before: string | undefined): void {
    const isEqual = itemCount > 0 && digest === before;
    this.#equalPages = isEqual ? this.#equalPages + 1 : 0;
    const { keyOf, reader } = this.#options;
    if (this.#equalPages > (keyOf ? mostEqualPages : mostEqualWithoutKey))
      throw pageRepeated(reader.where, 'returns the same page again');
  }
}

interface Started {
  readonly position: PagePosition;
  readonly page: ReadPage;
}

function isRefused(thrown: unknown): boolean {
  return thrown instanceof IdraError && ['CallRefused', 'TableNotFound'].includes(thrown.code);
}

function parsed(bytes: Buffer): JsonValue | undefined {
  try {
    return parseJson(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    return undefined;
  }
}

/** Short, because it is part of offsets. */
function hashOf(data: Buffer | string): string {
  return createHash('sha256').update(data).digest('base64').slice(0, 16);
}
