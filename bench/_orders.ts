import type { Row } from '../core/values.ts';

export interface Cost {
  readonly ms: number;
  readonly cpuMs: number;
}

/** Time, and CPU of this process, which other load of the machine changes less. */
export async function cost(body: () => Promise<void>): Promise<Cost> {
  const [startMs, before] = [performance.now(), process.cpuUsage()];
  await body();
  const { user, system } = process.cpuUsage(before);
  return { ms: performance.now() - startMs, cpuMs: (user + system) / 1_000 };
}

/** id int64, customer int32, status text, amount decimal(12,2), note text. */
export function orderOf(id: number): Row {
  return [
    BigInt(id),
    id % 10_000,
    id % 3 === 0 ? 'paid' : 'new',
    `${id % 1_000}.${String(id % 100).padStart(2, '0')}`,
    `order ${id} of a customer`,
  ];
}
