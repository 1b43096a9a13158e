/**
 * As Promise.all, but nothing is under way any more when it fails: what was opened meanwhile can be closed. The error of the first in
 * the list is thrown, so that the same failure is always reported the same.
 */
export async function allSettled<T extends readonly unknown[]>(
  promises: readonly [...{ [K in keyof T]: Promise<T[K]> }],
): Promise<T> {
  const results: readonly PromiseSettledResult<unknown>[] = await Promise.allSettled(promises);
  return results.map((result) => {
    if (result.status === 'rejected') throw result.reason;
    return result.value;
  }) as unknown as T;
}
