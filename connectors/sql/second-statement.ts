import type { Finding } from '../../core/errors.ts';
import { manifestFinding } from '../../core/manifest/rules.ts';

/** Of a Sync's manifest, when it is read. */
export function queryFindings({ source: { query } }: { source: { query?: string | undefined } }): Finding[] {
  if (query === undefined || !hasSecondStatement(query)) return [];
  const mend =
    'write one SELECT; what has to be done before it belongs in a view or a function of the database';
  return [manifestFinding('spec.source.query', 'query is more than one statement', mend)];
}

/**
 * Whether a query is more than one statement, as far as that can be said without a server: only where every dialect of SQL reads it the
 * same way. What quotes or comments differently between them (a backslash in a string, `#`, `$$`, `/*!`) is left to the server.
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

/** Nothing but separators, blanks and comments: one statement and its end. */
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
/** Without a backslash: it escapes in some dialects and in others it does not. */
const quoted = /^(?:'(?:[^'\\]|'')*'|"(?:[^"\\]|"")*"|`[^`\\]*`|\[[^\]\\]*\])/;
const opensQuote = /^['"`[]/;
const comment = /^(?:--(?:\s.*|$)|\/\*(?![!+M])(?:(?!\/\*)[\s\S])*?\*\/)/;
/** `--x` and `#` begin comments in some dialects only, comments within comments end differently, and so does text between dollars. */
const unclear = /^(?:[#$\\]|--\S|\/\*[!+M]|\/\*(?:(?!\*\/)[\s\S])*\/\*)/;
