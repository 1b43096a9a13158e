/** What identifies an item, and what it contains: 12 bytes of a hash, each as a character. */
export interface ItemHashes {
  /** Of its key, or of all of it. */
  readonly last: string;
  /** Of all of it. */
  readonly content: string;
}

/** How many items are remembered: more where pages are large. */
const [least, most, pages] = [2_000, 20_000, 4];

/** 32 bits each. */
const wordsPerHash = 3;

/**
 * The items of the last pages of a list. They are in arrays of numbers, and not objects: every item of a list passes through here, and many
 * small objects that live for some pages cost more than everything else that is done with an item.
 */
export class SeenItems {
  #limit: number = least;
  /** Identities as they were added, the oldest first; one that was added again is here several times. */
  #identities = new Int32Array(2 * least * wordsPerHash);
  #contents = new Int32Array(2 * least * wordsPerHash);
  /** Number of the request that each was in. */
  #requests = new Int32Array(2 * least);
  #count = 0;
  /** Where an identity was added last, plus one; 0: the place is free. An identity is at the first free place behind that of its first word. */
  #places = new Int32Array(placesFor(least));
  #distinct = 0;
  /** The item that was seen last. */
  newest: string | undefined;
  /** All items since the beginning of the list are remembered. */
  isWhole = true;

  /** Whether the last so many items before the newest one are remembered. */
  reachesBack(count: number): boolean {
    return this.isWhole || count <= this.#distinct;
  }

  has(last: string): boolean {
    return (this.#places[this.#placeOf(last)] ?? 0) > 0;
  }

  add({ last, content }: ItemHashes, request: number): void {
    // In one go, because removing the first element of a list moves all others.
    if (this.#count === 2 * this.#limit) this.#forget(this.#count - this.#limit);
    const index = this.#count++;
    for (let word = 0; word < wordsPerHash; word++) {
      this.#identities[index * wordsPerHash + word] = wordAt(last, word);
      this.#contents[index * wordsPerHash + word] = wordAt(content, word);
    }
    this.#requests[index] = request;
    this.#remember(this.#placeOf(last), index);
    this.newest = last;
  }

  /** `other`: it was seen, with another content. `twice`: in the same answer. */
  compare({ last, content }: ItemHashes, request: number): 'new' | 'same' | 'other' | 'twice' {
    const index = (this.#places[this.#placeOf(last)] ?? 0) - 1;
    if (index < 0) return 'new';
    if (isAt(this.#contents, index, content)) return 'same';
    return this.#requests[index] === request ? 'twice' : 'other';
  }

  /** Makes room for pages of this size. */
  fitPage(itemCount: number): void {
    const limit = Math.min(most, pages * itemCount);
    if (limit <= this.#limit) return;
    this.#limit = limit;
    this.#identities = enlarged(this.#identities, 2 * limit * wordsPerHash);
    this.#contents = enlarged(this.#contents, 2 * limit * wordsPerHash);
    this.#requests = enlarged(this.#requests, 2 * limit);
    this.#forget(0);
  }

  clear(): void {
    this.#forget(this.#count);
  }

  /** The first so many additions; those behind them move to the beginning. */
  #forget(count: number): void {
    if (count > 0) this.isWhole = false;
    this.#identities.copyWithin(0, count * wordsPerHash, this.#count * wordsPerHash);
    this.#contents.copyWithin(0, count * wordsPerHash, this.#count * wordsPerHash);
    this.#requests.copyWithin(0, count, this.#count);
    this.#count -= count;
    this.#places = new Int32Array(placesFor(this.#limit));
    this.#distinct = 0;
    for (let index = 0; index < this.#count; index++) {
      const at = index * wordsPerHash;
      const word = (number: number) => this.#identities[at + number] ?? 0;
      this.#remember(this.#find(word(0), word(1), word(2)), index);
    }
  }

  #remember(place: number, index: number): void {
    if (this.#places[place] === 0) this.#distinct += 1;
    this.#places[place] = index + 1;
  }

  #placeOf(identity: string): number {
    return this.#find(wordAt(identity, 0), wordAt(identity, 1), wordAt(identity, 2));
  }

  /** The place of an identity, or the free one that it would get. There are more places than identities. */
  #find(first: number, second: number, third: number): number {
    const mask = this.#places.length - 1;
    for (let place = first & mask; ; place = (place + 1) & mask) {
      const index = (this.#places[place] ?? 0) - 1;
      if (index < 0) return place;
      const at = index * wordsPerHash;
      const isSame =
        this.#identities[at] === first &&
        this.#identities[at + 1] === second &&
        this.#identities[at + 2] === third;
      if (isSame) return place;
    }
  }
}

/** At least four for each item, and a power of two. */
function placesFor(limit: number): number {
  return 2 ** Math.ceil(Math.log2(8 * limit));
}

function wordAt(hash: string, word: number): number {
  const at = word * 4;
  return (
    hash.charCodeAt(at) |
    (hash.charCodeAt(at + 1) << 8) |
    (hash.charCodeAt(at + 2) << 16) |
    (hash.charCodeAt(at + 3) << 24)
  );
}

function isAt(words: Int32Array, index: number, hash: string): boolean {
  const at = index * wordsPerHash;
  return (
    words[at] === wordAt(hash, 0) && words[at + 1] === wordAt(hash, 1) && words[at + 2] === wordAt(hash, 2)
  );
}

function enlarged(words: Int32Array, length: number): Int32Array<ArrayBuffer> {
  const larger = new Int32Array(length);
  larger.set(words);
  return larger;
}
