/** A number that a JavaScript number would not keep: its digits as they were written. */
export class JsonNumber {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

/** JSON without loss: numbers are whole numbers of at most 15 digits, or JsonNumber. */
export type JsonValue = null | boolean | number | string | JsonNumber | readonly JsonValue[] | JsonObject;
export type JsonObject = ReadonlyMap<string, JsonValue>;

/** The text is not JSON. The message has no data of the text. */
export class JsonError extends Error {
  /** Index in the text, in UTF-16 code units. */
  readonly at: number;

  constructor(what: string, at: number) {
    super(`${what} at position ${at}`);
    this.name = 'JsonError';
    this.at = at;
  }
}

export interface JsonLimits {
  /** Objects and arrays within each other. */
  readonly maxDepth?: number;
}

const defaultDepth = 200;

/**
 * Parses RFC 8259 JSON. Of several fields of one name in an object the last one counts. Numbers keep all digits; the depth is limited, and
 * the size is that of the text. Throws JsonError.
 */
export function parseJson(text: string, { maxDepth = defaultDepth }: JsonLimits = {}): JsonValue {
  return new Parser(text, maxDepth).parse();
}

const [quote, backslash] = [0x22, 0x5c];
const escapes: Readonly<Record<string, string>> = {
  '"': '"',
  '\\': '\\',
  '/': '/',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
};
const number = /-?(?:0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?/y;
const exactDigits = 15;

class Parser {
  readonly #text: string;
  #depth: number;
  #at = 0;

  constructor(text: string, maxDepth: number) {
    this.#text = text;
    this.#depth = maxDepth;
  }

  parse(): JsonValue {
    const value = this.#value();
    this.#skipSpace();
    if (this.#at < this.#text.length) throw this.#error('text behind the JSON value');
    return value;
  }

  #value(): JsonValue {
    this.#skipSpace();
    switch (this.#text[this.#at]) {
      case '{':
        return this.#nested(() => this.#object());
      case '[':
        return this.#nested(() => this.#array());
      case '"':
        return this.#string();
      case 't':
        return this.#word('true', true);
      case 'f':
        return this.#word('false', false);
      case 'n':
        return this.#word('null', null);
      default:
        return this.#number();
    }
  }

  #nested<T>(read: () => T): T {
    if (this.#depth === 0) throw this.#error('too many objects and arrays within each other');
    this.#depth -= 1;
    this.#at += 1;
    const value = read();
    this.#depth += 1;
    return value;
  }

  #object(): JsonObject {
    const fields = new Map<string, JsonValue>();
    if (this.#skips('}')) return fields;
    for (;;) {
      this.#skipSpace();
      if (this.#text[this.#at] !== '"') throw this.#error('no name of a field');
      const name = this.#string();
      if (!this.#skips(':')) throw this.#error('no colon behind the name of a field');
      fields.set(name, this.#value());
      if (this.#skips('}')) return fields;
      if (!this.#skips(',')) throw this.#error('neither a comma nor the end of an object');
    }
  }

  #array(): JsonValue[] {
    const items: JsonValue[] = [];
    if (this.#skips(']')) return items;
    for (;;) {
      items.push(this.#value());
      if (this.#skips(']')) return items;
      if (!this.#skips(',')) throw this.#error('neither a comma nor the end of an array');
    }
  }

  #string(): string {
    const text = this.#text;
    const parts: string[] = [];
    let start = this.#at + 1;
    for (let at = start; at < text.length; at++) {
      const code = text.charCodeAt(at);
      if (code === quote) {
        this.#at = at + 1;
        const last = text.slice(start, at);
        return parts.length === 0 ? last : parts.join('') + last;
      }
      if (code < 0x20) throw new JsonError('a control character in a text', at);
      if (code !== backslash) continue;
      const escaped = this.#escape(at);
      parts.push(text.slice(start, at), escaped.text);
      start = escaped.end;
      at = escaped.end - 1;
    }
    throw this.#error('a text without an end');
  }

  #escape(at: number): { readonly text: string; readonly end: number } {
    const name = this.#text[at + 1] ?? '';
    const simple = escapes[name];
    if (simple !== undefined) return { text: simple, end: at + 2 };
    const digits = this.#text.slice(at + 2, at + 6);
    if (name !== 'u' || !/^[\da-fA-F]{4}$/.test(digits)) throw new JsonError('an invalid escape', at);
    return { text: String.fromCharCode(Number.parseInt(digits, 16)), end: at + 6 };
  }

  #number(): number | JsonNumber {
    number.lastIndex = this.#at;
    const match = number.exec(this.#text);
    if (!match) throw this.#error(this.#at < this.#text.length ? 'no JSON value' : 'the text ends too early');
    const [text, fraction, exponent] = match;
    this.#at += text.length;
    const isExact =
      fraction === undefined && exponent === undefined && text.length <= exactDigits && text !== '-0';
    return isExact ? Number(text) : new JsonNumber(text);
  }

  #word<T>(word: string, value: T): T {
    if (!this.#text.startsWith(word, this.#at)) throw this.#error('no JSON value');
    this.#at += word.length;
    return value;
  }

  #skips(character: string): boolean {
    this.#skipSpace();
    if (this.#text[this.#at] !== character) return false;
    this.#at += 1;
    return true;
  }

  #skipSpace(): void {
    for (;;) {
      const code = this.#text.charCodeAt(this.#at);
      if (code !== 0x20 && code !== 0x0a && code !== 0x0d && code !== 0x09) return;
      this.#at += 1;
    }
  }

  #error(what: string): JsonError {
    return new JsonError(what, this.#at);
  }
}
