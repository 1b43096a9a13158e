import type { Finding, IdraError } from '../../../core/errors.ts';
import { permanent } from '../../../core/errors.ts';
import type { DestinationObject, WriteMode } from '../../../core/sync-spec.ts';
import { requirePath } from '../source/source-fields.ts';
import { Template, type TemplateContext } from '../template.ts';

const usualRowsPerCall = 500;
const usualHeader = 'Idempotency-Key';

/** The fields of `destination` that describe calls of an API, parsed. */
export class DestinationFields {
  readonly object: DestinationObject;
  readonly path: Template;
  readonly body: Template | undefined;
  /** Where items are deleted; undefined: they cannot be. */
  readonly deletePath: Template | undefined;
  readonly rowsPerCall: number;
  readonly parallelCalls: number;
  readonly #key: readonly string[];

  constructor(object: DestinationObject) {
    const { path = '', deletePath, bodyTemplate, contentType = 'JSON' } = object;
    this.object = object;
    this.path = pathTemplate(path, 'spec.destination.path');
    const context: TemplateContext = contentType === 'Form' ? 'form' : 'json';
    const options = { context, names: ['row', 'rows'], path: 'spec.destination.bodyTemplate' };
    this.body = bodyTemplate === undefined ? undefined : new Template(bodyTemplate, options);
    this.deletePath =
      deletePath === undefined ? undefined : pathTemplate(deletePath, 'spec.destination.deletePath');
    this.rowsPerCall = object.rowsPerCall ?? usualRowsPerCall;
    this.parallelCalls = object.parallelCalls ?? 1;
    this.#key = object.key ?? [];
  }

  /** One call has many rows. */
  get isForMany(): boolean {
    return this.body?.has('rows') === true;
  }

  get contentType(): string {
    switch (this.object.contentType) {
      case 'Form':
        return 'application/x-www-form-urlencoded';
      case 'NDJSON':
        return 'application/x-ndjson';
      default:
        return 'application/json';
    }
  }

  method(writeMode: WriteMode): 'POST' | 'PUT' | 'PATCH' {
    return this.object.method ?? (writeMode === 'Upsert' && !this.isForMany ? 'PUT' : 'POST');
  }

  /** The header with a key that a repeated call has again: the methods PUT and DELETE need none. */
  idempotencyHeader(method: string): string | undefined {
    const { idempotencyHeader } = this.object;
    return idempotencyHeader ?? (method === 'PUT' || method === 'DELETE' ? undefined : usualHeader);
  }

  /** The template of an item's path, whose fields are all of the key. */
  itemPath(key: readonly string[]): Template | undefined {
    if (this.deletePath) return this.deletePath;
    const fields = this.path.uses.map((each) => each.replace(/^row\./, ''));
    return fields.length > 0 && fields.every((each) => key.includes(each)) ? this.path : undefined;
  }

  findings(writeMode: WriteMode): readonly Finding[] {
    const findings: Finding[] = [];
    if (this.isForMany && this.path.has('row'))
      findings.push(
        wrong(
          'path',
          'the path has values of one row, and the body has many rows',
          'use {{ row }} in bodyTemplate, or a path without row',
        ),
      );
    if (
      writeMode === 'Upsert' &&
      this.method(writeMode) === 'PUT' &&
      !this.isForMany &&
      !this.path.has('row')
    )
      findings.push(
        wrong(
          'path',
          'every row would be sent to the same item',
          'write the key into the path: /v1/orders/{{ row.id }}; or set method to POST if the API finds the item by the body',
        ),
      );
    if (this.object.results && !this.isForMany)
      findings.push(
        wrong(
          'results',
          'each call has one row, and the status of its answer is its result',
          'remove results, or send many rows with {{ rows }} in bodyTemplate',
        ),
      );
    return findings;
  }

  /** Throws if a template uses a column that is not written. */
  requireColumns(names: readonly string[]): void {
    for (const [field, template] of [
      ['path', this.path],
      ['bodyTemplate', this.body],
      ['deletePath', this.deletePath],
    ] as const) {
      const unknown = template?.uses.find(
        (each) => each.startsWith('row.') && !names.includes(each.slice(4)),
      );
      if (unknown === undefined) continue;
      throw permanent('FieldNotFound', `the template uses ${unknown}, and no such column is written`, {
        path: `spec.destination.${field}`,
        fix: `use one of ${names.join(', ')}`,
      });
    }
  }

  get key(): readonly string[] {
    return this.#key;
  }
}

function pathTemplate(path: string, field: string): Template {
  requirePath(path, field);
  return new Template(path, { context: 'url', names: ['row'], path: field });
}

function wrong(field: string, message: string, fix: string): Finding {
  return { severity: 'error', code: 'ManifestInvalid', path: `spec.destination.${field}`, message, fix };
}

export function deletesNotOffered(message: string, fix: string): IdraError {
  return permanent('DeletesNotOffered', message, { path: 'spec.deletes', fix });
}
