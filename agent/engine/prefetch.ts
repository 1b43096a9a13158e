/** Asks for the next item before it hands on the last: reading overlaps writing, at most one ahead. */
export async function* readAhead<Item, End>(items: AsyncGenerator<Item, End>): AsyncGenerator<Item, End> {
  let next = items.next();
  try {
    for (;;) {
      const result = await next;
      if (result.done) return result.value;
      next = items.next();
      next.catch(() => {}); // it is awaited in the next turn, or given up below
      yield result.value;
    }
  } finally {
    await next.catch(() => {});
    await items.return(undefined as never).catch(() => {});
  }
}
