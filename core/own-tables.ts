/**
 * Tables that Idra makes for itself beside its targets: `_idra_commits`, shadows, stages. Who may write a Sync could forge the offset and
 * token of another one by way of them, so no Sync names one at either end.
 */
export function isOwnTable(name: string): boolean {
  return /^_idra_/i.test(name);
}

/** Of a name in a manifest, of which any part may stand in quotation marks, as a whole or within. Read by JavaScript and by CEL (RE2). */
export const ownTablePattern = String.raw`(^|\.)"*_"*[iI]"*[dD]"*[rR]"*[aA]"*_`;
