/**
 * What identifies an item, and what it contains: 12 bytes of a hash, each as a character. Many thousands are remembered, so they are texts that
 * have no other text behind them.
 */
export interface ItemHashes {
  /** Of its key, or of all of it. */
  readonly last: string;
  /** Of all of it. */
  readonly content: string;
}

/** How many items are remembered: more where pages are large. */
const [least, most, pages] = [2_000, 20_000, 4];

/** The items of the last pages of a list. */
export class SeenItems {
  /** The number of the last addition, by identity. */
  readonly #items = new Map<string, number>();
  /** Identities as they were added, the oldest first; one that was added again is here several times. */
  #added: string[] = [];
  /** The same for their contents, and for the number of the request that they were in. */
  #contents: string[] = [];
  #requests: number[] = [];
  /** Number of the first of them. */
  #firstNr = 0;
  #limit: number = least;
  /** The item that was seen last. */
  newest: string | undefined;
  /** All items since the beginning of the list are remembered. */
  isWhole = true;

  /** Whether the last so many items before the newest one are remembered. */
  reachesBack(count: number): boolean {
    return this.isWhole || count <= this.#items.size;
  }

  has(last: string): boolean {
    return this.#items.has(last);
  }

  add({ last, content }: ItemHashes, request: number): void {
    this.#items.set(last, this.#firstNr + this.#added.length);
    this.#added.push(last);
    this.#contents.push(content);
    this.#requests.push(request);
    this.newest = last;
    // In one go, because removing the first element of a list moves all others.
    if (this.#added.length > 2 * this.#limit) this.#forget();
  }

  #forget(): void {
    const count = this.#added.length - this.#limit;
    for (const [index, last] of this.#added.slice(0, count).entries())
      if (this.#items.get(last) === this.#firstNr + index) this.#items.delete(last);
    this.#added = this.#added.slice(count);
    this.#contents = this.#contents.slice(count);
    this.#requests = this.#requests.slice(count);
    this.#firstNr += count;
    this.isWhole = false;
  }

  /** `other`: it was seen, with another content. `twice`: in the same answer. */
  compare({ last, content }: ItemHashes, request: number): 'new' | 'same' | 'other' | 'twice' {
    const nr = this.#items.get(last);
    if (nr === undefined) return 'new';
    const index = nr - this.#firstNr;
    if (this.#contents[index] === content) return 'same';
    return this.#requests[index] === request ? 'twice' : 'other';
  }

  /** Makes room for pages of this size. */
  fitPage(itemCount: number): void {
    this.#limit = Math.max(this.#limit, Math.min(most, pages * itemCount));
  }

  clear(): void {
    this.#items.clear();
    this.#added = [];
    this.#contents = [];
    this.#requests = [];
  }
}
