import { permanent } from '../../core/errors.ts';
import { instantMs } from '../../core/instant.ts';

/**
 * Templates of paths and bodies: text with `{{ name.field | filter }}`. A value is written as its place needs it (percent-encoded in a URL
 * or form, as JSON in a body, inside quotes as the inside of a JSON string), so no value can become syntax. Nothing is computed but the
 * filters below. The language is described in docs/http.md.
 */
export interface TemplateOptions {
  readonly context: TemplateContext;
  /** What a placeholder may begin with. */
  readonly names: readonly string[];
  /** Of the template in the manifest. */
  readonly path: string;
}

export type TemplateContext = 'url' | 'json' | 'form';

/** A value in both forms; text null: NULL, which has no place in a URL. */
export interface TemplateValue {
  readonly json: string;
  readonly text: string | null;
}

/** What a template is filled from. */
export interface Scope {
  /** `field` undefined: the whole. Undefined: there is no such value. */
  value(name: string, field: string | undefined): TemplateValue | undefined;
  /** The scopes that `{{# name }}` repeats its content for. */
  each?(name: string): readonly Scope[];
}

interface Placeholder {
  readonly kind: 'placeholder';
  readonly name: string;
  readonly field: string | undefined;
  readonly filters: readonly Filter[];
  /** Between the quotes of a JSON string. */
  readonly isInString: boolean;
  /** Before the query of a URL: without a value the path would be another one. */
  readonly isInPath: boolean;
}

interface Filter {
  readonly name: string;
  readonly argument: string | undefined;
}

type Node =
  | { readonly kind: 'text'; readonly text: string }
  | Placeholder
  | {
      readonly kind: 'section';
      readonly name: string;
      readonly separator: string;
      readonly nodes: readonly Node[];
    };

/** A value that a URL needs and that is NULL, or empty where it would be a part of the path. */
export class MissingValue {
  readonly name: string;
  constructor(name: string) {
    this.name = name;
  }
}

export class Template {
  readonly #nodes: readonly Node[];
  readonly #context: TemplateContext;

  constructor(text: string, options: TemplateOptions) {
    this.#nodes = new Parser(text, options).parse();
    this.#context = options.context;
  }

  /** The names and fields that it uses: `row.id`, `cursor`. */
  get uses(): readonly string[] {
    return [...new Set(usesOf(this.#nodes))];
  }

  /** Whether it uses this name, with or without a field. */
  has(name: string): boolean {
    return this.uses.some((each) => each === name || each.startsWith(`${name}.`));
  }

  render(scope: Scope): string | MissingValue {
    return rendered(this.#nodes, scope, this.#context);
  }
}

function usesOf(nodes: readonly Node[]): string[] {
  return nodes.flatMap((node) => {
    if (node.kind === 'text') return [];
    return node.kind === 'placeholder' ? [nameOf(node)] : [node.name, ...usesOf(node.nodes)];
  });
}

function nameOf({ name, field }: Pick<Placeholder, 'name' | 'field'>): string {
  return field === undefined ? name : `${name}.${field}`;
}

function rendered(nodes: readonly Node[], scope: Scope, context: TemplateContext): string | MissingValue {
  const parts: string[] = [];
  for (const node of nodes) {
    const part = renderedNode(node, scope, context);
    if (part instanceof MissingValue) return part;
    parts.push(part);
  }
  return parts.join('');
}

function renderedNode(node: Node, scope: Scope, context: TemplateContext): string | MissingValue {
  if (node.kind === 'text') return node.text;
  if (node.kind === 'placeholder') return filled(node, scope, context);
  const parts: string[] = [];
  for (const each of scope.each?.(node.name) ?? []) {
    const part = rendered(node.nodes, each, context);
    if (part instanceof MissingValue) return part;
    parts.push(part);
  }
  return parts.join(node.separator);
}

const nothing: TemplateValue = { json: 'null', text: null };

function filled(placeholder: Placeholder, scope: Scope, context: TemplateContext): string | MissingValue {
  const found = scope.value(placeholder.name, placeholder.field) ?? nothing;
  const value = placeholder.filters.reduce(applied, found);
  if (context === 'json') {
    if (!placeholder.isInString) return value.json;
    return JSON.stringify(value.text ?? '').slice(1, -1);
  }
  const isMissing = value.text === null || (value.text === '' && placeholder.isInPath);
  if (isMissing) return new MissingValue(nameOf(placeholder));
  return encodeURIComponent(value.text ?? '').replace(
    /[!'()*]/g,
    (char) => `%${char.charCodeAt(0).toString(16)}`,
  );
}

/** By name; each gets a value that is not NULL, except `or`. */
const filters: Readonly<Record<string, (text: string) => TemplateValue>> = {
  text: (text) => textValue(text),
  date: (text) => textValue(text.slice(0, 10)),
  unix: (text) => numberValue(Math.floor(msOf(text) / 1_000)),
  unixMs: (text) => numberValue(Math.floor(msOf(text))),
};

function applied(value: TemplateValue, { name, argument = '' }: Filter): TemplateValue {
  if (name === 'or') return value.text === null ? textValue(argument) : value;
  return value.text === null ? value : (filters[name]?.(value.text) ?? value);
}

export function textValue(text: string): TemplateValue {
  return { json: JSON.stringify(text), text };
}

function numberValue(number: number): TemplateValue {
  return Number.isFinite(number) ? { json: String(number), text: String(number) } : nothing;
}

/** Of an ISO or canonical time; one without zone is taken as UTC. */
function msOf(text: string): number {
  return instantMs(text.replace('T', ' '), 'UTC') ?? Number.NaN;
}

/** Recursive descent over the tags of a template. */
class Parser {
  readonly #text: string;
  readonly #options: TemplateOptions;
  #at = 0;
  #isInString = false;
  #isInQuery = false;

  constructor(text: string, options: TemplateOptions) {
    this.#text = text;
    this.#options = options;
  }

  parse(): readonly Node[] {
    const nodes = this.#nodes(undefined);
    if (this.#isInString) throw this.#invalid('a quote is not closed');
    return nodes;
  }

  /** Up to the end of the section, or of the text. */
  #nodes(section: string | undefined): readonly Node[] {
    const nodes: Node[] = [];
    for (;;) {
      const start = this.#text.indexOf('{{', this.#at);
      const text = this.#text.slice(this.#at, start < 0 ? undefined : start);
      if (text !== '') nodes.push({ kind: 'text', text });
      this.#noteQuotes(text);
      if (start < 0) {
        this.#at = this.#text.length;
        if (section !== undefined) throw this.#invalid(`{{# ${section} }} is not closed`);
        return nodes;
      }
      const tag = this.#tag(start);
      if (tag === `/${section}` || tag === `/ ${section}`) return nodes;
      nodes.push(tag.startsWith('#') ? this.#section(tag) : this.#placeholder(tag));
    }
  }

  #tag(start: number): string {
    const end = this.#text.indexOf('}}', start);
    if (end < 0) throw this.#invalid('{{ is not closed');
    this.#at = end + 2;
    return this.#text.slice(start + 2, end).trim();
  }

  /** Whether the text ends inside a JSON string. */
  #noteQuotes(text: string): void {
    if (text.includes('?')) this.#isInQuery = true;
    if (this.#options.context !== 'json') return;
    for (let at = 0; at < text.length; at += 1) {
      if (text[at] === '\\' && this.#isInString) at += 1;
      else if (text[at] === '"') this.#isInString = !this.#isInString;
    }
  }

  #section(tag: string): Node {
    const match = /^#\s*(\w+)(?:\s+("(?:[^"\\]|\\.)*"))?$/.exec(tag);
    const name = match?.[1] ?? '';
    if (!match || this.#isInString || !this.#options.names.includes(name) || this.#options.context === 'url')
      throw this.#invalid(`{{ ${tag} }} cannot be used here`);
    const separator = match[2] === undefined ? '' : this.#literal(match[2]);
    const nodes = this.#nodes(name);
    if (this.#isInString) throw this.#invalid('a quote is not closed');
    return { kind: 'section', name, separator, nodes };
  }

  #placeholder(tag: string): Node {
    const [expression = '', ...rest] = tag.split('|').map((part) => part.trim());
    const match = /^(\w+)(?:\.([\w$-]+)|\[("(?:[^"\\]|\\.)*")\])?$/.exec(expression);
    const name = match?.[1] ?? '';
    if (!match || !this.#options.names.includes(name))
      throw this.#invalid(`{{ ${tag} }} is not a value; there are ${this.#options.names.join(', ')}`);
    const field = match[3] === undefined ? match[2] : this.#literal(match[3]);
    return {
      kind: 'placeholder',
      name,
      field,
      filters: rest.map((filter) => this.#filter(filter)),
      isInString: this.#isInString,
      isInPath: this.#options.context === 'url' && !this.#isInQuery,
    };
  }

  #filter(text: string): Filter {
    const match = /^(\w+)(?:\s+("(?:[^"\\]|\\.)*"))?$/.exec(text);
    const name = match?.[1] ?? '';
    const hasArgument = match?.[2] !== undefined;
    if (!match || !(name === 'or' ? hasArgument : Object.hasOwn(filters, name) && !hasArgument))
      throw this.#invalid(
        `| ${text} is not a filter; there are ${Object.keys(filters).join(', ')}, or "TEXT"`,
      );
    return { name, argument: hasArgument ? this.#literal(match[2] ?? '') : undefined };
  }

  #literal(json: string): string {
    try {
      return String(JSON.parse(json));
    } catch {
      throw this.#invalid(`${json} is not a text`);
    }
  }

  #invalid(what: string): Error {
    return permanent('TemplateInvalid', `the template is not valid: ${what}`, {
      path: this.#options.path,
      fix: 'write placeholders as {{ name }}, {{ name.field }} or {{ name["field"] | filter }}: docs/http.md',
    });
  }
}
