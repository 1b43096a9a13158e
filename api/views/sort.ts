import { permanent } from '../../core/errors.ts';
import { syncSorts, syncStates } from '../schemas/syncs.ts';
import type { SyncRowData } from './sync-row.ts';

type Sort = (typeof syncSorts)[number];

/** Numbers to sort by, smallest first; rows without one are last in both directions. */
const numeric: Partial<Readonly<Record<Sort, (row: SyncRowData) => number | undefined>>> = {
  state: (row) => syncStates.indexOf(row.state),
  lag: (row) => row.lagSeconds,
  rate: (row) => row.rowsPerSecond,
  rows: (row) => row.rows,
  lastSync: (row) => (row.lastSyncTime === undefined ? undefined : Date.parse(row.lastSyncTime)),
  created: (row) => Date.parse(row.createdAt),
};
const textual: Partial<Readonly<Record<Sort, (row: SyncRowData) => string>>> = {
  source: (row) => row.source.dataSource,
  destination: (row) => row.destination.dataSource,
  agent: (row) => row.agent,
};

/** The first `count` rows in this order (`-lag`: descending). Throws RequestMalformed (permanent). */
export function ordered(rows: SyncRowData[], sort: string, count: number): readonly SyncRowData[] {
  const isDescending = sort.startsWith('-');
  const name = syncSorts.find((each) => each === sort.replace(/^-/, ''));
  if (name === undefined) {
    throw permanent('RequestMalformed', `there is no order ${sort}`, {
      path: 'sort',
      fix: `use one of ${syncSorts.join(', ')}, with - before it for descending`,
    });
  }
  const compare = comparison(name, isDescending ? -1 : 1);
  return smallest(rows, compare, count);
}

type Compare = (a: SyncRowData, b: SyncRowData) => number;

function comparison(name: Sort, sign: 1 | -1): Compare {
  if (name === 'attention') return (a, b) => sign * (urgency(b) - urgency(a)) || byName(a, b);
  const number = numeric[name];
  if (number) {
    return (a, b) => {
      const [one, other] = [number(a), number(b)];
      if (one === undefined || other === undefined)
        return Number(one === undefined) - Number(other === undefined) || byName(a, b);
      return sign * (one - other) || byName(a, b);
    };
  }
  const text = textual[name];
  if (text) return (a, b) => sign * compareText(text(a), text(b)) || byName(a, b);
  return (a, b) => sign * byName(a, b);
}

/** Failed first, then lagging ones by their lag. */
function urgency({ attention, lagSeconds = 0 }: SyncRowData): number {
  return attention === 'failed' ? 1e12 : attention === 'lagging' ? 1e9 + lagSeconds : 0;
}

function byName(a: SyncRowData, b: SyncRowData): number {
  return compareText(a.namespace, b.namespace) || compareText(a.name, b.name) || compareText(a.uid, b.uid);
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Sorts only a part where few of many are needed: candidates are cut back each time that there are twice as many as needed. */
function smallest(rows: SyncRowData[], compare: Compare, count: number): readonly SyncRowData[] {
  if (rows.length <= 4 * count) return rows.sort(compare);
  let best: SyncRowData[] = [];
  let last: SyncRowData | undefined;
  for (const row of rows) {
    if (last !== undefined && compare(row, last) >= 0) continue;
    best.push(row);
    if (best.length < 2 * count) continue;
    best = best.sort(compare).slice(0, count);
    last = best.at(-1);
  }
  return best.sort(compare);
}
