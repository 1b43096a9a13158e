import { IdraError, permanent, transient } from '../../../core/errors.ts';
import {
  type ItemOptions,
  type ItemPlace,
  type ReadPage,
  readItems,
  type WalkedItem,
} from './item-reader.ts';
import { LoopCheck, pageRepeated } from './loop-check.ts';
import type { PagePosition, Paging } from './paging.ts';
import { SeenItems } from './seen-items.ts';

export interface WalkOptions extends ItemOptions {
  readonly paging: Paging;
  /**
   * The pass has each item once: one that changes meanwhile is not handed on again, and if the place of an interrupted pass is not found,
   * the pass restarts (PagesShifted).
   */
  readonly isSnapshot: boolean;
  /** Tests do not wait for the usual number of empty pages. */
  readonly mostEmpty?: number;
}

/** Pages that are remembered, to go back to. */
const mostHistory = 16;
/** A page may come again where items are inserted before it, and lists without a key may contain equal pages. */
const [mostEqualPages, mostEqualWithoutKey] = [5, 50];
const firstStepBack = 100;
/** In a row: an API that always names another page would be asked without end. */
const mostEmptyPages = 10_000;

/**
 * Reads a list page by page so that no item is lost that is in it all the while, also if others are added or removed meanwhile and the
 * pages shift (docs/http.md). Every request but the first must show an item that was seen before: those behind it in the list were not
 * skipped. Otherwise it goes back until one does. Items that are seen again as they were are left out, if they have a key.
 */
export class PageWalk {
  readonly #options: WalkOptions;
  readonly #seen = new SeenItems();
  #requests = 0;
  readonly #history: (Pick<Started, 'position'> & Pick<ReadPage, 'ends'>)[] = [];
  #equalPages = 0;
  #emptyPages = 0;

  constructor(options: WalkOptions) {
    this.#options = options;
  }

  /** As many at once as have arrived. `resume`: the last item that was handed on. */
  async *items(resume: ItemPlace | undefined, signal: AbortSignal): Items<void> {
    this.#seen.isWhole = resume === undefined;
    if (this.#options.paging.overlaps) {
      if (resume) this.#seen.add(resume, 0);
      yield* this.#overlapping(resume, signal);
      return;
    }
    const start = resume && (yield* this.#resumed(resume, signal));
    yield* this.#pages(start, signal);
  }

  /** Pages by offset: each request begins with the item before, so that a shift is seen in one answer. */
  async *#overlapping(resume: ItemPlace | undefined, signal: AbortSignal): Items<void> {
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
        const before = offset;
        offset = Math.max(0, offset - back);
        this.#requireRemembered(before - offset);
        isPlain = offset === 0;
        back *= 2;
        continue;
      }
      const page = yield* this.#handedOn(items, first);
      this.#requireProgress(page, digest);
      digest = page.digest;
      back = firstStepBack;
      const isMore = page.itemCount > (isPlain ? 0 : 1);
      // The end is an empty page: pages may be as small as one item.
      const mayEnd = isMore || isPlain;
      if (mayEnd && !this.#options.paging.next({ offset: start }, page, (url) => url)) return;
      offset = start + page.itemCount;
      isPlain = !isMore;
    }
  }

  /** All other kinds of pages. */
  async *#pages(start: Started | undefined, signal: AbortSignal): Items<void> {
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
      const { url: called } = page;
      const next = paging.next(position, page, (url) => reader.toPath(url, called));
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
  async *#recheck(signal: AbortSignal): Items<void> {
    for (const { position } of this.#history.toReversed()) {
      const items = this.#read(position, signal);
      const first = await items.next();
      const isSeen = this.#isSeen(first);
      yield* this.#handedOn(items, first, true);
      if (isSeen) return;
    }
    if (Object.keys(this.#history[0]?.position ?? {}).length === 0) return;
    throw this.#shifted('most of it changed while it was read');
  }

  #shifted(why: string): Error {
    return transient('PagesShifted', `${this.#options.reader.where}: the list has changed: ${why}`, {
      fix: 'nothing: it is read again from its beginning',
    });
  }

  /** The rest of the page in which an earlier pass stopped; undefined: the list is read from its beginning. */
  async *#resumed(resume: ItemPlace, signal: AbortSignal): Items<Started | undefined> {
    const items = this.#read(resume.at, signal);
    let count = 0;
    try {
      for (;;) {
        const next = await items.next();
        if (next.done) break;
        for (const [index, { place }] of next.value.entries()) {
          count += 1;
          this.#seen.add(place, this.#requests);
          // Without a key several items may be equal.
          const isLater = this.#options.keyOf === undefined && count < resume.done;
          if (place.last !== resume.last || isLater) continue;
          const rest = next.value.slice(index + 1);
          const first = rest.length > 0 ? { value: rest } : await items.next();
          const page = yield* this.#handedOn(items, first);
          return { position: resume.at, page };
        }
      }
    } catch (thrown) {
      const isMarker = resume.at.cursor !== undefined || resume.at.url !== undefined;
      if (count > 0 || !isMarker || !isRefused(thrown)) throw thrown;
      // A cursor that the API no longer knows.
    } finally {
      await items.return(undefined as never).catch(() => {});
    }
    if (this.#options.isSnapshot) throw this.#shifted('the place of the pass is not found in it');
    this.#seen.clear();
    return undefined;
  }

  /** Hands on the items that are new, or not as they were. `isAgain`: of a page that was read before. */
  async *#handedOn(items: Items<ReadPage>, first: NextItems, isAgain = false): Items<ReadPage> {
    const { newest } = this.#seen;
    try {
      for (let next = first; ; next = await items.next()) {
        if (next.done) {
          this.#seen.fitPage(next.value.itemCount);
          return next.value;
        }
        const fresh: WalkedItem[] = [];
        for (const [index, item] of next.value.entries()) {
          const { place } = item;
          // Without a key equal items may be different ones, but for the item by which two pages overlap.
          const isOverlap = next === first && index === 0 && place.last === newest;
          const isSame = this.#options.keyOf !== undefined || isAgain || isOverlap;
          const isKnown = isSame && this.#isKnown(place);
          this.#seen.add(place, this.#requests);
          if (!isKnown) fresh.push(item);
        }
        if (fresh.length > 0) yield fresh;
      }
    } finally {
      await items.return(undefined as never);
    }
  }

  #isKnown(place: ItemPlace): boolean {
    const { isSnapshot, reader } = this.#options;
    const compared = this.#seen.compare(place, this.#requests);
    if (isSnapshot && compared === 'twice') throw keyNotUnique(reader.where);
    return compared === 'same' || (isSnapshot && compared === 'other');
  }

  /** A Snapshot hands on no item twice, so it restarts where it would have to go back further than it remembers. */
  #requireRemembered(itemCount: number): void {
    if (this.#options.isSnapshot && !this.#seen.reachesBack(itemCount))
      throw this.#shifted('the place of the pass is not found in it');
  }

  #isSeen(first: NextItems): boolean {
    if (first.done) return false;
    const last = first.value[0]?.place.last ?? '';
    return this.#seen.has(last) || this.#history.some(({ ends }) => ends?.includes(last));
  }

  #read(at: PagePosition, signal: AbortSignal): Items<ReadPage> {
    this.#requests += 1;
    return readItems(this.#options, at, signal);
  }

  /** An API that does not know the parameter of a page returns the same one again and again. */
  #requireProgress({ itemCount, digest }: ReadPage, before: string | undefined): void {
    const isEqual = itemCount > 0 && digest === before;
    this.#equalPages = isEqual ? this.#equalPages + 1 : 0;
    this.#emptyPages = itemCount === 0 ? this.#emptyPages + 1 : 0;
    const { keyOf, reader, mostEmpty = mostEmptyPages } = this.#options;
    if (this.#emptyPages > mostEmpty)
      throw pageRepeated(reader.where, 'returns page after page without items');
    if (this.#equalPages > (keyOf ? mostEqualPages : mostEqualWithoutKey))
      throw pageRepeated(reader.where, 'returns the same page again');
  }
}

type Items<Result> = AsyncGenerator<readonly WalkedItem[], Result>;
type NextItems = IteratorResult<readonly WalkedItem[], ReadPage>;

interface Started {
  readonly position: PagePosition;
  readonly page: ReadPage;
}

function keyNotUnique(where: string): Error {
  return permanent('KeyNotUnique', `${where}: two items of one answer have the same key`, {
    path: 'spec.source.key',
    fix: 'name the fields that identify an item in source.key',
  });
}

function isRefused(thrown: unknown): boolean {
  return thrown instanceof IdraError && ['CallRefused', 'TableNotFound'].includes(thrown.code);
}
