/** Keys by due time, earliest first: a binary heap that holds each key once. */
export class Delays {
  readonly #due = new Map<string, number>();
  readonly #heap: { readonly key: string; readonly dueMs: number }[] = [];

  get size(): number {
    return this.#due.size;
  }

  /** A key that is present already keeps the earlier of the two times. */
  set(key: string, dueMs: number): void {
    const known = this.#due.get(key);
    if (known !== undefined && known <= dueMs) return;
    this.#due.set(key, dueMs);
    this.#push({ key, dueMs });
  }

  delete(key: string): void {
    this.#due.delete(key);
  }

  clear(): void {
    this.#due.clear();
    this.#heap.length = 0;
  }

  /** The earliest due time. */
  next(): number | undefined {
    for (let top = this.#heap[0]; top !== undefined; top = this.#heap[0]) {
      if (this.#due.get(top.key) === top.dueMs) return top.dueMs;
      // Deleted or brought forward since.
      this.#pop();
    }
    return undefined;
  }

  /** Removes and returns all keys that are due, earliest first. */
  take(nowMs: number): string[] {
    const keys: string[] = [];
    for (let dueMs = this.next(); dueMs !== undefined && dueMs <= nowMs; dueMs = this.next()) {
      const top = this.#pop();
      if (top === undefined) break;
      this.#due.delete(top.key);
      keys.push(top.key);
    }
    return keys;
  }

  #push(entry: { key: string; dueMs: number }): void {
    const heap = this.#heap;
    let index = heap.push(entry) - 1;
    while (index > 0) {
      const above = (index - 1) >> 1;
      const parent = heap[above];
      if (parent === undefined || parent.dueMs <= entry.dueMs) break;
      heap[index] = parent;
      index = above;
    }
    heap[index] = entry;
  }

  #pop(): { key: string; dueMs: number } | undefined {
    const heap = this.#heap;
    const top = heap[0];
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return top;
    let index = 0;
    for (;;) {
      let below = 2 * index + 1;
      const [left, right] = [heap[below], heap[below + 1]];
      if (left === undefined) break;
      if (right !== undefined && right.dueMs < left.dueMs) below++;
      const child = heap[below];
      if (child === undefined || child.dueMs >= last.dueMs) break;
      heap[index] = child;
      index = below;
    }
    heap[index] = last;
    return top;
  }
}
