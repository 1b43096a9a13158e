/**
 * Like Promise.all, but waits for all promises before it fails, so that resources opened meanwhile can be closed. The error of the first
 * failure in list order is thrown, so that the same failure is always reported the same way.
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
