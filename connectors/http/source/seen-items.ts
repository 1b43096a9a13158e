/** What identifies an item, and what it contains. */
export interface ItemHashes {
  /** Of its key, or of all of it. */
  readonly last: string;
  /** Of all of it. */
  readonly content: string;
}

interface Seen {
  readonly content: string;
  /** Number of the request that it was in. */
  readonly request: number;
  /** Of its addition. */
  readonly nr: number;
}

/** How many items are remembered: more where pages are large. */
const [least, most, pages] = [2_000, 20_000, 4];

/** The items of the last pages of a list. */
export class SeenItems {
  /** By identity. */
  readonly #items = new Map<string, Seen>();
  /** Identities as they were added, the oldest first; one that was added again is here several times. */
  #added: string[] = [];
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
    this.#items.set(last, { content, request, nr: this.#firstNr + this.#added.length });
    this.#added.push(last);
    this.newest = last;
    // In one go, because removing the first element of a list moves all others.
    if (this.#added.length > 2 * this.#limit) this.#forget();
  }

  #forget(): void {
    const count = this.#added.length - this.#limit;
    for (const [index, last] of this.#added.slice(0, count).entries())
      if (this.#items.get(last)?.nr === this.#firstNr + index) this.#items.delete(last);
    this.#added = this.#added.slice(count);
    this.#firstNr += count;
    this.isWhole = false;
  }

  /** `other`: it was seen, with another content. `twice`: in the same answer. */
  compare({ last, content }: ItemHashes, request: number): 'new' | 'same' | 'other' | 'twice' {
    const seen = this.#items.get(last);
    if (!seen) return 'new';
    if (seen.content === content) return 'same';
    return seen.request === request ? 'twice' : 'other';
  }

  /** Makes room for pages of this size. */
  fitPage(itemCount: number): void {
    this.#limit = Math.max(this.#limit, Math.min(most, pages * itemCount));
  }

  clear(): void {
    this.#items.clear();
    this.#added = [];
  }
}
