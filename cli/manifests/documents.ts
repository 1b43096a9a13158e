import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { type Document, isMap, isScalar, isSeq, LineCounter, parseAllDocuments } from 'yaml';
import { type Finding, permanent } from '../../core/errors.ts';
import { wrongIndentation } from './indentation.ts';
import { isRecord } from './values.ts';

/** One object of a file, and the location of each of its fields. */
export interface ManifestDocument {
  readonly value: Readonly<Record<string, unknown>>;
  /** `orders.yaml:12:3` of a field such as `spec.source.key[0]`, or of the nearest one around it. */
  placeOf(path: string): string;
}

export interface ManifestDocuments {
  readonly documents: readonly ManifestDocument[];
  /** YAML or JSON syntax errors. */
  readonly findings: readonly Finding[];
}

/** Per file. The API server accepts 1.5 MiB per object. */
const maxFileBytes = 16 * 1024 * 1024;
/** In all files of a call together. */
const maxDocuments = 10_000;

const extensions = /\.(ya?ml|json)$/;

/** Reads a file, a folder (its direct files, by name) or `-`, the standard input. Throws FileUnreadable. */
export function readDocuments(path: string): ManifestDocuments {
  const parsed = filesOf(path).map((file) => parseFile(file === '-' ? 'stdin' : file, textOf(file)));
  const documents = parsed.flatMap((each) => each.documents);
  if (documents.length > maxDocuments) {
    throw permanent('ManifestUnreadable', `${path} has ${documents.length} objects`, {
      fix: `give at most ${maxDocuments} at a time`,
    });
  }
  return { documents, findings: parsed.flatMap((each) => each.findings) };
}

function filesOf(path: string): readonly string[] {
  if (path === '-' || !isFolder(path)) return [path];
  const names = readdirSync(path).filter((name) => extensions.test(name));
  if (names.length > 0) return names.sort().map((name) => join(path, name));
  throw permanent('FileUnreadable', `folder ${path} has no manifest`, {
    fix: 'put files ending in .yaml, .yml or .json there',
  });
}

function isFolder(path: string): boolean {
  const found = statSync(path, { throwIfNoEntry: false });
  if (!found) throw permanent('FileUnreadable', `${path} does not exist`, { fix: 'give a file or a folder' });
  return found.isDirectory();
}

function textOf(file: string): string {
  const size = file === '-' ? 0 : (statSync(file, { throwIfNoEntry: false })?.size ?? 0);
  const text = size > maxFileBytes ? undefined : readText(file);
  if (text !== undefined && text.length <= maxFileBytes) return text;
  throw permanent('ManifestUnreadable', `${file} has more than ${maxFileBytes / 1024 / 1024} MiB`, {
    fix: 'split it into several files',
  });
}

function readText(file: string): string {
  try {
    return readFileSync(file === '-' ? 0 : file, 'utf8');
  } catch (cause) {
    throw permanent('FileUnreadable', `${file} cannot be read`, { cause, fix: 'give a readable file' });
  }
}

/** JSON is YAML too. Each item of a List is a document of its own. */
export function parseFile(file: string, text: string): ManifestDocuments {
  const lines = new LineCounter();
  const placeAt = (offset: number) => {
    const { line, col } = lines.linePos(offset);
    return `${file}:${line}:${col}`;
  };
  // Without the excerpt that errors contain by default: it could be from a Secret.
  const parsed = parseYaml(text, lines);
  if (parsed === undefined) return { documents: [], findings: [syntaxFinding(tooDeep, `${file}:1:1`)] };
  if ('empty' in parsed) return { documents: [], findings: [] };
  const findings = parsed.flatMap((each) => syntaxFindings(each, file, text, lines));
  const documents = parsed
    .filter((each) => each.errors.length === 0 && each.contents !== null)
    .flatMap((each) => {
      const start = each.contents?.range?.[0] ?? 0;
      const value = contentOf(each);
      if (value === tooLarge) {
        findings.push(syntaxFinding(tooManyAliases, placeAt(start)));
        return [];
      }
      // Empty after a `---`, or only comments.
      if (value === null) return [];
      if (isRecord(value)) return objectsOf(each, value, placeAt, start);
      findings.push(syntaxFinding('this is not an object', placeAt(start)));
      return [];
    });
  return { documents, findings };
}

const tooDeep = 'its lists and objects are nested too deeply';
const maxAliasCount = 100;
const tooManyAliases = `its aliases (*name) expand to more than ${maxAliasCount} copies`;
const tooLarge = Symbol('too large');

/** Undefined if the parser ran out of stack. */
function parseYaml(text: string, lineCounter: LineCounter) {
  try {
    return parseAllDocuments(text, { lineCounter, prettyErrors: false, merge: true });
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

function contentOf(document: Document.Parsed): unknown {
  try {
    return document.toJS({ maxAliasCount });
  } catch (error) {
    // A few nested aliases can expand to millions of copies.
    if (error instanceof ReferenceError || error instanceof RangeError) return tooLarge;
    throw error;
  }
}

function objectsOf(
  document: Document.Parsed,
  value: Readonly<Record<string, unknown>>,
  placeAt: (offset: number) => string,
  start: number,
): ManifestDocument[] {
  const at = (prefix: string) => (path: string) => placeAt(offsetOf(document, prefix + path) ?? start);
  if (value.kind !== 'List' || !Array.isArray(value.items)) return [{ value, placeOf: at('') }];
  return value.items.flatMap((item: unknown, index) =>
    isRecord(item) ? [{ value: item, placeOf: at(`items[${index}].`) }] : [],
  );
}

/** Offset of the key of the last existing field on the path. */
function offsetOf(document: Document.Parsed, path: string): number | undefined {
  const names = path.split(/[.[\]]+/).filter((name) => name !== '');
  let node: unknown = document.contents;
  let offset: number | undefined;
  for (const name of names) {
    if (isMap(node)) {
      const pair = node.items.find(({ key }) => isScalar(key) && String(key.value) === name);
      if (!pair || !isScalar(pair.key)) break;
      offset = pair.key.range?.[0] ?? offset;
      node = pair.value;
    } else if (isSeq(node)) {
      node = node.items[Number(name)];
      const range = (node as { readonly range?: readonly number[] } | undefined)?.range;
      offset = range?.[0] ?? offset;
    } else break;
  }
  return offset;
}

/** One for each document: further parser errors usually follow from the first. */
function syntaxFindings(
  { errors: [first], range }: Document.Parsed,
  file: string,
  text: string,
  counter: LineCounter,
): Finding[] {
  if (!first) return [];
  const { line, col } = counter.linePos(first.pos[0]);
  const start = documentStart(text.split('\n').slice(0, line - 1));
  const end = Math.max(line, counter.linePos(Math.max(range[1], first.pos[0])).line);
  const wrong = wrongIndentation(text.split('\n').slice(start, end), start + 1);
  if (!wrong) {
    // The parser reports some stack overflows as errors of the document.
    const message = /^Maximum call stack/.test(first.message) ? tooDeep : first.message;
    return [syntaxFinding(message, `${file}:${line}:${col}`)];
  }
  const fix = 'indent the fields of one object by the same number of spaces';
  return [{ ...syntaxFinding(wrong.message, `${file}:${wrong.line}:1`), fix }];
}

/** Number of lines before this document. */
function documentStart(before: readonly string[]): number {
  return before.findLastIndex((each) => /^---(\s|$)/.test(each)) + 1;
}

function syntaxFinding(message: string, place: string): Finding {
  return {
    severity: 'error',
    code: 'ManifestUnreadable',
    place,
    message: message.replace(/\s+/g, ' '),
    fix: 'write YAML or JSON, with YAML documents separated by ---',
  };
}
