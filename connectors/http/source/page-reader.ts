import { createHash } from 'node:crypto';
import { IdraError, permanent, transient } from '../../../core/errors.ts';
import { writeJson } from '../../../core/records/json.ts';
import { type JsonValue, parseJson } from '../../../core/records/json-parser.ts';
import { type HeaderValues, httpDateMs, textOf } from '../connection/rate-limits.ts';
import { statusError } from '../errors.ts';
import type { Answer, SafeCall, Session } from '../session.ts';
import { AnswerError, JsonItems } from './json-items.ts';
import { isNothing, stepsOf, valueAt } from './paging.ts';
import type { PageRequest, SourceFields } from './source-fields.ts';

/** What is known of a page when all of its items were read. */
export interface PageSummary {
  /** That was called. */
  readonly url: URL;
  /** Undefined: the answer has no body. */
  readonly envelope: JsonValue | undefined;
  readonly headers: HeaderValues;
}

const path = 'spec.source.path';
/** 201: of a POST that asks for a list; 204: an empty one. */
const listStatuses = [200, 201, 203, 204];

/** Reads pages of one list. The last small answer with an ETag is kept, so that a list that has not changed is not sent again. */
export class PageReader {
  readonly #session: Session;
  readonly #fields: SourceFields;
  readonly #known = new KnownAnswers();
  #dateMs: number | undefined;

  constructor(session: Session, fields: SourceFields) {
    this.#session = session;
    this.#fields = fields;
  }

  /** When the last answer began, by the clock of the API in whole seconds; undefined if it sends none. */
  get dateMs(): number | undefined {
    return this.#dateMs;
  }

  /** For messages. */
  get where(): string {
    return `${this.#session.config.where}: ${this.#fields.method} ${nameOf(this.#fields.path)}`;
  }

  /**
   * The path and query of a URL that the API gave, if it is of the same origin. It may be relative to the URL that was called (RFC 3986).
   * Credentials in it are left out.
   */
  toPath(url: string, called: URL): string {
    const { origin } = this.#session.config;
    const target = this.#session.urlOf(URL.parse(url, called.href)?.href ?? url, 'spec.source.paging');
    for (const [name, value] of [...target.searchParams])
      if (this.#session.isSecret(value)) target.searchParams.delete(name);
    return target.href.slice(origin.length);
  }

  /** The items of a page as their bytes, as many at once as have arrived. Throws for an answer of failure. */
  async *read(request: PageRequest, signal: AbortSignal): AsyncGenerator<readonly Buffer[], PageSummary> {
    const call = this.#call(request);
    const key = keyOf(call);
    const etag = this.#known.etagOf(key);
    const answer = await this.#session.send(
      etag === undefined ? call : { ...call, headers: { ...call.headers, 'if-none-match': etag } },
      signal,
    );
    this.#requireSuccess(answer, etag !== undefined);
    this.#dateMs = httpDateMs(textOf(answer.headers, 'date'));
    const chunks = answer.status === 304 ? this.#known.body(key, answer) : this.#known.keep(key, answer);
    const scanner = new JsonItems(stepsOf(this.#fields.itemsPath));
    const { url } = answer;
    // Before anything is kept of the answer: a 304 may leave out headers that have not changed.
    const headers = answer.status === 304 ? this.#known.headers(key, answer) : answer.headers;
    try {
      if (answer.status === 204) {
        await answer.whole();
        return { url, envelope: undefined, headers };
      }
      for await (const chunk of chunks) {
        const items = scanner.feed(chunk);
        if (items.length > 0) yield items;
      }
      const envelope = this.#parsed(scanner.end());
      this.#requireNoError(envelope);
      const single = scanner.hasFound ? undefined : this.#single(envelope);
      if (single) yield [single];
      return { url, envelope, headers };
    } catch (thrown) {
      throw thrown instanceof AnswerError ? this.#invalid(thrown) : thrown;
    } finally {
      answer.discard();
    }
  }

  #call(request: PageRequest): SafeCall {
    const { path: rendered, body } = this.#fields.render(request);
    const { base, origin } = this.#session.config;
    const { method } = this.#fields;
    const url = this.#session.urlOf(`${request.position.url === undefined ? base : origin}${rendered}`, path);
    return {
      method,
      url,
      name: `${method} ${nameOf(this.#fields.path)}`,
      // Reading again changes nothing, also by POST: each pass does it.
      isRepeatable: true,
      ...(body !== undefined && { body: Buffer.from(body), headers: { 'content-type': 'application/json' } }),
    };
  }

  #requireSuccess(answer: Answer, isConditional: boolean): void {
    const { status } = answer;
    if (listStatuses.includes(status) || (status === 304 && isConditional)) return;
    answer.discard();
    const isSuccess = status >= 200 && status < 300;
    throw isSuccess ? this.#incomplete(status) : statusError(status, { where: this.where, path });
  }

  /** What has such a status may be a part of the list, or stand for one that the API has not made yet. */
  #incomplete(status: number): IdraError {
    const isLater = status === 202;
    return new IdraError({
      code: 'AnswerIncomplete',
      disposition: isLater ? 'transient' : 'permanent',
      message: `${this.where}: the API answers ${status}, ${isLater ? 'so the list is not made yet' : 'which stands for no whole list'}`,
      path,
      fix: isLater
        ? 'nothing: it is retried until the API answers 200'
        : 'set path to a list that the API answers with 200; its parts are asked for by source.paging',
    });
  }

  #parsed(json: Buffer): JsonValue {
    try {
      return parseJson(new TextDecoder('utf-8', { fatal: true }).decode(json));
    } catch {
      throw new AnswerError('the answer is not JSON');
    }
  }

  /** An API that answers 200 with an error inside. Its text is not shown, unless it is a word that can only be a code. */
  #requireNoError(envelope: JsonValue): void {
    const { errorPath } = this.#fields;
    if (errorPath === undefined) return;
    const value = valueAt(envelope, errorPath);
    if (isNothing(value)) return;
    const isCode = typeof value === 'string' && /^[a-z][a-z0-9_.-]{0,63}$/i.test(value);
    const code = isCode && !this.#session.isSecret(value) ? ` (${value})` : '';
    throw permanent('AnswerHasError', `${this.where}: the answer contains an error at ${errorPath}${code}`, {
      path,
      fix: 'correct the call by the documentation of the API; it is retried every minute',
    });
  }

  /** An object where a list was expected is one item; null is none. */
  #single(envelope: JsonValue): Buffer | undefined {
    const { itemsPath } = this.#fields;
    const value = itemsPath === '' ? envelope : valueAt(envelope, itemsPath);
    if (value === null) return undefined;
    if (value instanceof Map && itemsPath !== '') return Buffer.from(writeJson(value));
    throw this.#noItems(envelope);
  }

  #noItems(envelope: JsonValue): IdraError {
    const lists = envelope instanceof Map ? [...envelope].filter(([, value]) => Array.isArray(value)) : [];
    const named = lists.map(([name]) => name).filter((name) => /^[\w.@$-]{1,64}$/.test(name));
    const at = this.#fields.itemsPath;
    return permanent(
      'AnswerInvalid',
      `${this.where}: the answer has no list ${at === '' ? 'as its value' : `at ${at}`}`,
      {
        path: 'spec.source.itemsPath',
        fix:
          named.length === 0
            ? 'set itemsPath to where the items are in an answer of the API: data.items'
            : `set itemsPath to where the items are; the answer has lists at ${named.join(', ')}`,
      },
    );
  }

  #invalid({ message, isCut, isTooLarge }: AnswerError): IdraError {
    const text = `${this.where}: ${message}`;
    if (isCut) return transient('ConnectionLost', text);
    return permanent(isTooLarge ? 'AnswerTooLarge' : 'AnswerInvalid', text, {
      path: isTooLarge ? path : 'spec.source.itemsPath',
      fix: isTooLarge
        ? 'ask for smaller items, for instance for fewer fields by parameters in path'
        : 'check that the path is that of a list in JSON',
    });
  }
}

/** Without the query, whose values may be those of rows. */
export function nameOf(requested: string): string {
  return requested.split('?')[0] ?? '';
}

function keyOf({ method, url, body }: SafeCall): string {
  return createHash('sha256')
    .update(`${method} ${url.href}\n`)
    .update(body ?? '')
    .digest('base64');
}

const maxKnownBytes = 65_536;
const mostKnown = 2;

interface Known {
  readonly etag: string;
  /** Of the answer that had the body. */
  readonly link: HeaderValues[string];
  readonly body: Buffer;
}

/** The last small answers that have an ETag: those of a poll that finds nothing new, and of a page that is checked again. */
class KnownAnswers {
  readonly #answers = new Map<string, Known>();

  etagOf(key: string): string | undefined {
    return this.#answers.get(key)?.etag;
  }

  /** Of an answer without body: what it says, and the link to the next page that the body came with. */
  headers(key: string, { headers }: Answer): HeaderValues {
    const link = headers.link ?? this.#answers.get(key)?.link;
    return link === undefined ? headers : { ...headers, link };
  }

  async *body(key: string, answer: Answer): AsyncGenerator<Buffer> {
    await answer.whole();
    const known = this.#answers.get(key);
    if (known) yield known.body;
  }

  /** The chunks of an answer; it is known when it was read to its end. */
  async *keep(key: string, answer: Answer): AsyncGenerator<Buffer> {
    const etag = textOf(answer.headers, 'etag');
    let chunks: Buffer[] | undefined = etag === undefined || etag.length > 512 ? undefined : [];
    let bytes = 0;
    for await (const chunk of answer.body()) {
      bytes += chunk.length;
      if (bytes > maxKnownBytes) chunks = undefined;
      chunks?.push(chunk);
      yield chunk;
    }
    this.#answers.delete(key);
    if (chunks === undefined || etag === undefined) return;
    this.#answers.set(key, { etag, link: answer.headers.link, body: Buffer.concat(chunks) });
    const [oldest] = this.#answers.keys();
    if (this.#answers.size > mostKnown && oldest !== undefined) this.#answers.delete(oldest);
  }
}
