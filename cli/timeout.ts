import { permanent } from '../core/errors.ts';

const units: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };

/** `30s`, as durations in manifests. */
export function parseTimeout(text: string): number {
  const match = /^(\d+)(ms|s|m|h)$/.exec(text);
  const unit = units[match?.[2] ?? ''];
  if (match && unit !== undefined) return Number(match[1]) * unit;
  throw permanent('DurationInvalid', `--timeout ${text} is not a duration`, {
    mend: 'write an integer and ms, s, m or h: 30s',
  });
}
