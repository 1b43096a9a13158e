/** `1 row`, `2 rows`. */
export function counted(count: number | bigint, noun: string): string {
  return `${count} ${noun}${Number(count) === 1 ? '' : 's'}`;
}

/** `1 row was`, `2 rows were`: for passive sentences. */
export function countedWere(count: number | bigint, noun: string): string {
  return `${counted(count, noun)} ${Number(count) === 1 ? 'was' : 'were'}`;
}
