import { permanent } from '../../../core/errors.ts';
import { jsonAccess, writeJson } from '../../../core/records/json.ts';
import type { JsonValue } from '../../../core/records/json-parser.ts';
import { valueAtPath } from '../../../core/records/node.ts';
import { parsePath, type Step } from '../../../core/records/path.ts';
import type { HttpPaging } from '../../../core/sync-spec.ts';
import type { HeaderValues } from '../connection/rate-limits.ts';
import { nextLink, unreadPage } from './next-page.ts';

/** Which page of a list; {}: the first one. Part of offsets, so it is plain JSON. */
export interface PagePosition {
  /** JSON text of the cursor. */
  readonly cursor?: string;
  readonly page?: number;
  readonly offset?: number;
  /** Path and query of the next URL. */
  readonly url?: string;
}

/** What an answer says about other pages. */
export interface PageFacts {
  /** That was called. */
  readonly url: URL;
  /** Undefined: the answer has no body. */
  readonly envelope: JsonValue | undefined;
  readonly headers: HeaderValues;
  readonly itemCount: number;
  readonly lastItem: JsonValue | undefined;
}

/** Longer cursors do not belong in an offset. */
const maxPositionLength = 8_192;

export class Paging {
  readonly #fields: HttpPaging;
  readonly #itemsPath: string;

  constructor(fields: HttpPaging | undefined, itemsPath: string) {
    this.#fields = fields ?? {};
    this.#itemsPath = itemsPath;
  }

  /** Pages that are not read again may lose items when others are removed before them. */
  get isRechecked(): boolean {
    return this.#fields.recheck ?? this.#fields.pageParam !== undefined;
  }

  /** Each page begins with the last item of the one before, which proves that none was lost between them. */
  get overlaps(): boolean {
    return this.#fields.offsetParam !== undefined && this.#fields.recheck !== false;
  }

  get limit(): number | undefined {
    return this.#fields.limit;
  }

  /** Query parameters of a page, by name. */
  parameters(position: PagePosition): Readonly<Record<string, string>> {
    const { cursorParam, pageParam, firstPage = 1, offsetParam, limitParam, limit } = this.#fields;
    const found: Record<string, string> = {};
    if (limitParam !== undefined && limit !== undefined) found[limitParam] = String(limit);
    if (cursorParam !== undefined && position.cursor !== undefined)
      found[cursorParam] = cursorText(position.cursor);
    if (pageParam !== undefined) found[pageParam] = String(position.page ?? firstPage);
    if (offsetParam !== undefined) found[offsetParam] = String(position.offset ?? 0);
    return found;
  }

  /** There is one page, which the answer itself may contradict. */
  get isOnePage(): boolean {
    const { onePage, pageParam, offsetParam, linkHeader, nextUrlPath, cursorPath } = this.#fields;
    const kinds = [pageParam, offsetParam, linkHeader, nextUrlPath, cursorPath];
    return onePage === true || kinds.every((each) => each === undefined);
  }

  /** The page after this one; undefined: it was the last. `toPath`: path and query of a URL, if it may be called. */
  next(position: PagePosition, facts: PageFacts, toPath: (url: string) => string): PagePosition | undefined {
    const { pageParam, firstPage = 1, offsetParam, morePath, onePage } = this.#fields;
    if (onePage || (morePath !== undefined && !this.#hasMore(facts))) return undefined;
    const isEmpty = facts.itemCount === 0;
    if (pageParam !== undefined)
      // Where the answer says that there is more, a page may be empty because its items were filtered.
      return isEmpty && morePath === undefined ? undefined : { page: (position.page ?? firstPage) + 1 };
    if (offsetParam !== undefined)
      return this.#required(isEmpty ? undefined : { offset: (position.offset ?? 0) + facts.itemCount });
    const next = this.#required(this.#named(facts, toPath));
    if (next === undefined) this.#requireLast(facts);
    return next;
  }

  #named(facts: PageFacts, toPath: (url: string) => string): PagePosition | undefined {
    const { linkHeader, nextUrlPath, cursorPath } = this.#fields;
    if (linkHeader) return toUrl(nextLink(facts.headers), toPath);
    if (nextUrlPath !== undefined) return this.#nextUrl(facts, toPath);
    return cursorPath === undefined ? undefined : this.#nextCursor(facts);
  }

  /** A list would end here, and the answer names another page in a way that source.paging does not follow. */
  #requireLast(facts: PageFacts): void {
    const found = unreadPage(facts, stepsOf(this.#itemsPath));
    if (!found) return;
    throw permanent(
      'NextPageUnread',
      `the answer of the API names a next page by ${found.at}, which source.paging does not follow: the rest of the list would be missing`,
      {
        path: 'spec.source.paging',
        fix: `${found.fix}; or set paging: { onePage: true } if the first page is all that is wanted`,
      },
    );
  }

  /** An answer that says that there is more, and not where, must not end the list. */
  #required(next: PagePosition | undefined): PagePosition | undefined {
    if (next !== undefined || this.#fields.morePath === undefined) return next;
    throw permanent(
      'AnswerInvalid',
      `the answer of the API says at ${this.#fields.morePath} that there is more, and does not say where`,
      {
        path: 'spec.source.paging',
        fix: 'correct source.paging by an answer of the API; remove morePath if the API ends its list otherwise',
      },
    );
  }

  #hasMore({ envelope }: PageFacts): boolean {
    if (envelope === undefined) return false;
    const value = valueAt(envelope, this.#fields.morePath ?? '');
    if (value === undefined) throw notFound('spec.source.paging.morePath', this.#fields.morePath ?? '');
    return !isNothing(value) && value !== 'false';
  }

  #nextUrl({ envelope }: PageFacts, toPath: (url: string) => string): PagePosition | undefined {
    const value = valueAt(envelope ?? null, this.#fields.nextUrlPath ?? '');
    if (value === undefined || value === null || value === '' || value === false) return undefined;
    if (typeof value === 'string') return toUrl(value, toPath);
    throw notFound('spec.source.paging.nextUrlPath', this.#fields.nextUrlPath ?? '');
  }

  /** Behind `ITEMS[-1]` the path is one in the last item. */
  #nextCursor({ envelope, lastItem }: PageFacts): PagePosition | undefined {
    const path = this.#fields.cursorPath ?? '';
    const last = `${this.#itemsPath}[-1]`;
    const isOfItem = path.startsWith(last);
    if (isOfItem && lastItem === undefined) return undefined;
    const value = isOfItem
      ? valueAt(lastItem ?? null, path.slice(last.length).replace(/^\./, ''))
      : valueAt(envelope ?? null, path);
    if (value === undefined || value === null || value === '' || value === false) return undefined;
    const cursor = writeJson(value);
    if (cursor.length <= maxPositionLength) return { cursor };
    throw permanent('AnswerInvalid', `the cursor of the next page has ${cursor.length} characters`, {
      path: 'spec.source.paging.cursorPath',
      fix: 'name the path of a cursor, which is at most 8192 characters long',
    });
  }
}

/** As the value of a parameter: a text without its quotes. */
export function cursorText(json: string): string {
  const value: unknown = JSON.parse(json);
  return typeof value === 'string' ? value : json;
}

export function valueAt(json: JsonValue, path: string): JsonValue | undefined {
  return valueAtPath(jsonAccess, json, stepsOf(path));
}

/** How APIs write that there is no error, or no further page: also as 0. */
export function isNothing(value: JsonValue | undefined): boolean {
  if (value === undefined || value === null || value === false || value === 0 || value === '') return true;
  return value instanceof Map ? value.size === 0 : Array.isArray(value) && value.length === 0;
}

export function stepsOf(path: string): readonly Step[] {
  const steps = parsePath(path.replace(/^\$\.?/, ''));
  if (steps) return steps;
  throw permanent('ManifestInvalid', `${path} is not a path`, {
    path: 'spec.source',
    fix: 'write names with dots between them, [0] for an element, and \\ before a dot or bracket in a name: data.items',
  });
}

function toUrl(url: string | undefined, toPath: (url: string) => string): PagePosition | undefined {
  if (url === undefined) return undefined;
  const path = toPath(url);
  if (path.length <= maxPositionLength) return { url: path };
  throw permanent('AnswerInvalid', `the URL of the next page has ${path.length} characters`, {
    path: 'spec.source.paging',
    fix: 'use another kind of paging: URLs of pages are at most 8192 characters long',
  });
}

function notFound(field: string, path: string): Error {
  return permanent('AnswerInvalid', `the answer of the API has no value of the expected kind at ${path}`, {
    path: field,
    fix: 'correct the path by an answer of the API',
  });
}
