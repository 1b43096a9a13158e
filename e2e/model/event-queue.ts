/** The process in which an event happens. */
export interface EventOwner {
  readonly name: string;
  /** Returns true if the event happens later, or never. */
  holds(event: ModelEvent): boolean;
}

/** Something that will happen at a moment of the model's time. */
export interface ModelEvent {
  atMs: number;
  order: number;
  /** It does not happen while its process is paused, and never after the process has ended. */
  readonly owner: EventOwner | undefined;
  readonly label: string;
  readonly run: () => void;
  isCancelled: boolean;
}

/** Events by time, and for the same moment in the order in which they were requested: a binary heap. */
export class EventQueue {
  readonly #heap: ModelEvent[] = [];

  push(event: ModelEvent): void {
    const heap = this.#heap;
    let index = heap.push(event) - 1;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      const above = heap[parent];
      if (above === undefined || isBefore(above, event)) break;
      heap[index] = above;
      index = parent;
    }
    heap[index] = event;
  }

  peek(): ModelEvent | undefined {
    return this.#heap[0];
  }

  pop(): ModelEvent | undefined {
    const heap = this.#heap;
    const first = heap[0];
    const last = heap.pop();
    if (last !== undefined && last !== first) this.#sink(last);
    return first;
  }

  #sink(event: ModelEvent): void {
    const heap = this.#heap;
    let index = 0;
    for (;;) {
      let child = 2 * index + 1;
      const [left, right] = [heap[child], heap[child + 1]];
      if (left === undefined) break;
      let smaller = left;
      if (right !== undefined && isBefore(right, left)) {
        smaller = right;
        child += 1;
      }
      if (isBefore(event, smaller)) break;
      heap[index] = smaller;
      index = child;
    }
    heap[index] = event;
  }
}

function isBefore(a: ModelEvent, b: ModelEvent): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);
}
