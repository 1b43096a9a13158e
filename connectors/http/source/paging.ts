import { permanent } from '../../../core/errors.ts';
import { jsonAccess, writeJson } from '../../../core/records/json.ts';
import type { JsonValue } from '../../../core/records/json-parser.ts';
import { valueAtPath } from '../../../core/records/node.ts';
import { parsePath, type Step } from '../../../core/records/path.ts';
import type { HttpPaging } from '../../../core/sync-spec.ts';
import { type HeaderValues, textOf } from '../connection/rate-limits.ts';

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
  readonly envelope: JsonValue;
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

  /** The page after this one; undefined: it was the last. `toPath`: path and query of a URL, if it may be called. */
  next(position: PagePosition, facts: PageFacts, toPath: (url: string) => string): PagePosition | undefined {
    const { pageParam, firstPage = 1, offsetParam, linkHeader, morePath } = this.#fields;
    if (morePath !== undefined && !this.#hasMore(facts)) return undefined;
    if (pageParam !== undefined)
      return facts.itemCount === 0 ? undefined : { page: (position.page ?? firstPage) + 1 };
    if (offsetParam !== undefined)
      return facts.itemCount === 0 ? undefined : { offset: (position.offset ?? 0) + facts.itemCount };
    if (linkHeader) return this.#required(facts, toUrl(nextLink(facts.headers), toPath));
    if (this.#fields.nextUrlPath !== undefined) return this.#required(facts, this.#nextUrl(facts, toPath));
    return this.#fields.cursorPath === undefined ? undefined : this.#required(facts, this.#nextCursor(facts));
  }

  /** A page of items that says that there is more, and not where, must not end the list. */
  #required({ itemCount }: PageFacts, next: PagePosition | undefined): PagePosition | undefined {
    if (next !== undefined || this.#fields.morePath === undefined || itemCount === 0) return next;
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
    const value = valueAt(envelope, this.#fields.morePath ?? '');
    if (value === undefined) throw notFound('spec.source.paging.morePath', this.#fields.morePath ?? '');
    return !(value === null || value === false || value === 0 || value === '' || value === 'false');
  }

  #nextUrl({ envelope }: PageFacts, toPath: (url: string) => string): PagePosition | undefined {
    const value = valueAt(envelope, this.#fields.nextUrlPath ?? '');
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
      : valueAt(envelope, path);
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

/** RFC 8288: the target with the relation `next`. */
export function nextLink(headers: HeaderValues): string | undefined {
  const text = textOf(headers, 'link') ?? '';
  for (const [, target = '', parameters = ''] of text.matchAll(
    /<([^<>]*)>((?:\s*;\s*[^;,"]+(?:"(?:[^"\\]|\\.)*")?)*)/g,
  )) {
    const relations = /;\s*rel\s*=\s*(?:"([^"]*)"|([^\s;,"]+))/i.exec(parameters);
    const names = (relations?.[1] ?? relations?.[2] ?? '').toLowerCase().split(/\s+/);
    if (names.includes('next')) return target;
  }
  return undefined;
}

function notFound(field: string, path: string): Error {
  return permanent('AnswerInvalid', `the answer of the API has no value of the expected kind at ${path}`, {
    path: field,
    fix: 'correct the path by an answer of the API',
  });
}
