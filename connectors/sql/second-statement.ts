import type { Finding } from '../../core/errors.ts';
import { manifestFinding } from '../../core/manifest/rules.ts';

/** Findings about the query of a Sync's manifest, when it is read. */
export function queryFindings({ source: { query } }: { source: { query?: string | undefined } }): Finding[] {
  if (query === undefined || !hasSecondStatement(query)) return [];
  const fix =
    'write one SELECT; statements that must run before it belong in a view or function of the database';
  return [manifestFinding('spec.source.query', 'query has more than one statement', fix)];
}

/**
 * Whether a query has more than one statement, as far as this is known without a server: only if every SQL dialect parses it the same way.
 * What dialects quote or comment differently (a backslash in a string, `#`, `$$`, `/*!`) is left to the server.
 */
export function hasSecondStatement(query: string): boolean {
  for (let at = 0; at < query.length; ) {
    const rest = query.slice(at);
    if (unclear.test(rest)) return false;
    const skipped = (quoted.exec(rest) ?? comment.exec(rest) ?? blank.exec(rest))?.[0];
    if (skipped === undefined && opensQuote.test(rest)) return false;
    if (rest.startsWith(';')) return !isEmpty(rest);
    at += skipped?.length ?? 1;
  }
  return false;
}

/** True for only separators, blanks and comments: one statement and its end. */
function isEmpty(text: string): boolean {
  let rest = text;
  while (rest !== '') {
    if (unclear.test(rest)) return true;
    const skipped = (/^;+/.exec(rest) ?? comment.exec(rest) ?? blank.exec(rest))?.[0];
    if (skipped === undefined) return false;
    rest = rest.slice(skipped.length);
  }
  return true;
}

const blank = /^\s+/;
/** Without a backslash, because only some dialects treat it as an escape. */
const quoted = /^(?:'(?:[^'\\]|'')*'|"(?:[^"\\]|"")*"|`[^`\\]*`|\[[^\]\\]*\])/;
const opensQuote = /^['"`[]/;
const comment = /^(?:--(?:\s.*|$)|\/\*(?![!+M])(?:(?!\/\*)[\s\S])*?\*\/)/;
/** `--x` and `#` begin comments only in some dialects; nested comments and dollar-quoted text end differently. */
const unclear = /^(?:[#$\\]|--\S|\/\*[!+M]|\/\*(?:(?!\*\/)[\s\S])*\/\*)/;
