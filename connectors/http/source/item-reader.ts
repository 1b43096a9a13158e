import { createHash, hash } from 'node:crypto';
import { type JsonValue, parseJson } from '../../../core/records/json-parser.ts';
import type { PageReader, PageSummary } from './page-reader.ts';
import type { PagePosition } from './paging.ts';
import type { ItemHashes } from './seen-items.ts';

export interface ItemOptions {
  readonly reader: PageReader;
  /** Text of what identifies an item; undefined: nothing does. */
  readonly keyOf: ((record: JsonValue) => string) | undefined;
  readonly since: string | undefined;
}

/** Where an item is in the list, and what identifies it. */
export interface ItemPlace extends ItemHashes {
  /** Its page; with `offset` the item itself. */
  readonly at: PagePosition;
  /** Items of the page up to it, itself included. */
  readonly done: number;
}

export interface WalkedItem {
  /** Undefined: it is not valid JSON. */
  readonly record: JsonValue | undefined;
  readonly bytes: number;
  readonly place: ItemPlace;
}

export interface ReadPage extends PageSummary {
  readonly itemCount: number;
  readonly lastItem: JsonValue | undefined;
  /** Of the identities of its items, in order. */
  readonly digest: string;
  /** Identities at its ends; undefined if it is empty. */
  readonly ends: readonly [first: string, last: string] | undefined;
}

/** The items of one page, parsed and identified, as many at once as have arrived. */
export async function* readItems(
  options: ItemOptions,
  at: PagePosition,
  signal: AbortSignal,
): AsyncGenerator<readonly WalkedItem[], ReadPage> {
  const { reader, since } = options;
  const items = reader.read({ position: at, since }, signal);
  const digest = createHash('sha256');
  let itemCount = 0;
  let first: string | undefined;
  let last: WalkedItem | undefined;
  try {
    for (;;) {
      const next = await items.next();
      if (next.done) {
        const ends = first !== undefined && last ? ([first, last.place.last] as const) : undefined;
        return { ...next.value, itemCount, lastItem: last?.record, digest: digest.digest('base64'), ends };
      }
      const found: WalkedItem[] = [];
      for (const bytes of next.value) {
        last = itemOf(bytes, at, itemCount, options);
        itemCount += 1;
        first ??= last.place.last;
        found.push(last);
      }
      digest.update(found.map(({ place }) => place.last).join(''));
      yield found;
    }
  } finally {
    await items.return(undefined as never);
  }
}

function itemOf(bytes: Buffer, page: PagePosition, index: number, { keyOf }: ItemOptions): WalkedItem {
  const record = parsed(bytes);
  const content = hashOf(bytes);
  const last = keyOf && record !== undefined ? hashOf(keyOf(record)) : content;
  const at = page.offset === undefined ? page : { offset: page.offset + index };
  return { record, bytes: bytes.length, place: { at, done: index + 1, last, content } };
}

const utf8 = new TextDecoder('utf-8', { fatal: true });

function parsed(bytes: Buffer): JsonValue | undefined {
  try {
    return parseJson(utf8.decode(bytes));
  } catch {
    return undefined;
  }
}

const hashCharacters = 12;

/** Short, because it is part of offsets, and because a text below 13 characters is cut out as a copy. */
function hashOf(data: Buffer | string): string {
  return hash('sha256', data, 'binary').slice(0, hashCharacters);
}

/** As text of printable characters, for an offset. */
export function hashText(hashed: string): string {
  return Buffer.from(hashed, 'latin1').toString('base64');
}

export function hashFrom(text: string): string {
  return Buffer.from(text, 'base64').toString('latin1');
}
