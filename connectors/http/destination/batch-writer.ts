import type { Batch, RowList } from '../../../core/batch.ts';
import type { PlainWriteResult, Rejection, WritePlan } from '../../../core/connector.ts';
import { bug, permanent } from '../../../core/errors.ts';
import { nullInKey } from '../../../core/null-in-key.ts';
import type { ColumnMisfit } from '../../../core/records/canonical-json.ts';
import type { Row } from '../../../core/values.ts';
import { namedAs, refusedRow, rowName } from '../../sql/destination/refused-row.ts';
import { statusError } from '../errors.ts';
import type { Answer, Session } from '../session.ts';
import { MissingValue, type Scope, type Template } from '../template.ts';
import { RowWriter, type WrittenRow } from '../types/format.ts';
import { type Change, callsOf, inParallel, keyReader } from './changes.ts';
import { type DestinationFields, deletesNotOffered } from './destination-fields.ts';
import { idempotencyKey } from './idempotency-key.ts';
import { resultsOf, resultsUnread } from './results.ts';

/** The API has refused what a call contains: another row may be accepted. */
const rowStatuses = [400, 409, 413, 422];
const mostRejections = 100;
const path = 'spec.destination.path';

export interface WriteTo {
  readonly session: Session;
  readonly fields: DestinationFields;
  readonly plan: WritePlan;
}

/** Which rows of a batch are sent. */
interface Chosen {
  readonly deletions: ReadonlySet<number>;
  /** Number of the batch's first row since the stored offset. */
  readonly first: number;
  /** Undefined: all of them. */
  readonly lasting: ReadonlySet<number> | undefined;
}

interface Tally {
  written: number;
  deleted: number;
  rejected: number;
  readonly rejections: Rejection[];
}

/** Sends the rows of batches to an API. */
export class BatchWriter {
  readonly #to: WriteTo;
  readonly #rows: RowWriter;
  readonly #itemPath: Template | undefined;
  readonly #nullInKey: (row: Row) => string | undefined;

  constructor(to: WriteTo) {
    const { fields, plan } = to;
    this.#to = to;
    this.#rows = new RowWriter(plan.columns.columns);
    fields.requireColumns(this.#rows.names);
    this.#nullInKey = nullInKey(plan);
    this.#itemPath = plan.deletes === 'Ignore' ? undefined : deletePathOf(fields, plan);
  }

  /** `first`: number of the batch's first row since the offset `after`. */
  async write(
    batch: Batch,
    after: string | null,
    first: number,
    signal: AbortSignal,
  ): Promise<PlainWriteResult> {
    const { rows } = batch;
    if (!('rows' in rows)) throw bug('rows are sent to an API as values');
    const deletions = new Set(rows.deletions);
    const tally: Tally = { written: 0, deleted: 0, rejected: 0, rejections: [] };
    const lasting = this.#lasting(rows.rows, deletions, tally);
    const calls = callsOf(this.#changes(rows.rows, { deletions, first, lasting }, tally), this.#to.fields);
    await inParallel(this.#to.fields.parallelCalls, calls, (call) => this.#send(call, after, tally, signal));
    return tally;
  }

  /**
   * The last row of each key, by its index: it replaces the earlier ones of the batch, so calls may be sent in any order. Undefined: every
   * row is sent. With onError Stop a value that JSON cannot keep is found here, before the first call is sent.
   */
  #lasting(rows: RowList, deletions: ReadonlySet<number>, tally: Tally): ReadonlySet<number> | undefined {
    const keyOf = keyReader(this.#to.plan);
    if (!keyOf && this.#to.plan.onError !== 'Stop') return undefined;
    const last = new Map<string, number>();
    let index = -1;
    for (const row of rows) {
      index += 1;
      const written = deletions.has(index) ? undefined : this.#written(row);
      if (!written || 'json' in written) {
        if (keyOf) last.set(keyOf(row), index);
      } else if (this.#to.plan.onError === 'Stop') this.#notKept(written, row, tally);
    }
    return keyOf && new Set(last.values());
  }

  /** Made one after the other as they are sent: as objects, the rows of a batch would take many times its memory. */
  *#changes(rows: RowList, { deletions, first, lasting }: Chosen, tally: Tally): Generator<Change> {
    let index = -1;
    for (const row of rows) {
      index += 1;
      const change = this.#change(row, first + index, deletions.has(index), tally);
      if (change && lasting?.has(index) !== false) yield change;
    }
  }

  #change(row: Row, number: number, isDeletion: boolean, tally: Tally): Change | undefined {
    if (isDeletion) return { row, number, isDeletion, json: '', scope: this.#rows.scopeOf(row, '{}') };
    const written = this.#written(row);
    if ('json' in written) return { row, number, isDeletion, ...written };
    this.#notKept(written, row, tally);
    return undefined;
  }

  /** A row without a key would replace every other one without it. */
  #written(row: Row): WrittenRow | ColumnMisfit {
    const column = this.#nullInKey(row);
    return column === undefined ? this.#rows.write(row) : { column, reason: 'is NULL in a key' };
  }

  #notKept({ column, reason }: ColumnMisfit, row: Row, tally: Tally): void {
    this.#reject({ code: 'ValueNotKept', column, message: `the value ${reason}` }, row, tally);
  }

  async #send(
    call: readonly Change[],
    after: string | null,
    tally: Tally,
    signal: AbortSignal,
  ): Promise<void> {
    const [first] = call;
    if (!first) return;
    if (first.isDeletion) {
      await this.#delete(first, after, tally, signal);
      return;
    }
    const { fields, plan, session } = this.#to;
    const method = fields.method(plan.writeMode);
    const rendered = this.#rendered(call);
    if ('rejection' in rendered) {
      this.#reject(rendered.rejection, first.row, tally);
      return;
    }
    const answer = await session.send(
      this.#call(method, rendered.url, rendered.body, { after, row: first.number }),
      signal,
    );
    await this.#judge(answer, call, after, tally, signal);
  }

  /** What the answer says about the rows of its call. */
  async #judge(
    answer: Answer,
    call: readonly Change[],
    after: string | null,
    tally: Tally,
    signal: AbortSignal,
  ): Promise<void> {
    const { fields, plan } = this.#to;
    const { status } = answer;
    if (status >= 200 && status < 300) {
      const { errorPath, results } = fields.object;
      if (errorPath === undefined && results === undefined) {
        await drained(answer);
        if (status === 207) throw resultsUnread(this.#where(call));
        tally.written += call.length;
        return;
      }
      const outcomes = resultsOf(await answer.whole(), call.length, fields.object, this.#where(call));
      if (outcomes === 'refused') this.#refused('an error in its answer', call, tally);
      else for (const [index, change] of call.entries()) this.#count(outcomes[index], change, tally);
      return;
    }
    answer.discard();
    if (!rowStatuses.includes(status)) throw statusError(status, { where: this.#where(call), path });
    if (call.length === 1 || plan.onError === 'Stop') {
      this.#refused(`the API answers ${status}`, call, tally);
      return;
    }
    // Without results of single rows, the refused ones are found by halving.
    const middle = Math.ceil(call.length / 2);
    for (const part of [call.slice(0, middle), call.slice(middle)])
      await this.#send(part, after, tally, signal);
  }

  /** `refusal`: why the row was not stored; undefined: it was. */
  #count(refusal: string | undefined, { row }: Change, tally: Tally): void {
    if (refusal === undefined) tally.written += 1;
    else this.#reject({ code: 'RowRefused', message: refusal }, row, tally);
  }

  #refused(why: string, call: readonly Change[], tally: Tally): void {
    const [first, ...more] = call;
    if (more.length > 0) throw this.#callRefused(why, call);
    if (first) this.#count(why, first, tally);
  }

  async #delete(change: Change, after: string | null, tally: Tally, signal: AbortSignal): Promise<void> {
    const template = this.#itemPath;
    if (!template) throw bug('a deletion reaches an API that cannot delete');
    const url = this.#url(template, change.scope);
    if (!(url instanceof URL)) {
      this.#reject(url, change.row, tally);
      return;
    }
    const answer = await this.#to.session.send(
      this.#call('DELETE', url, undefined, { after, row: change.number }),
      signal,
    );
    const { status } = answer;
    // What is not there is deleted.
    const isGone = (status >= 200 && status < 300) || status === 404 || status === 410;
    if (isGone) {
      await drained(answer);
      tally.deleted += 1;
      return;
    }
    answer.discard();
    if (!rowStatuses.includes(status))
      throw statusError(status, { where: this.#where([change]), path: 'spec.destination.deletePath' });
    this.#reject(
      { code: 'RowRefused', message: `the API answers ${status} to its deletion` },
      change.row,
      tally,
    );
  }

  #call(
    method: 'POST' | 'PUT' | 'PATCH' | 'DELETE',
    url: URL,
    body: string | undefined,
    { after, row }: { readonly after: string | null; readonly row: number },
  ) {
    const { fields, plan } = this.#to;
    const header = fields.idempotencyHeader(method);
    const key = header && idempotencyKey({ uid: plan.uid, after, row, body: body ?? url.href });
    return {
      method,
      url,
      name: `${method} ${fields.object.path}`,
      // Without a key a call may be executed twice, as when it is sent again after a crash: at least once.
      isRepeatable: method === 'PUT' || method === 'DELETE' || header !== undefined,
      headers: {
        ...(body !== undefined && { 'content-type': fields.contentType }),
        ...(header && key && { [header.toLowerCase()]: key }),
      },
      ...(body !== undefined && { body: Buffer.from(body) }),
    };
  }

  #rendered(
    call: readonly Change[],
  ): { readonly url: URL; readonly body: string } | { readonly rejection: Rejection } {
    const { fields } = this.#to;
    const [first] = call;
    const single = first?.scope ?? { value: () => undefined };
    const many: Scope = {
      value: (name, field) =>
        name === 'rows'
          ? { json: `[${call.map(({ json }) => json).join(',')}]`, text: '' }
          : single.value(name, field),
      each: (name) => (name === 'rows' ? call.map(({ scope }) => scope) : []),
    };
    const url = this.#url(fields.path, single);
    if (!(url instanceof URL)) return { rejection: url };
    const body = fields.body ? fields.body.render(many) : (first?.json ?? '');
    return body instanceof MissingValue ? { rejection: missing(body) } : { url, body };
  }

  /** A value that would change the structure of the path (`..`) is refused. */
  #url(template: Template, scope: Scope): URL | Rejection {
    const { base } = this.#to.session.config;
    const text = template.render(scope);
    if (text instanceof MissingValue) return missing(text);
    const url = this.#to.session.urlOf(base + text, path);
    const [written = ''] = (base + text).slice(url.origin.length).split('?');
    if (url.pathname === written) return url;
    return { code: 'ValueNotKept', message: 'a value cannot be a part of a path' };
  }

  #reject(rejection: Rejection, row: Row, tally: Tally): void {
    const { plan, fields, session } = this.#to;
    const named = { ...rejection, ...namedAs(rowName(plan, row)) };
    if (plan.onError === 'Stop') throw refusedRow(named, `${session.config.where}${fields.object.path}`);
    tally.rejected += 1;
    if (tally.rejections.length < mostRejections) tally.rejections.push(named);
  }

  #callRefused(why: string, call: readonly Change[]): Error {
    return permanent(
      'CallRefused',
      `${this.#where(call)}: the API refuses a call with ${call.length} rows (${why})`,
      {
        path,
        fix: 'correct bodyTemplate by the documentation of the API; or set onError to Skip, which finds the rows that are refused',
      },
    );
  }

  #where(call: readonly Change[]): string {
    const { session, fields, plan } = this.#to;
    const method = call[0]?.isDeletion ? 'DELETE' : fields.method(plan.writeMode);
    return `${session.config.where}: ${method} ${fields.object.path}`;
  }
}

function deletePathOf(fields: DestinationFields, { deletes, key }: WritePlan): Template {
  if (deletes === 'Soft') {
    throw deletesNotOffered(
      'an API as destination has no column that marks a row as deleted',
      'use deletes Hard, which sends DELETE, or Ignore',
    );
  }
  const template = fields.itemPath(key);
  if (template) return template;
  throw deletesNotOffered(
    'no path of a single item is known, to which DELETE could be sent',
    'set destination.deletePath to it: /v1/orders/{{ row.id }}',
  );
}

/** Read to its end, so that the connection can be used again. What it says does not matter. */
async function drained(answer: Answer): Promise<void> {
  for await (const chunk of answer.body()) void chunk;
}

function missing({ name }: MissingValue): Rejection {
  return { code: 'ValueNotKept', message: `${name} is NULL or empty, and the path needs a value` };
}
