/** One that waits. */
export interface InLine {
  readonly namespace: string;
  readonly sinceMs: number;
}

/** Most Syncs need two connections, and one alone is of no use: a turn that served one would let many Syncs wait for their second. */
const servedPerTurn = 2;

interface Line<W> {
  readonly waiting: W[];
  servedInTurn: number;
}

/**
 * Those that wait, served by turns of their namespaces, and within a namespace in order of arrival: whoever waits does so for at most a
 * turn of each other namespace, however many wait in it.
 */
export class NamespaceTurns<W extends InLine> {
  /** The namespace whose turn it is comes first. */
  readonly #lines = new Map<string, Line<W>>();

  get first(): W | undefined {
    const [line] = this.#lines.values();
    return line?.waiting[0];
  }

  get oldestSinceMs(): number {
    return Math.min(...[...this.#lines.values()].flatMap(({ waiting: [oldest] }) => oldest?.sinceMs ?? []));
  }

  get namespaces(): readonly string[] {
    return [...this.#lines.keys()];
  }

  add(waiter: W): void {
    const line = this.#lines.get(waiter.namespace) ?? { waiting: [], servedInTurn: 0 };
    line.waiting.push(waiter);
    this.#lines.set(waiter.namespace, line);
  }

  /** False: it does not wait any more. */
  remove(waiter: W): boolean {
    const { namespace } = waiter;
    const line = this.#lines.get(namespace);
    const at = line?.waiting.indexOf(waiter) ?? -1;
    if (!line || at < 0) return false;
    line.waiting.splice(at, 1);
    if (line.waiting.length === 0) this.#lines.delete(namespace);
    return true;
  }

  /** Removes the first, because it is served. */
  shift(): W | undefined {
    const { first } = this;
    const line = first && this.#lines.get(first.namespace);
    if (!line) return undefined;
    this.remove(first);
    line.servedInTurn += 1;
    if (line.waiting.length > 0 && line.servedInTurn >= servedPerTurn) {
      line.servedInTurn = 0;
      this.#lines.delete(first.namespace);
      this.#lines.set(first.namespace, line);
    }
    return first;
  }
}
