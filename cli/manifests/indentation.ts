/** A line of YAML whose indentation does not match its neighbours. Lines are counted from 1. */
export interface WrongIndentation {
  readonly line: number;
  readonly message: string;
}

/** An open level of indentation, and its last line. */
interface Level {
  readonly indent: number;
  line: number;
  /** `key: value`: nothing can be nested below it. */
  isFull: boolean;
}

const blank = /^\s*(#.*)?$/;
const entry = /^(?:"[^"]*"|'[^']*'|[^\s'"#{[|>&*!%@`-][^#]*?|-[^\s#][^#]*?):(?:\s+(\S.*))?$/;
const blockScalar = /(?:^|\s)[|>][-+0-9]*\s*(?:#.*)?$/;

/**
 * The first line of a YAML document whose indentation fits no open level. The parser's own errors describe only its interpretation of the
 * line. Use only for text that does not parse: multi-line quotes and brackets are not handled.
 */
export function wrongIndentation(lines: readonly string[], firstLine: number): WrongIndentation | undefined {
  const levels: Level[] = [];
  let scalarIndent: number | undefined;
  let depth = 0;
  for (const [index, text] of lines.entries()) {
    const line = firstLine + index;
    const indent = text.search(/\S/);
    if (blank.test(text) || /^(---|\.\.\.)(\s|$)/.test(text)) continue;
    if (scalarIndent !== undefined && indent > scalarIndent) continue;
    scalarIndent = undefined;
    const isWithin = depth > 0;
    depth = Math.max(0, depth + bracketsOf(text));
    if (isWithin) continue;
    if (/^ *\t/.test(text))
      return { line, message: `line ${line} is indented with a tab: YAML allows only spaces` };
    const wrong = place(levels, text, line);
    if (wrong) return { line, message: wrong };
    if (blockScalar.test(text)) scalarIndent = levels.at(-1)?.indent ?? 0;
  }
  return undefined;
}

/** Opens and closes levels for one line; returns a message if it fits none. */
function place(levels: Level[], text: string, line: number): string | undefined {
  const indent = text.search(/\S/);
  const body = text.slice(indent);
  if (!entry.test(body) && !/^-(\s|$)/.test(body)) return undefined;
  const closed: Level[] = [];
  while ((levels.at(-1)?.indent ?? -1) > indent) closed.push(levels.pop() as Level);
  const top = levels.at(-1);
  if (closed.length > 0 && (top === undefined || top.indent < indent)) {
    return misplaced(line, indent, nearestLevel(indent, [...closed, ...levels]));
  }
  if (top?.isFull && top.indent < indent) return misplaced(line, indent, top);
  openLevels(levels, body, indent, line);
  return undefined;
}

function openLevels(levels: Level[], body: string, indent: number, line: number): void {
  const item = /^-\s+(?=\S)/.exec(body);
  const isFull = !item && entry.exec(body)?.[1] !== undefined && !blockScalar.test(body);
  const top = levels.at(-1);
  if (top?.indent === indent) {
    top.line = line;
    top.isFull = isFull;
  } else levels.push({ indent, line, isFull });
  if (item) openLevels(levels, body.slice(item[0].length), indent + item[0].length, line);
}

function nearestLevel(indent: number, levels: readonly Level[]): Level {
  return [...levels].sort(
    (one, other) => Math.abs(one.indent - indent) - Math.abs(other.indent - indent),
  )[0] as Level;
}

function misplaced(line: number, indent: number, { indent: expected, line: neighbour }: Level): string {
  return `line ${line} is indented by ${indent}, its neighbours (line ${neighbour}) by ${expected}`;
}

/** Brackets that a line opens and does not close, ignoring those within quotes or a comment. */
function bracketsOf(text: string): number {
  const bare = text.replace(/"(?:[^"\\]|\\.)*"|'(?:[^']|'')*'/g, '').replace(/(^|\s)#.*$/, '');
  return (bare.match(/[[{]/g)?.length ?? 0) - (bare.match(/[\]}]/g)?.length ?? 0);
}
