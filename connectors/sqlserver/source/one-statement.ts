import { type IdraError, permanent } from '../../../core/errors.ts';
import { queryInvalid } from '../../sql/error-class.ts';
import { errorNumbers, numberOf } from '../errors.ts';
import { quoteBracket } from '../names.ts';
import type { Session } from '../session.ts';
import { isCollationName } from '../types/column-types.ts';
import { literalText } from '../types/literals.ts';

/** As it is embedded in other statements: on its own lines, without a trailing semicolon. */
export function bareQuery(query: string): string {
  return query.trim().replace(/;\s*$/, '');
}

export function fromQuery(query: string): string {
  return `(\n${bareQuery(query)}\n) AS ${quoteBracket('q')}`;
}

/** Per session: another server may have other rules. */
const proven = new WeakMap<Session, Set<string>>();

/**
 * Call before the text is embedded in other statements: `SELECT ... FROM (text) AS q`. Then nothing in it may close the parenthesis, so
 * that all of it is one table expression, which can be neither EXEC nor a statement that writes. Its own parentheses are balanced, by the
 * rules of the language and, where the server can compile a text without running it, by the server as well. Throws QueryInvalid.
 */
export async function requireOneSelect(session: Session, query: string, signal: AbortSignal): Promise<void> {
  const seen = proven.get(session) ?? new Set();
  if (seen.has(query)) return;
  const text = bareQuery(query);
  const fault = faultOf(text);
  if (fault !== undefined) throw invalid(`source.query ${fault}`);
  await describeFirst(session, text, signal);
  proven.set(session, seen.add(query));
}

function invalid(message: string): IdraError {
  return permanent('QueryInvalid', message, {
    path: queryInvalid.path,
    fix: 'write one SELECT; WITH and ORDER BY belong in a view of the database',
  });
}

/** Whether these end a line, and so a comment, is not the same for everybody. */
const unclearLine = /\r(?!\n)|[\v\f\u0085\u2028\u2029]/;

interface Token {
  readonly pattern: RegExp;
}

/** Comments nest, so their end is searched for separately. */
const skipped: readonly Token[] = [
  { pattern: /'(?:[^']|'')*'/y },
  { pattern: /"(?:[^"]|"")*"/y },
  { pattern: /\[(?:[^\]]|\]\])*\]/y },
  { pattern: /--[^\r\n]*/y },
  { pattern: /[^'"[\]()/*;-]+/y },
];

/** What is wrong with the text as one expression between parentheses; undefined if nothing is. */
export function faultOf(text: string): string | undefined {
  if (unclearLine.test(text))
    return 'has a line break that is neither a line feed nor a carriage return with one';
  let depth = 0;
  for (let at = 0; at < text.length; ) {
    if (text.startsWith('/*', at)) {
      const end = endOfComment(text, at);
      if (end === undefined) return 'has a comment that does not end';
      at = end;
      continue;
    }
    const length = skippedAt(text, at);
    if (length > 0) {
      at += length;
      continue;
    }
    const char = text[at];
    if (char === "'" || char === '"' || char === '[') return `has a ${char} that does not end`;
    if (char === ';') return 'has more than one statement';
    if (char === '(') depth += 1;
    if (char === ')') depth -= 1;
    if (depth < 0) return 'closes a parenthesis that it did not open';
    at += 1;
  }
  return depth === 0 ? undefined : 'opens a parenthesis that it does not close';
}

function skippedAt(text: string, at: number): number {
  for (const { pattern } of skipped) {
    pattern.lastIndex = at;
    const length = pattern.exec(text)?.[0].length ?? 0;
    if (length > 0) return length;
  }
  return 0;
}

function endOfComment(text: string, start: number): number | undefined {
  let depth = 0;
  for (let at = start; at < text.length; ) {
    if (text.startsWith('/*', at)) depth += 1;
    else if (text.startsWith('*/', at)) depth -= 1;
    else {
      at += 1;
      continue;
    }
    at += 2;
    if (depth === 0) return at;
  }
  return undefined;
}

const nameAt = 'name';
const collationAt = 'collation_name';

/** The columns that the server finds in the text without running it. Undefined if the server has no such procedure. */
async function describeFirst(
  session: Session,
  text: string,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, string> | undefined> {
  const describe = `EXEC sp_describe_first_result_set @tsql = ${literalText(text)}`;
  return await session.guard(async () => {
    try {
      const [result] = await session.run(describe);
      const fields = result?.fields ?? [];
      const [name, collation] = [nameAt, collationAt].map((each) =>
        fields.findIndex((field) => field.name === each),
      ) as [number, number];
      if (!result || result.rows.length === 0) throw invalid('source.query does not return rows');
      const named = result.rows.map((row) => [String(row[name]), String(row[collation] ?? '')] as const);
      return new Map(named.filter(([, each]) => isCollationName(each)));
    } catch (thrown) {
      if (numberOf(thrown) !== errorNumbers.noSuchProcedure) throw thrown;
      return undefined;
    }
  }, signal);
}

/** The collations by which texts of the query are compared, by column, as far as the server names them. */
export async function collationsOf(
  session: Session,
  query: string,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, string>> {
  return (await describeFirst(session, bareQuery(query), signal)) ?? new Map();
}
