import { permanent } from '../../../core/errors.ts';
import { instantMs } from '../../../core/instant.ts';
import type { SourceObject } from '../../../core/sync-spec.ts';
import { type Scope, Template, type TemplateValue, textValue } from '../template.ts';
import { cursorText, type PagePosition, Paging, stepsOf } from './paging.ts';

/** What a page is asked for: where in the list, and since which id or time. */
export interface PageRequest {
  readonly position: PagePosition;
  /** Canonical text of the offset; undefined: everything. */
  readonly since: string | undefined;
}

export interface RenderedCall {
  /** Below the url of the DataSource, with its query. */
  readonly path: string;
  readonly body: string | undefined;
}

const names = ['offset', 'cursor', 'page', 'start', 'limit'];

/** The fields of `source` that describe calls of an API, parsed. */
export class SourceFields {
  readonly path: string;
  readonly method: 'GET' | 'POST';
  readonly itemsPath: string;
  readonly errorPath: string | undefined;
  readonly paging: Paging;
  readonly #param: string | undefined;
  readonly #paramFormat: string | undefined;
  readonly #pathTemplate: Template;
  readonly #body: Template | undefined;
  readonly #firstPage: number;

  constructor(object: SourceObject) {
    const { path = '', method = 'GET', bodyTemplate, paging, itemsPath = '' } = object;
    requirePath(path, 'spec.source.path');
    this.path = path;
    this.method = method === 'POST' ? 'POST' : 'GET';
    this.itemsPath = itemsPath;
    stepsOf(itemsPath);
    this.errorPath = object.errorPath;
    this.paging = new Paging(paging, itemsPath);
    this.#firstPage = paging?.firstPage ?? 1;
    this.#param = object.param;
    this.#paramFormat = object.paramFormat;
    this.#pathTemplate = new Template(path, { context: 'url', names, path: 'spec.source.path' });
    this.#body =
      bodyTemplate === undefined
        ? undefined
        : new Template(bodyTemplate, { context: 'json', names, path: 'spec.source.bodyTemplate' });
    if (this.#body && this.method === 'GET') {
      throw permanent('ManifestInvalid', 'a GET has no body', {
        path: 'spec.source.method',
        fix: 'set method to POST, or remove bodyTemplate',
      });
    }
  }

  /** The API leaves out what was read before. */
  get takesOffset(): boolean {
    return this.#param !== undefined || this.#uses('offset');
  }

  /** The position of a page reaches the API. */
  get takesCursor(): boolean {
    return this.#uses('cursor');
  }

  render({ position, since }: PageRequest): RenderedCall {
    if (position.url !== undefined)
      return { path: position.url, body: this.#rendered(this.#body, position, since) };
    const path = this.#rendered(this.#pathTemplate, position, since) ?? '';
    const parameters = { ...this.paging.parameters(position), ...this.#sinceParameter(since) };
    const query = Object.entries(parameters).map(
      ([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(value)}`,
    );
    const separator = query.length === 0 ? '' : path.includes('?') ? '&' : '?';
    return {
      path: `${path}${separator}${query.join('&')}`,
      body: this.#rendered(this.#body, position, since),
    };
  }

  #uses(name: string): boolean {
    return this.#pathTemplate.has(name) || this.#body?.has(name) === true;
  }

  #sinceParameter(since: string | undefined): Readonly<Record<string, string>> {
    if (this.#param === undefined || since === undefined) return {};
    return { [this.#param]: formatted(since, this.#paramFormat) };
  }

  #rendered(
    template: Template | undefined,
    position: PagePosition,
    since: string | undefined,
  ): string | undefined {
    if (!template) return undefined;
    const text = template.render(scopeOf(position, since, this.paging.limit, this.#firstPage));
    if (typeof text === 'string') return text;
    throw permanent('TemplateInvalid', `{{ ${text.name} }} has no value in the first call`, {
      path: 'spec.source.path',
      fix: `say what the first call has instead: {{ ${text.name} | or "0" }}`,
    });
  }
}

function scopeOf(
  position: PagePosition,
  since: string | undefined,
  limit: number | undefined,
  firstPage: number,
): Scope {
  const number = (value: number): TemplateValue => ({ json: String(value), text: String(value) });
  const values: Readonly<Record<string, TemplateValue | undefined>> = {
    offset: since === undefined ? undefined : offsetValue(since),
    cursor:
      position.cursor === undefined
        ? undefined
        : { json: position.cursor, text: cursorText(position.cursor) },
    page: number(position.page ?? firstPage),
    start: number(position.offset ?? 0),
    limit: limit === undefined ? undefined : number(limit),
  };
  return { value: (name) => values[name] };
}

/** An id as a number where it is one; a time in ISO 8601. */
function offsetValue(since: string): TemplateValue {
  return /^-?(0|[1-9]\d*)(\.\d+)?$/.test(since) ? { json: since, text: since } : textValue(isoOf(since));
}

function isoOf(canonical: string): string {
  return /^\d{4}-\d{2}-\d{2} /.test(canonical) ? canonical.replace(' ', 'T') : canonical;
}

const formats: Readonly<Record<string, string>> = { Unix: 'unix', UnixMs: 'unixMs', Date: 'date' };

/** Rounded down where the format has fewer digits: the API then returns rows again, which are left out. */
function formatted(since: string, format: string | undefined): string {
  const filter = formats[format ?? ''];
  if (filter === undefined) return isoOf(since);
  const template = new Template(`{{ offset | ${filter} }}`, {
    context: 'json',
    names,
    path: 'spec.source.paramFormat',
  });
  const from = format === 'Date' ? dayBefore(since) : since;
  const text = template.render({ value: () => offsetValue(from) });
  return typeof text === 'string' ? text.replaceAll('"', '') : '';
}

/** A day begins earlier in UTC than where an API may count its days: only a day before includes all that is later than the instant. */
function dayBefore(since: string): string {
  const ms = since.endsWith('Z') ? instantMs(since, 'UTC') : undefined;
  return ms === undefined ? since : new Date(ms - 86_400_000).toISOString().slice(0, 10);
}

/** Outside of its templates a path has neither spaces nor what would lead to another host. */
export function requirePath(path: string, field: string): void {
  if (/^\/(?!\/)[^\s\\#]*$/.test(path.replace(/\{\{.*?\}\}/g, 'x'))) return;
  throw permanent('NameInvalid', `${path} is not a path`, {
    path: field,
    fix: 'write a path that begins with one slash; it is relative to the url of the DataSource: /v1/orders',
  });
}
