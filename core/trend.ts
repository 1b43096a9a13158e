/** What is kept of a Sync for one interval of its charts. */
export interface TrendPoint {
  /** Rows per second, on average. */
  readonly rate: number;
  /** Seconds behind the source at the end of the interval; undefined: not known. */
  readonly lag: number | undefined;
  /** It was failing. */
  readonly isFailing: boolean;
}

/** Intervals of charts: an hour in steps of 10 s, a week in steps of 10 min. */
export const trendKinds = {
  fine: { stepMs: 10_000, count: 360 },
  coarse: { stepMs: 600_000, count: 1_008 },
} as const;
export type TrendKind = keyof typeof trendKinds;

export const bytesOfPoint = 2;

/** Logarithmic: 253 steps from 1 to the largest value are 6.5% each, which a chart does not show. */
const steps = 253;
const largestRate = 1e7;
const largestLag = 3e6;
const unknownLag = 254;
const failing = 255;

/** Two bytes. A week of ten thousand Syncs must fit into a part of etcd. */
export function encodePoint({ rate, lag, isFailing }: TrendPoint): readonly [number, number] {
  return [
    logByte(rate, largestRate),
    isFailing ? failing : lag === undefined ? unknownLag : logByte(lag, largestLag),
  ];
}

export function decodePoint(rate: number, lag: number): TrendPoint {
  return {
    rate: fromLogByte(rate, largestRate),
    lag: lag >= unknownLag ? undefined : fromLogByte(lag, largestLag),
    isFailing: lag === failing,
  };
}

function logByte(value: number, largest: number): number {
  if (value < 0.5) return 0;
  const position = Math.log(Math.max(1, value)) / Math.log(largest);
  return Math.min(steps, 1 + Math.round(position * (steps - 1)));
}

function fromLogByte(byte: number, largest: number): number {
  if (byte === 0) return 0;
  return Math.round(Math.exp(((byte - 1) / (steps - 1)) * Math.log(largest)));
}
