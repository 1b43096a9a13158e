import type { Row } from '../core/values.ts';
import { judge, median } from './_postgres.ts';

/** Idra is at least this fast, compared with a bare loop of the driver. */
const least = 0.7;

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

interface Size {
  readonly rows: number;
  readonly pairs: number;
  /** Only report the ratios: there is no limit. */
  readonly isReported?: true;
}

/** Both run alternately, which of them first alternates, too. Judges the medians of time and CPU. */
export async function compare(
  name: string,
  { rows, pairs, isReported }: Size,
  driver: () => Promise<Cost>,
  idra: () => Promise<Cost>,
): Promise<void> {
  const [times, cpus]: [number[], number[]] = [[], []];
  for (let nr = 0; nr < pairs; nr++) {
    const isFirst = nr % 2 === 0;
    const one = isFirst ? await driver() : await idra();
    const other = isFirst ? await idra() : await driver();
    const [bare, ours] = isFirst ? [one, other] : [other, one];
    times.push(ours.ms / bare.ms);
    cpus.push(ours.cpuMs / bare.cpuMs);
    const shown = ({ ms, cpuMs }: Cost) =>
      `${(ms / 1_000).toFixed(2)} s (CPU ${(cpuMs / 1_000).toFixed(2)} s)`;
    const rss = Math.round(process.memoryUsage().rss / 2 ** 20);
    console.log(`  ${name}: driver ${shown(bare)}, idra ${shown(ours)}, rss ${rss} MiB`);
  }
  for (const [what, ratios] of [
    ['time', times],
    ['CPU', cpus],
  ] as const) {
    const figure = `${name}, ${rows} rows: ${what} of idra to that of the driver`;
    if (isReported) console.log(`       ${figure}: ${median(ratios).toFixed(2)}`);
    else judge(figure, median(ratios), 1 / least);
  }
}

/** Peak memory of a process that moves a quarter of the rows, and all of them: it does not grow with their number. */
export async function judgeMemory(
  name: string,
  rows: number,
  limitMiB: number,
  peakOf: (rows: number) => Promise<number>,
): Promise<void> {
  const [few, all] = [await peakOf(rows / 4), await peakOf(rows)];
  judge(`${name}, ${rows} rows, peak`, all / 2 ** 20, limitMiB, 'MiB');
  judge(`${name}, peak of ${rows} rows to that of ${rows / 4}`, all / few, 1.2);
}

/** Columns of `orderOf`, as a manifest names them. */
export const orderColumns: readonly { name: string; path: string; type: string; nullable: boolean }[] = [
  ...['id int64', 'customer int32', 'status text', 'amount decimal(12,2)', 'note text'],
].map((field) => {
  const [name = '', type = ''] = field.split(' ');
  return { name, path: name, type, nullable: true };
});
