/** What one item of a namespace takes. */
export interface Taken {
  readonly namespace: string;
  readonly amount: number;
}

/**
 * The items of the namespace that takes most in all, in their order: where something has to give way, nobody who takes little gives way to
 * somebody who takes much.
 */
export function ofNamespaceWithMost<T>(items: readonly T[], takenBy: (item: T) => Taken): T[] {
  const sums = new Map<string, number>();
  for (const item of items) {
    const { namespace, amount } = takenBy(item);
    sums.set(namespace, (sums.get(namespace) ?? 0) + amount);
  }
  const most = Math.max(...sums.values());
  return items.filter((item) => sums.get(takenBy(item).namespace) === most);
}
