import { permanent } from '../core/errors.ts';
import { parseDuration } from '../core/manifest/units.ts';

/** Parses a duration such as `30s`, as in manifests, to ms. */
export function parseTimeout(text: string): number {
  const timeoutMs = parseDuration(text);
  if (timeoutMs !== undefined) return timeoutMs;
  throw permanent('CallInvalid', `--timeout ${text} is not a duration`, {
    fix: 'write an integer and ms, s, m or h: 30s',
  });
}
