import { useMemo, useState } from 'react';
import { type Document, isMap, isPair, isScalar, isSeq, type Node, parseDocument } from 'yaml';

export type Path = readonly string[];

/** A manifest as a user writes it. */
export interface ManifestValue {
  readonly metadata?: {
    readonly name?: unknown;
    readonly namespace?: unknown;
    readonly labels?: Readonly<Record<string, string>>;
  };
  readonly spec?: unknown;
}

export interface SyntaxProblem {
  readonly message: string;
  readonly from: number;
  readonly to: number;
}

export interface Manifest {
  readonly text: string;
  /** Of the last text without syntax errors. */
  readonly value: ManifestValue;
  readonly problems: readonly SyntaxProblem[];
  setText(text: string): void;
  /** Undefined or empty removes the field. Comments and order of the text stay. */
  setIn(path: Path, value: unknown): void;
  /** Where the field is in the text, or the nearest one around it that is there. */
  rangeOf(path: Path): readonly [from: number, to: number];
  pathAt(offset: number): Path;
}

/** One model for form and text: the text, which the form changes field by field. */
export function useManifest(initial: string): Manifest {
  const [text, setText] = useState(initial);
  const parsed = useMemo(() => parse(text), [text]);
  const [lastValid, setLastValid] = useState(parsed);
  if (parsed.problems.length === 0 && parsed !== lastValid) setLastValid(parsed);
  const valid = parsed.problems.length === 0 ? parsed : lastValid;
  return {
    text,
    value: valid.value,
    problems: parsed.problems,
    setText,
    setIn: (path, value) => setText(changed(text, path, value)),
    rangeOf: (path) => rangeOf(parsed.document, path),
    pathAt: (offset) => pathAt(parsed.document.contents as Node | null, offset) ?? [],
  };
}

interface Parsed {
  readonly document: Document;
  readonly value: ManifestValue;
  readonly problems: readonly SyntaxProblem[];
}

function parse(text: string): Parsed {
  const document = parseDocument(text, { prettyErrors: false, maxAliasCount: 50 } as never) as Document;
  const problems = document.errors.map(({ message, pos: [from, to] }) => ({ message, from, to }));
  const value: unknown = problems.length === 0 ? toValue(document) : {};
  return { document, problems, value: isObject(value) ? value : {} };
}

function toValue(document: Document): unknown {
  try {
    return document.toJS({ maxAliasCount: 50 });
  } catch {
    return {};
  }
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function valueIn(value: unknown, path: Path): unknown {
  return path.reduce<unknown>((at, key) => (isObject(at) ? at[key] : undefined), value);
}

function changed(text: string, path: Path, value: unknown): string {
  const document = parseDocument(text);
  if (document.errors.length > 0) return text;
  if (value !== undefined && value !== '') {
    document.setIn(path, document.createNode(value));
    return String(document);
  }
  document.deleteIn(path);
  // Groups that have become empty go too, but not the parts that every manifest has.
  for (let length = path.length - 1; length > 2; length--) {
    const group = document.getIn(path.slice(0, length), true);
    if (!isMap(group) || group.items.length > 0) break;
    document.deleteIn(path.slice(0, length));
  }
  return String(document);
}

function rangeOf(document: Document, path: Path): readonly [number, number] {
  for (let length = path.length; length > 0; length--) {
    const parent = length === 1 ? document.contents : document.getIn(path.slice(0, length - 1), true);
    const key = path[length - 1];
    const pair = isMap(parent)
      ? parent.items.find((item) => isScalar(item.key) && String(item.key.value) === key)
      : undefined;
    const [from] = (pair?.key as Node | undefined)?.range ?? [];
    if (from === undefined) continue;
    const end = (pair?.value as Node | null)?.range?.[1] ?? from;
    return [from, end];
  }
  return [0, 0];
}

function pathAt(node: Node | null, offset: number): Path | undefined {
  if (!isMap(node)) return isSeq(node) ? [] : [];
  for (const pair of node.items) {
    if (!isPair(pair) || !isScalar(pair.key)) continue;
    const from = pair.key.range?.[0] ?? 0;
    const value = pair.value as Node | null;
    const to = value?.range?.[1] ?? pair.key.range?.[1] ?? 0;
    if (offset < from || offset > to) continue;
    return [String(pair.key.value), ...(pathAt(value, offset) ?? [])];
  }
  return undefined;
}
