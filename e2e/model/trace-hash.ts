/** FNV-1a, twice, over the labels of all events in order: two runs with the same hash had the same course. */
export class TraceHash {
  #low = 0x811c9dc5;
  #high = 0xdeadbeef;

  add(label: string): void {
    let [low, high] = [this.#low, this.#high];
    for (let index = 0; index < label.length; index++) {
      const code = label.charCodeAt(index);
      low = Math.imul(low ^ code, 0x01000193);
      high = Math.imul(high ^ code, 0x85ebca6b);
    }
    this.#low = low ^ 10;
    this.#high = high ^ (high >>> 13) ^ 10;
  }

  /** 53 bits, which a number can hold. */
  get value(): number {
    return (this.#high & 0x1fffff) * 2 ** 32 + (this.#low >>> 0);
  }
}
