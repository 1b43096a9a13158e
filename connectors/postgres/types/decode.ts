import type { ColumnType, Value } from '../../../core/values.ts';
import { serverInteger } from '../../sql/connection/server-integer.ts';

/**
 * Converts PostgreSQL's text of a value to the canonical value, given this connector's session settings. Undefined if they are the same.
 */
export type Decode = ((text: string) => Value) | undefined;

export function decoderOf(type: ColumnType): Decode {
  switch (type.kind) {
    case 'boolean':
      return (text) => text === 't';
    case 'int':
      return type.bits === 64 ? (text) => serverInteger(text, 'PostgreSQL') : Number;
    case 'float':
      return Number;
    case 'bytes':
      return (text) => Buffer.from(text.slice(2), 'hex');
    case 'timestamp':
      return type.hasZone ? canonicalInstant : undefined;
    case 'array': {
      const decode = decoderOf(type.of);
      const delimiter = delimiterOf(type.of);
      return (text) => parseArray(text, decode, delimiter);
    }
    default:
      return undefined;
  }
}

/** The delimiter between the items of an array; box is the only built-in type that does not use a comma. */
export function delimiterOf(element: ColumnType): string {
  return element.kind === 'other' && element.name === 'box' ? ';' : ',';
}

/** Assumes that the session's TimeZone is UTC. */
function canonicalInstant(text: string): string {
  return text.replace('+00', 'Z');
}

/** `{1,NULL,"a b"}`. Lower bounds (`[0:1]={..}`) are dropped: canonical arrays start at index 0, like JavaScript's. */
function parseArray(text: string, decode: Decode, delimiter: string): Value[] {
  let at = text.startsWith('[') ? text.indexOf('{') : 0;
  const parseItems = (): Value[] => {
    const items: Value[] = [];
    at++;
    while (at < text.length && text[at] !== '}') {
      items.push(parseItem());
      if (text[at] === delimiter) at++;
    }
    at++;
    return items;
  };
  const parseItem = (): Value => {
    if (text[at] === '{') return parseItems();
    if (text[at] === '"') {
      const quoted = readQuoted();
      return decode ? decode(quoted) : quoted;
    }
    const start = at;
    while (text[at] !== delimiter && text[at] !== '}') at++;
    const item = text.slice(start, at);
    if (item === 'NULL') return null;
    return decode ? decode(item) : item;
  };
  const readQuoted = (): string => {
    let item = '';
    for (at++; text[at] !== '"'; at++) {
      if (text[at] === '\\') at++;
      item += text[at];
    }
    at++;
    return item;
  };
  return parseItems();
}
