/**
 * Tables that Idra creates for itself beside its targets: `_idra_commits`, shadows, stages. A Sync that named one at either end could
 * forge the offset and token of another Sync, so these names are refused.
 */
export function isOwnTable(name: string): boolean {
  return /^_idra_/i.test(name);
}

/** Matches a name in a manifest, any part of which may be quoted wholly or partly. Must be valid in JavaScript and in CEL (RE2). */
export const ownTablePattern = String.raw`(^|\.)"*_"*[iI]"*[dD]"*[rR]"*[aA]"*_`;
